"""What went wrong, in words: what happened and what to try."""

from __future__ import annotations

import errno
import sqlite3
from dataclasses import dataclass

from gmstudio.errors import RefusedError
from gmstudio.registry import SpecError
from gmstudio.training.errors import NonFiniteLoss

#: Words of drivers that have lost their device; nothing more can be computed on it in this process.
_DRIVER = ("cuda error", "cudnn", "cublas", "cusolver", "hip error", "mps backend", "device-side assert", "nccl")
_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "cannot allocate memory")


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem as a banner shows it.

    Attributes:
        title: in a few words.
        what: what happened.
        remedy: what to try.
    """

    title: str
    what: str
    remedy: str


def problem_of(error: BaseException) -> Problem:
    """The problem that an error stands for; the error itself need not be one of this program's."""
    if isinstance(error, NonFiniteLoss):
        return Problem(
            "The training diverged",
            f"{error} The last good checkpoint is kept.",
            "Try a smaller learning rate, gradient clipping (10, for example) or a larger batch.",
        )
    own = _of_own(error)
    if own is not None:
        return own
    text = str(error).strip() or type(error).__name__
    low = text.lower()
    if isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__ or any(w in low for w in _MEMORY):
        return Problem(
            "Out of memory",
            f"There is not enough memory for this run: {_first(text)}",
            "Try a smaller batch, a smaller model or fewer columns, or train on the CPU.",
        )
    if isinstance(error, RuntimeError) and any(word in low for word in _DRIVER):
        return Problem(
            "The device's driver failed",
            f"{_first(text)} The last good checkpoint is kept.",
            "Restart the program and go on from the checkpoint; if it happens again, train on the CPU.",
        )
    return _of_disk(error, text) or Problem(
        "Something went wrong",
        f"{type(error).__name__}: {_first(text)}",
        "What was trained is kept. Try again; if it happens again, report it with this message.",
    )


def _of_own(error: BaseException) -> Problem | None:
    """Errors that carry their own message and remedy."""
    if not isinstance(error, RefusedError):
        return None
    where = error.where if isinstance(error, SpecError) else ""
    title = f"Please check: {where}" if where else "That does not work as it is"
    return Problem(title, error.message, error.remedy or "Change it and try again.")


def _of_disk(error: BaseException, text: str) -> Problem | None:
    low = text.lower()
    if (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)) or "disk is full" in low:
        return Problem(
            "The disk is full",
            f"It could not be written: {text}",
            "Make room, or save the project elsewhere; then go on.",
        )
    readonly = isinstance(error, PermissionError) or (isinstance(error, OSError) and error.errno == errno.EROFS)
    if readonly or "readonly database" in low or "read-only" in low:
        return Problem(
            "It cannot be written there",
            f"The place is read-only: {text}",
            "Save the project to a folder that you may write to; then go on.",
        )
    if isinstance(error, sqlite3.Error):
        return Problem(
            "The project file cannot be used",
            f"{text}",
            "Close other programs that use it, or save the project elsewhere; then go on.",
        )
    if isinstance(error, FileNotFoundError):
        return Problem("A file is missing", text, "Put it back, or choose another one.")
    if isinstance(error, OSError):
        return Problem("The file system refused", text, "Check the disk, or save the project elsewhere; then go on.")
    return None


def _first(text: str) -> str:
    """The first line, shortened: drivers write pages."""
    line = text.splitlines()[0] if text.splitlines() else text
    return line if len(line) <= 300 else f"{line[:299]}…"
