"""`gmstudio bench table2`: images, as in the paper's Table 2: models without mollification, with noise and with blur.

Every number is a Fréchet distance (FID) of samples to images that no model has seen, in the features of one classifier
that is trained on the same training images (see `gmstudio.observation.features`): less is better, and values of one set
can be compared with each other only.  The floor is that of training images, and a Gaussian with the training images'
mean and covariance is the model to beat.  All schedules and seeds of a row train as one ensemble, for equally many
steps.  What is in the JSON file already is not trained again.  With ``--features FILE``
the features are those of Inception-v3, and the table is one of its own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from gmstudio import runs
from gmstudio.bench import report
from gmstudio.data.sets.images import ImagesSpec
from gmstudio.errors import RefusedError

if TYPE_CHECKING:
    from torch import Tensor

    from gmstudio.data.base import Dataset
    from gmstudio.observation.features import Judge
    from gmstudio.training.trainer import Trainer

DIGITS = "digits"
#: Without mollification, with Gaussian noise and with blur; both end where the recipe ``best`` of tables ends its
#: noise, which was chosen before any of these images were seen.
SCHEDULES: dict[str, dict[str, Any]] = {
    "vanilla": {"kind": "off"},
    "noise": {"kind": "sigmoid", "until": 0.8},
    "blur": {"kind": "sigmoid", "until": 0.8, "by": "blur"},
}
#: Samples, training images and draws of the Gaussian that are compared with the images held out, at most.
SAMPLES = 2000
#: Samples that are drawn at once; steps between two words on the progress; seed of the samples' noise.
CHUNK, WORDS, NOISE_SEED = 250, 20, 909


class Row(NamedTuple):
    """A row of the table.

    Attributes:
        title: what the paper calls it.
        model: its specification, but for what depends on the images' size.
        objective: by which it is trained.
        latent: whether it has latent variables and a decoder.
    """

    title: str
    model: dict[str, Any]
    objective: dict[str, Any]
    latent: bool = True


_ML: dict[str, Any] = {"kind": "maximum-likelihood"}
_ELBO: dict[str, Any] = {"kind": "elbo"}
ROWS: dict[str, Row] = {
    "real-nvp": Row("Real-NVP", {"kind": "real-nvp"}, _ML, latent=False),
    "glow": Row("Glow", {"kind": "glow"}, _ML, latent=False),
    "vae": Row("VAE", {"kind": "vae"}, _ELBO),
    "vae-iaf": Row("VAE-IAF", {"kind": "vae-iaf"}, _ELBO),
    "iwae": Row("IWAE", {"kind": "vae"}, {"kind": "iwae", "k": 5}),
    "beta-vae": Row("β-VAE", {"kind": "vae"}, {"kind": "elbo", "beta": 2.0}),
    "hvae": Row("HVAE", {"kind": "hvae"}, _ELBO),
}


class Size(NamedTuple):
    """What goes with small or with larger images.

    Attributes:
        data: of `ImagesSpec`: how many images, and how many of them are held out.
        flow: fields of flows, by their network.
        vae: fields of autoencoders, by their network.
        network: of flows and of autoencoders, where none is asked for.
        steps: of flows and of autoencoders.
        batch: images of a step.
    """

    data: dict[str, Any]
    flow: dict[str, dict[str, Any]]
    vae: dict[str, dict[str, Any]]
    network: tuple[str, str]
    steps: tuple[int, int]
    batch: int


#: Up to 12 pixels a side, and beyond.
SMALL = Size(
    {"test_share": 0.25, "validation_share": 0.1},
    {"mlp": {"blocks": 8, "hidden": 128}, "convolutional": {"blocks": 4, "hidden": 32}},
    {"mlp": {"latent": 16, "hidden": 256}, "convolutional": {"latent": 16, "hidden": 256}},
    ("mlp", "mlp"),
    (3000, 4000),
    100,
)
#: A perceptron for 784 columns has few steps a minute; Glow's maps of all columns have none to speak of.
LARGE = Size(
    {"most": 10_000, "test_share": 0.4, "validation_share": 0.15},
    {"mlp": {"blocks": 6, "hidden": 256}, "convolutional": {"blocks": 4, "hidden": 32}},
    {"mlp": {"latent": 16, "hidden": 256}, "convolutional": {"latent": 16, "hidden": 256}},
    ("convolutional", "mlp"),
    (700, 1500),
    100,
)


def main(arguments: list[str]) -> int:
    """Train what is missing and print the table; returns 0 when mollification helps in most rows."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except RefusedError as error:
        print(f"gmstudio: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gmstudio bench table2", description=__doc__)
    parser.add_argument(
        "--data", action="append", help=f"{DIGITS}, or a file of images; may be given again (default: {DIGITS})"
    )
    parser.add_argument("--models", type=_names, default=list(ROWS), help=f"of {', '.join(ROWS)} (default: all)")
    parser.add_argument(
        "--network", choices=("mlp", "convolutional"), help="of all models (default: what fits the size)"
    )
    parser.add_argument("--seeds", type=int, choices=range(1, 11), default=4, metavar="N", help="runs a cell (4)")
    parser.add_argument("--steps", type=int, default=0, help="another length than the set's; no bar")
    parser.add_argument("--threads", type=int, default=0, help="processor threads; 0 for all but one (default)")
    parser.add_argument(
        "--features",
        type=Path,
        metavar="FILE",
        help="weights of Inception-v3 (safetensors), in whose features is measured; 0.3 s an image without a GPU",
    )
    parser.add_argument("--json", type=Path, help="write the figures there, and train only what it lacks")
    return parser


