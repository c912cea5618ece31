"""What is said of parts of a picture that are older than the rest, and of parts that it lacks."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QCoreApplication

from gmstudio.observation.frame import Frame

#: Steps, and share of the steps made, up to which a part may lag without a word: words must not flicker while all is
#: refreshed in turn.
LAG, LAG_SHARE = 50, 0.02


def _tr(words: str) -> str:
    return QCoreApplication.translate("Age", words)


def step_shown(frame: Frame | None, parts: Iterable[str], now: int = 0) -> str:
    """The step whose weights the oldest piece of some parts shows, such as ``step 320``; empty where it hardly lags.

    Args:
        frame: None for none.
        parts: fields of its columns.
        now: the step that the run has reached, where it goes on for long without a frame.
    """
    if frame is None:
        return ""
    parts, now = set(parts), max(now, frame.step)
    shown = frame.step - frame.age_of(*parts)
    if now - shown <= max(LAG, LAG_SHARE * now):
        return ""
    # Pictures of densities are shown before every piece of them was computed; those count as of before the run.
    coarse = "log_density" in parts and shown <= 0 < frame.step
    return _tr("unfinished") if coarse else _tr("step {}").format(f"{shown:,}")


def draws(pictured: str) -> str:
    """How densities are estimated, in as few words as a heading has room for: ``8 draws``."""
    return pictured.rsplit(", ", 1)[-1]


def joined(*notes: str) -> str:
    """Those notes that are not empty, in a line."""
    return NOTES.join(note for note in notes if note)


#: Between two notes of a heading; where there is too little room the first go.
NOTES = " · "


def lacking(live: bool) -> str:
    """What is said where a picture lacks what could be in it.

    Args:
        live: whether it is still computed.
    """
    return _tr("Waiting for the first picture…") if live else _tr("Not kept in this record.")
