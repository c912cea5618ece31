"""One run as a Python script that a person can read, run and change: an explicit loop in plain PyTorch."""

from __future__ import annotations

import json
import textwrap
from typing import Any

from gmstudio import __version__, registry
from gmstudio.runs import Experiment, RunSpec, TrainingSpec

#: A part of the specification with more characters than this, such as a drawing, stays on one line.
LONG = 2000
#: Columns of a line.
WIDTH = 110

_SCRIPT = '''\
"""{title}, by GM Studio {version}.

Run it with:  python {name}            (needs: pip install gmstudio)
Try it with:  STEPS=200 python {name}  (fewer steps, the same schedules)
"""

import json
import math
import os

import torch

from gmstudio import runs
{imports}
# The run: every name is one of `gmstudio info --components`.
run = runs.run_from_plain(
    {{
{parts}
    }}
)
torch.manual_seed({seed})

# Data, shifted and scaled to unit variance; results are reported in the units of the data.
data = run.data.build(seed={data_seed})
train, validation = data.to_model(data.train), data.to_model(data.validation)

# Models are ensembles: tensors are (members, points, columns), here with one member.
model = run.model.build(data.dim, [{seed}], train, data.shape)
optimiser = torch.optim.{optimiser}

epoch = math.ceil(len(train) / {batch})
steps = int(os.environ.get("STEPS", {steps}))
{plan}


@torch.no_grad()
def likelihood():
    """Mean log-density of points that were not trained on, in nats, in the units of the data."""
    model.refresh(train)  # running statistics, where the model has any
    model.eval()
    total = sum(model.log_prob(part[None]).sum().item() for part in validation.split(2048))
    model.train()
    return total / len(validation) - data.log_volume


batches = []
{before}for t in range(steps):
    if not batches:  # an epoch begins: shuffle
        batches = list(torch.randperm(len(train)).split({batch}))
    x = train[batches.pop()]

{mollify}

    loss = {loss}
    optimiser.zero_grad()
    loss.backward()
{clip}{rate}    optimiser.step()
    if t % {evaluate} == 0:
        print(f"step {{t:6,}}  {shown}  validation log-likelihood {{likelihood():.4f}}", flush=True)
{patience}
print(json.dumps({{"steps": t + 1, "validation": likelihood()}}))
'''


_NOISE = {
    "imports": "",
    "plan": """\
# The noise variance of every step: gamma(t / T) of the schedule.
sigma2 = torch.tensor(run.mollification.plan(steps, epoch), dtype=torch.float32)""",
    "mollify": """\
    # Data mollification, the one line of Tran et al., NeurIPS 2023 (arXiv:2305.18900):
    x = (1 - sigma2[t]).sqrt() * x + sigma2[t].sqrt() * torch.randn_like(x)""",
    "shown": "sigma2 {sigma2[t]:.4f}",
}
_BLUR = {
    "imports": """\
from gmstudio.mollification.blurring import Blur
from gmstudio.mollification.widths import width
""",
    "plan": """\
# How wide the blur of every step is, in pixels: from the side of the images to nothing as gamma(t / T) falls.
shape = data.picture.shape
widths = torch.tensor(width(run.mollification.plan(steps, epoch), max(shape[1:])), dtype=torch.float32)
blur = Blur(shape)""",
    "mollify": """\
    # Data mollification by a blur: Tran et al., NeurIPS 2023; Rissanen et al., ICLR 2023.
    x = blur(x, widths[t].expand(len(x)))""",
    "shown": "blur of {widths[t]:.2f} pixels",
}


def script(experiment: Experiment, column: int | None = None, name: str = "train.py") -> str:
    """The script of one column.

    Args:
        experiment: what was trained.
        column: from 0; None for the first that mollifies, or else the first.
        name: of the file, for the instructions at its top.
    """
    every = experiment.runs()
    if column is None:
        column = next((i for i, run in enumerate(every) if not run.mollification.off), 0)
    run = every[column]
    training = run.training
    # A title must not end the docstring that it stands in.
    title = " ".join(experiment.columns[column].title.replace("\\", "/").replace('"', "'").split())
    what = f"{registry.of(run.model).title} on {registry.of(run.data).title}"
    return _SCRIPT.format(
        title=f"{title}: {what}" if title else what,
        version=__version__,
        name=name,
        parts=_parts(run),
        steps=f"{training.epochs} * epoch" if training.epochs else training.steps,
        seed=training.seed,
        data_seed=experiment.run.training.seed,
        batch=training.batch,
        optimiser=_optimiser(training),
        loss=_loss(run),
        clip=_clip(training),
        rate=_rate(training),
        evaluate="epoch" if training.epochs else max(training.evaluate_every, training.steps // 20, 1),
        before="best, waited = -math.inf, 0\n" if training.patience else "",
        patience=_patience(training),
        **(_BLUR if run.mollification.by == "blur" else _NOISE),
    )


def _parts(run: RunSpec) -> str:
    """The parts of the specification as lines of a dict, without the training, which the script spells out."""
    rooms = {"data": run.data, "model": run.model, "objective": run.objective, "mollification": run.mollification}
    return "\n".join(f'        "{room}": {_literal(registry.to_plain(spec), 8)},' for room, spec in rooms.items())


def _literal(plain: Any, indent: int = 0) -> str:
    """Plain values as Python writes them, a dict on several lines where one is too long."""
    if isinstance(plain, dict):
        items = [f"{_literal(key)}: {_literal(value)}" for key, value in plain.items()]
        text = "{" + ", ".join(items) + "}"
        if indent and 90 < len(text) <= LONG:
            body = textwrap.fill(", ".join(items), WIDTH - indent - 4, break_long_words=False, break_on_hyphens=False)
            return "{\n" + textwrap.indent(body, " " * (indent + 4)) + ",\n" + " " * indent + "}"
        return text
    if isinstance(plain, (list, tuple)):
        return "[" + ", ".join(map(_literal, plain)) + "]"
    # The escapes of JSON are Python's too.
    return json.dumps(plain, ensure_ascii=False) if isinstance(plain, str) else repr(plain)


def _optimiser(training: TrainingSpec) -> str:
    cls = "AdamW" if training.optimiser == "adamw" else "Adam"
    decay = f", weight_decay={training.weight_decay!r}" if training.weight_decay or cls == "AdamW" else ""
    return f"{cls}(model.parameters(), lr={training.rate!r}{decay})"


def _loss(run: RunSpec) -> str:
    if registry.of(run.objective).name == "maximum-likelihood":
        return "-model.log_prob(x[None]).mean()"
    # Torch's own generator, which the script has seeded: the objective draws other numbers than in the program.
    return "run.objective.loss(model, x[None], torch.randn(1, len(x), run.objective.draws(model))).sum()"


def _clip(training: TrainingSpec) -> str:
    if not training.clip:
        return ""
    return f"    torch.nn.utils.clip_grad_norm_(model.parameters(), {training.clip!r})\n"


def _rate(training: TrainingSpec) -> str:
    if training.decay != "cosine":
        return ""
    return f'    optimiser.param_groups[0]["lr"] = {training.rate!r} * 0.5 * (1 + math.cos(math.pi * t / steps))\n'


def _patience(training: TrainingSpec) -> str:
    if not training.patience:
        return ""
    return f"""\
    if (t + 1) % {training.evaluate_every or "epoch"} == 0:  # early stopping
        now = likelihood()
        best, waited = max(best, now), 0 if now > best else waited + 1
        if waited >= {training.patience}:
            break
"""