def _names(text: str) -> list[str]:
    given = text.split(",")
    unknown = [name for name in given if name not in ROWS]
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no {unknown[0]!r}; choose of: {', '.join(ROWS)}")
    return given


def _run(options: argparse.Namespace) -> int:
    import torch

    from gmstudio.observation import features, inception
    from gmstudio.training import devices, heap

    network = None
    if options.features is not None:
        network = inception.read(options.features).to(torch.device(devices.choose("auto")))
    heap.keep_pages()
    torch.set_num_threads(devices.threads(options.threads))
    figures = _read(options.json)
    names = []
    for given in options.data or [DIGITS]:
        data, size = prepared(given)
        dataset = data.build(1)
        if not features.possible(dataset):
            raise RefusedError(f"{dataset.name} has too few images.", "Choose a set of some hundred.")
        name = DIGITS if given == DIGITS else dataset.name
        if network is None:
            judge = features.judge(dataset)
        else:
            judge = features.given(network, dataset, inception.CHUNK)
            # Values in other features are a table of their own.
            name += f" in {network.name}"
        names.append(name)
        figures["baselines"][name] = baseline(dataset, judge)
        for kind in options.models:
            made, wanted = experiment(kind, data, size, options)
            wanted |= {"set": name, "train": len(dataset.train)}
            if not any(cell.items() >= wanted.items() for cell in figures["cells"]):
                # A longer training, or another network, takes the place of the one before.
                same = {"set": name, "model": kind, "network": wanted["network"]}
                figures["cells"] = [cell for cell in figures["cells"] if not cell.items() >= same.items()]
                figures["cells"].append({**wanted, **_train(made, dataset, judge, kind, options.seeds)})
                report.write(options.json, figures)
    report.write(options.json, figures)
    print("\n\n".join(table(figures, name) for name in names))
    cells = [cell for cell in figures["cells"] if cell["set"] in names]
    return 0 if options.steps or 2 * sum(map(helps, cells)) > len(cells) else 1


def _read(path: Path | None) -> dict[str, Any]:
    if path is None or not path.exists():
        return {"baselines": {}, "cells": []}
    kept = json.loads(path.read_text(encoding="utf-8"))
    return {"baselines": kept["baselines"], "cells": kept["cells"]}


