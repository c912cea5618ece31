"""Ways to train a table, by name: model, schedule and training that belong together; the data are anybody's.

``paper`` is what Table 1 of Tran, Franzese, Michiardi, Filippone, "One-Line-of-Code Data Mollification Improves
Optimization of Likelihood-based Generative Models", NeurIPS 2023, was made with: long trainings of wide networks at a
constant rate, with noise until the end.  ``best`` is our own: a rate that falls along a cosine, narrower networks with
fewer weights to overfit with, and noise that never quite ends.
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
_OWN: dict[str, dict[str, Any]] = {
    "maf": {"order": "shift, scale"},
    "real-nvp": {"networks": "two", "split": "alternate"},
    "glow": {"networks": "two"},
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
_BEST_TRAINING = {**_PAPER_TRAINING, "rate": 5e-4, "decay": "cosine"}
#: The models for which there are recipes, in the order of the paper's table.
MODELS = tuple(_OWN)


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
    if kind not in _OWN:
        raise SpecError(f"There is no recipe for {kind!r}.", f"Choose one of: {', '.join(MODELS)}.", "model.kind")
    wide = _WIDE if name == "paper" else {**_WIDE, "hidden": 256}
    return {"kind": kind, **wide, **_OWN[kind]}


def schedule(name: Name) -> dict[str, Any]:
    """The plain values of the schedule: the paper's lowers the noise once per epoch and ends it with the training."""
    return {"kind": "sigmoid", "per": "epoch", **({"floor": 0.03} if name == "best" else {})}


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
