"""Ways to train a table, by name: model, schedule and training that belong together; the data are anybody's.

``paper`` is what Table 1 of Tran, Franzese, Michiardi, Filippone, "One-Line-of-Code Data Mollification Improves
Optimization of Likelihood-based Generative Models", NeurIPS 2023, was made with: long trainings of wide networks at a
constant rate, with noise until the end.  ``best`` is our own: this program's models, which begin near the identity,
whose scales are bounded and whose tails are heavy, narrower networks, no normalisation by batches, a rate that falls to
0 along a cosine, and noise that falls faster but never quite ends.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

from gmstudio.data.base import DataSpec
from gmstudio.registry import SpecError, convert, from_plain
from gmstudio.runs import RunSpec, TrainingSpec

Name = Literal["paper", "best"]
#: The names of all recipes.
NAMES: tuple[Name, ...] = get_args(Name)

_WIDE: dict[str, Any] = {
    "blocks": 5,
    "hidden": 512,
    "layers": 2,
    "activation": "relu",
    "limit": 0.0,
    "normalise": "batch",
    "init": "orthogonal",
}
#: What is each model's own.
_PAPER_MODELS: dict[str, dict[str, Any]] = {
    "maf": {**_WIDE, "order": "shift, scale"},
    "real-nvp": {**_WIDE, "networks": "two", "split": "alternate"},
    "glow": {**_WIDE, "networks": "two"},
}
_BEST_MODELS: dict[str, dict[str, Any]] = {
    "maf": {"blocks": 5, "hidden": 256, "tails": "heavy"},
    "real-nvp": {"blocks": 8, "hidden": 128, "tails": "heavy"},
    "glow": {"blocks": 8, "hidden": 128, "tails": "heavy"},
}
_PAPER_TRAINING: dict[str, Any] = {
    "epochs": 150,
    "batch": 100,
    "last_batch": "keep",
    "rate": 1e-4,
    "decay": "constant",
    "optimiser": "adam",
    "weight_decay": 1e-6,
    "clip": 0.0,
    "evaluate_every": 0,
}
_BEST_TRAINING = {**_PAPER_TRAINING, "epochs": 100, "rate": 5e-4, "decay": "cosine", "weight_decay": 0.0}
#: The models for which there are recipes, in the order of the paper's table.
MODELS = tuple(_PAPER_MODELS)


def model(name: Name, kind: str) -> dict[str, Any]:
    """The plain values of a model.

    Args:
        name: of the recipe.
        kind: ``maf``, ``real-nvp`` or ``glow``.

    Raises:
        SpecError: when there is no such recipe, or none for that model.
    """
    if name not in NAMES:
        raise SpecError(f"There is no recipe {name!r}.", f"Choose one of: {', '.join(NAMES)}.", "recipe")
    if kind not in MODELS:
        raise SpecError(f"There is no recipe for {kind!r}.", f"Choose one of: {', '.join(MODELS)}.", "model.kind")
    return {"kind": kind, **(_PAPER_MODELS if name == "paper" else _BEST_MODELS)[kind]}


def schedule(name: Name) -> dict[str, Any]:
    """The plain values of the schedule: the paper's falls until the end of the training, once per epoch.

    End and floor of ``best``, and its models' tails, are what `gmstudio bench recipe` has chosen on validation points.
    """
    return {"kind": "sigmoid", "per": "epoch"} if name == "paper" else {"kind": "sigmoid", "until": 0.8, "floor": 0.01}


def training(name: Name) -> dict[str, Any]:
    """The plain values of the training."""
    return dict(_PAPER_TRAINING if name == "paper" else _BEST_TRAINING)


def run(name: Name, kind: str, data: DataSpec, **changes: Any) -> RunSpec:
    """The mollified run of a recipe; `gmstudio.runs.twins` puts the vanilla one beside it.

    Args:
        name: of the recipe.
        kind: of the model.
        data: any data of at least two columns.
        changes: fields of the training that are to be others.

    Raises:
        SpecError: when there is no such recipe, or none for that model.
    """
    parts: dict[str, Any] = {
        "model": from_plain("model", model(name, kind)),
        "objective": from_plain("objective", {"kind": "maximum-likelihood"}),
        "mollification": from_plain("schedule", schedule(name)),
    }
    return RunSpec(data=data, training=convert(TrainingSpec, {**training(name), **changes}, "training"), **parts)