def prepared(given: str) -> tuple[ImagesSpec, Size]:
    """The data, and what goes with their size.

    Raises:
        RefusedError: when there is no such file.
    """
    if given == DIGITS:
        return ImagesSpec(**SMALL.data), SMALL
    if not Path(given).exists():
        raise RefusedError(f"There is no {given}.", f"Give {DIGITS} or a file of images.")
    data = ImagesSpec(path=given, **LARGE.data)
    picture = data.build(1).picture
    assert picture is not None
    if max(picture.shape[1:]) > 12:
        return data, LARGE
    return ImagesSpec(path=given, **SMALL.data), SMALL


def experiment(
    kind: str, data: ImagesSpec, size: Size, options: argparse.Namespace
) -> tuple[runs.Experiment, dict[str, Any]]:
    """All schedules of all seeds of a row, seeds of a schedule side by side; and by what the cell is known again."""
    row = ROWS[kind]
    network = options.network or size.network[row.latent]
    steps = options.steps or size.steps[row.latent]
    model = {**row.model, **(size.vae if row.latent else size.flow)[network], "network": network}
    plain = {
        "data": {"kind": "images"},
        "model": model,
        "objective": row.objective,
        "training": {
            "steps": steps,
            "batch": size.batch,
            "rate": 1e-3,
            "decay": "cosine",
            "engine": "eager",
            # Validation decides nothing here, and takes long with latent variables.
            "evaluate_every": steps,
        },
    }
    run = runs.run_from_plain(plain).changed(data=data)
    schedules = {
        name: runs.run_from_plain({**plain, "mollification": one}).mollification for name, one in SCHEDULES.items()
    }
    columns = tuple(
        runs.Column(title=f"{name}, seed {seed}", mollification=schedule, seed=seed)
        for name, schedule in schedules.items()
        for seed in range(1, options.seeds + 1)
    )
    known = {"model": kind, "network": network, "seeds": options.seeds, "steps": steps, "spec": model}
    return runs.Experiment(run=run, columns=columns), msgspec.to_builtins(known)


def _train(made: runs.Experiment, dataset: Dataset, judge: Judge, kind: str, seeds: int) -> dict[str, Any]:
    from gmstudio.models.layers.latent import LatentModel
    from gmstudio.training.trainer import NonFiniteLoss, Trainer

    trainer, began = Trainer(made, dataset), time.process_time()
    if isinstance(trainer.model, LatentModel):
        # The looks at validation images are not used.
        trainer.model.importance = 1
    err = sys.stderr

    def say(trainer: Trainer) -> None:
        spent = time.process_time() - began
        left = spent * (trainer.steps - trainer.step) / trainer.step
        print(
            f"\r{dataset.name}, {kind}: step {trainer.step:,} of {trainer.steps:,}, {left:.0f} s left\x1b[K",
            end="",
            file=err,
            flush=True,
        )

    try:
        found = measure(trainer, judge, seeds, ROWS[kind].latent, say if err.isatty() else lambda trainer: None)
    except NonFiniteLoss as error:
        found = {"failed": str(error)}
    if err.isatty():
        print("\r\x1b[K", end="", file=err)
    spent = round(time.process_time() - began, 1)
    said = found["failed"] if "failed" in found else ", ".join(f"{n} {_shown(v)}" for n, v in found["fid"].items())
    print(f"{dataset.name}, {ROWS[kind].title}: {said}; {spent:.0f} s of a processor", flush=True)
    return {"processor_seconds": spent, **found}


def measure(
    trainer: Trainer,
    judge: Judge,
    seeds: int,
    latent: bool,
    between: Callable[[Trainer], None] = lambda trainer: None,
) -> dict[str, Any]:
    """Train to the end, and judge samples of the last weights.

    Args:
        trainer: of an `experiment`.
        judge: of its data.
        seeds: how many there are.
        latent: whether samples are decoded: then the decoder's means are judged, as is usual, and with its noise, too.
        between: called every `WORDS` steps.

    Returns:
        ``fid``, and ``fid_with_noise`` where `latent`, of each schedule and seed.

    Raises:
        NonFiniteLoss: when the training fails.
    """
    from gmstudio.observation import features
    from gmstudio.observation.frechet import fid

    while not trainer.finished:
        trainer.advance(WORDS)
        trainer.drain()
        between(trainer)
    real = judge.features(features.held_out(trainer.dataset))
    found: dict[str, Any] = {}
    for name, noisy in (("fid", False), ("fid_with_noise", True)) if latent else (("fid", True),):
        seen = [fid(judge.features(own), real) for own in samples(trainer, noisy)]
        found[name] = {schedule: seen[place * seeds : (place + 1) * seeds] for place, schedule in enumerate(SCHEDULES)}
    return found


