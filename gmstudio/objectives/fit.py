"""Which objectives can train which models."""

from __future__ import annotations

from typing import cast

from gmstudio import registry
from gmstudio.models.base import ModelSpec
from gmstudio.objectives.base import MEANINGS, ObjectiveSpec
from gmstudio.registry import Room, Spec, SpecError


def fits(objective: ObjectiveSpec, model: ModelSpec) -> bool:
    """Whether the model offers all that the objective needs."""
    return objective.needs <= model.offers


def fitting(objective: ObjectiveSpec, model: ModelSpec) -> ObjectiveSpec:
    """The objective if it fits the model, else the one with which the model is trained by default."""
    if fits(objective, model):
        return objective
    return cast(ObjectiveSpec, registry.from_plain("objective", {"kind": model.objective}))


def refusal(objective: ObjectiveSpec, model: ModelSpec) -> SpecError | None:
    """Why the objective cannot train the model, and which can; None where it can."""
    if fits(objective, model):
        return None
    lacking = sorted(objective.needs - model.offers)
    others = [c.title for c in registry.components("objective") if fits(cast(ObjectiveSpec, c.spec()), model)]
    title = _title("objective", objective)
    if title in others:
        choices = [info for info in registry.fields(type(objective)) if info.kind == "choice"]
        remedy = f"Set its {' and its '.join(f'{info.label} to {info.default}' for info in choices)}."
    else:
        remedy = f"Choose the objective {' or '.join(others)}, or another model."
    return SpecError(
        f"{title} cannot train {_title('model', model)}: it needs "
        f"{' and '.join(MEANINGS.get(name, name) for name in lacking)}.",
        remedy,
        "objective",
    )


def refused(model: ModelSpec) -> dict[str, str]:
    """The names of the objectives that cannot train the model whatever their fields, and why."""
    found = {c.name: refusal(cast(ObjectiveSpec, c.spec()), model) for c in registry.components("objective")}
    return {name: error.message for name, error in found.items() if error is not None}


def check(objective: ObjectiveSpec, model: ModelSpec) -> None:
    """Refuse an objective that asks for what the model does not offer.

    Raises:
        SpecError: saying what that is, and naming the objectives that fit.
    """
    if (error := refusal(objective, model)) is not None:
        raise error


def _title(room: Room, spec: Spec) -> str:
    """What people call a specification; its kind, where it is not registered."""
    return next((c.title for c in registry.components(room) if c.spec is type(spec)), str(spec.__struct_config__.tag))
