"""How far a column is mollified, in the units in which a person thinks of it: a noise variance, or pixels of blur."""

from __future__ import annotations

from gmstudio.mollification.widths import width
from gmstudio.observation.frame import RunInfo


def blurred(info: RunInfo, column: int) -> bool:
    """Whether a column is mollified by a blur and not by noise."""
    return info.picture is not None and column < len(info.by) and info.by[column] == "blur"


def blur_width(info: RunInfo, sigma2: float) -> float:
    """The blur's standard deviation in pixels where the plan of a run on images stands at sigma2."""
    assert info.picture is not None
    return float(width(sigma2, max(info.picture.shape[1:])))


def amount(info: RunInfo, column: int, sigma2: float) -> str:
    """In a few letters, such as ``σ² = 0.31`` or ``blur 2.1 px``; ``clean`` where there is nothing of it."""
    if sigma2 <= 0:
        return "clean"
    if blurred(info, column):
        return f"blur {_short(blur_width(info, sigma2))} px"
    return f"σ² = {_short(sigma2)}"


def in_words(info: RunInfo, column: int, sigma2: float) -> str:
    """The same for reading aloud: ``noise variance 0.31``, ``blur of 2.1 pixels`` or ``clean``."""
    if sigma2 <= 0:
        return "clean"
    if blurred(info, column):
        return f"blur of {_short(blur_width(info, sigma2))} pixels"
    return f"noise variance {_short(sigma2)}"


def _short(value: float) -> str:
    if value >= 0.01:
        return f"{value:.1f}" if value >= 10 else f"{value:.2g}"
    return f"{value:.1e}".replace("-", "−").replace("e−0", "e−")


def heading(info: RunInfo | None, otherwise: str) -> str:
    """What a person calls the plans of a run of whose columns some are blurred; `otherwise` where none is."""
    kinds = set() if info is None else {blurred(info, k) for k, plan in enumerate(info.plans) if plan.any()}
    return otherwise if True not in kinds else "Noise σ² or blur" if False in kinds else "Blur"
