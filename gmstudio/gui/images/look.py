"""A first look at a file or folder of images: as many as the dialog shows, or why they cannot be had as wanted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gmstudio.data.images.errors import ImagesError
    from gmstudio.data.images.stack import Images, Wanted
    from gmstudio.gui.loop import Progress

#: Images that the dialog shows.
SHOWN = 60


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen.

    Attributes:
        path: the file or folder.
        wanted: as what it was read.
        images: the first ones; None where they cannot be had as wanted.
        error: why not.
    """

    path: Path
    wanted: Wanted
    images: Images | None = None
    error: ImagesError | None = None


def look(path: Path, wanted: Wanted, progress: Progress) -> Look:
    """Read the first images; called in a job's thread.

    Raises:
        ImagesError: when the file is to blame, so that no choice could mend it.
    """
    from gmstudio.data.images.reading import ImagesError, read

    few = replace(wanted, most=min(wanted.most, SHOWN))
    try:
        images = read(path, few, whole=False, progress=progress.report, cancelled=lambda: progress.cancelled)
    except ImagesError as error:
        progress.check()
        if not error.field:
            raise
        return Look(path, wanted, error=error)
    return Look(path, wanted, images)


def read_all(path: Path, wanted: Wanted, progress: Progress) -> Images:
    """Read what training will read, where it reads it; called in a job's thread."""
    from gmstudio.data.images.reading import ImagesError, read_once

    try:
        return read_once(path, wanted, progress=progress.report, cancelled=lambda: progress.cancelled)
    except ImagesError:
        # What a reader says when it was told to stop is nothing that a person needs to hear.
        progress.check()
        raise