def samples(trainer: Trainer, noisy: bool) -> Tensor:
    """As many samples as the floor takes, in the units of the data: (E, N, D).

    Args:
        trainer: whose model's last weights are used.
        noisy: whether the decoder's noise is added; without latent variables, samples are as they are.
    """
    import torch

    model, count = trainer.model, _count(trainer.dataset)
    trainer.refresh()
    model.eval()
    noise = model.noise(count, torch.Generator().manual_seed(NOISE_SEED))
    decoded: Any = model
    with torch.no_grad():
        parts = [
            model.sample(rows) if noisy else decoded.decode(decoded.latents(rows)) for rows in torch.split(noise, CHUNK)
        ]
    return trainer.dataset.to_data(torch.cat(parts, dim=1))


def _count(dataset: Dataset) -> int:
    return min(SAMPLES, len(dataset.train))


def baseline(dataset: Dataset, judge: Judge) -> dict[str, Any]:
    """What training images and a Gaussian reach, and in which features."""
    import torch

    from gmstudio.observation import features
    from gmstudio.observation.frechet import fid

    count, held_out = _count(dataset), features.held_out(dataset)
    real, train = judge.features(held_out), dataset.train.double()
    draw = torch.Generator().manual_seed(NOISE_SEED)
    values, vectors = torch.linalg.eigh(torch.cov(train.T))
    numbers = torch.randn(count, dataset.dim, generator=draw, dtype=torch.float64)
    gaussian = train.mean(0) + (numbers * values.clamp_min(0).sqrt()) @ vectors.T
    return {
        "features": judge.name,
        "train": len(train),
        "held_out": len(held_out),
        "samples": count,
        "training images": fid(judge.features(dataset.train[:count]), real),
        "gaussian": fid(judge.features(gaussian), real),
    }


def helps(cell: dict[str, Any]) -> bool:
    """Whether the mean distance is lower with noise or with blur than without."""
    if "failed" in cell:
        return False
    means = {name: statistics.mean(values) for name, values in cell["fid"].items()}
    return bool(min(means["noise"], means["blur"]) < means["vanilla"])


def table(figures: dict[str, Any], name: str) -> str:
    """The cells of a set as lines of a table in Markdown."""
    level = figures["baselines"][name]
    lines = [
        f"FID on {name}: {level['samples']:,} samples against {level['held_out']:,} images held out, after training on "
        f"{level['train']:,}; features of the {level['features']}.",
        f"Training images: {level['training images']:.2f}. A Gaussian: {level['gaussian']:.2f}.",
        "",
        "| model | network | steps | " + " | ".join(SCHEDULES) + " |",
        "| --- | --- | --- |" + " --- |" * len(SCHEDULES),
    ]
    noisy = []
    for kind, row in ROWS.items():
        for cell in figures["cells"]:
            if (cell["set"], cell["model"]) != (name, kind):
                continue
            head = f"| {row.title} | {cell['network']} | {cell['steps']:,} |"
            shown = ["failed"] * len(SCHEDULES) if "failed" in cell else _cells(cell["fid"])
            lines.append(f"{head} {' | '.join(shown)} |")
            if "fid_with_noise" in cell:
                noisy.append(
                    f"| {row.title}, with the decoder's noise | {cell['network']} | {cell['steps']:,} | "
                    f"{' | '.join(_cells(cell['fid_with_noise']))} |"
                )
    return "\n".join([*lines, *noisy])


def _cells(values: dict[str, list[float]]) -> list[str]:
    best = min(values, key=lambda name: statistics.mean(values[name]))
    return [f"**{_shown(values[name])}**" if name == best else _shown(values[name]) for name in SCHEDULES]


def _shown(values: list[float]) -> str:
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.2f} ± {deviation:.2f}"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
