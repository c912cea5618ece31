"""What a file is that was dropped on the window, or named to it: a project, a picture, a table or images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QMimeData, QObject
from PySide6.QtGui import QImageReader

from gmstudio.projects.project import SUFFIX

if TYPE_CHECKING:
    from gmstudio.gui.main_window import MainWindow

FileKind = Literal["document", "picture", "table", "images", "unknown"]

#: Endings of tables, for file dialogs; what a file is, the reader finds out from its contents.
TABLES = (".csv", ".tsv", ".tab", ".txt", ".parquet", ".npy", ".npz", ".arff", ".csv.gz", ".tsv.gz", ".arff.gz")
TABLE_PATTERNS = " ".join(f"*{ending}" for ending in TABLES)
#: Files of images, for file dialogs; MNIST's have no ending.
IMAGE_PATTERNS = "*idx*-ubyte *idx*-ubyte.gz *.idx *.npz *.npy *.bin"
_WORDS = {
    "document": "open",
    "picture": "use as data",
    "table": "open as a table",
    "images": "open as images",
    "unknown": "open as a table",
}


def kind_of(path: Path) -> FileKind:
    """What the name of a file says that it is."""
    name = path.name.lower()
    if name.endswith((SUFFIX, ".json")):
        return "document"
    if name.endswith(TABLES):
        # An NPZ file of images, too: what it is, is found out when it is read.
        return "table"
    if path.is_dir() or any(path.match(pattern) for pattern in IMAGE_PATTERNS.split()):
        return "images"
    formats = {bytes(one.data()).decode() for one in QImageReader.supportedImageFormats()}
    return "picture" if path.suffix[1:].lower() in formats else "unknown"


def files_in(data: QMimeData) -> list[Path]:
    """The files of this machine in what is dragged."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]


class Drops(QObject):
    """Opens what is dropped on a window, whatever it is.

    The drawing panel takes pictures itself, wherever they come from; all other files come here.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.window = window

    def offer(self, data: QMimeData) -> bool:
        """Say what dropping would do; False where there is nothing that can be opened."""
        files = files_in(data)
        if not files:
            return False
        self.window.status_line.showMessage(f"Drop to {_WORDS[kind_of(files[0])]}: {files[0].name}")
        return True

    def leave(self) -> None:
        """What was dragged has gone elsewhere."""
        self.window.status_line.clearMessage()

    def take(self, data: QMimeData) -> None:
        """Open what was dropped."""
        self.leave()
        files = files_in(data)
        if len(files) > 1:
            self.window.show_banner(
                f"{len(files)} files were dropped", "Nothing was opened.", "Drop one file at a time.", "warning"
            )
        elif files:
            self.open(files[0])

    def open(self, path: Path) -> None:
        """Open a file by what its name says that it is."""
        kind = kind_of(path)
        if kind == "document":
            self.window.handlers.documents.open(path)
        elif kind == "picture":
            self.window.handlers.show_dock(self.window.docks["draw"])
            self.window.drawer.panel.open_picture(path)
        else:
            self.window.handlers.tables.open(path)
