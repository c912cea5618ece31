"""What can go wrong with a data set from the catalogue."""

from __future__ import annotations

from gmstudio.errors import RefusedError

OWN_FILE = "choose a file that you already have (gmstudio data fetch NAME --file PATH)"


class DownloadError(RefusedError):
    """A data set cannot be had: no network, a server that fails, a file that is not what it should be."""

    def __init__(self, message: str, remedy: str = f"Try again later, or {OWN_FILE}.") -> None:
        super().__init__(message, remedy)


class DownloadCancelled(DownloadError):  # noqa: N818 - nothing went wrong
    """The person stopped it; what has arrived is kept for the next time."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The download of {name} was stopped.", "The next one goes on where this one stopped.")
