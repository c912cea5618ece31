"""Help inside the window: the user guide, the keys, what the plots show, versions."""

from __future__ import annotations

import importlib.metadata
import platform
import re
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QImage, QKeySequence, QTextDocument
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QPushButton,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from gmstudio import __version__
from gmstudio.gui.actions import ACTIONS
from gmstudio.gui.icons import program_icon
from gmstudio.gui.theme import themes
from gmstudio.paths import resource, user_data

if TYPE_CHECKING:
    from gmstudio.gui.main_window import MainWindow

SMOOTH = Qt.TransformationMode.SmoothTransformation
PACKAGES = ("torch", "numpy", "PySide6-Essentials", "pyqtgraph", "msgspec", "safetensors", "scikit-learn")


class _Window(QDialog):
    """A dialog with a heading that goes when it is closed."""

    def __init__(self, parent: QWidget, title: str, width: int, height: int) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(width, height)
        self.box = QVBoxLayout(self)
        self.box.setContentsMargins(14, 14, 14, 14)
        self.box.setSpacing(10)


# The user guide.


def guide_pages() -> list[tuple[str, Path]]:
    """Title and file of every page of the guide, in order."""
    folder = resource("guide")
    pages = {page.name: page for page in sorted(folder.glob("*.md"))} if folder.is_dir() else {}
    index = pages.get("index.md")
    # The index is the first page, and its links are the order of the others.
    first = ["index.md", *re.findall(r"\]\(([\w-]+\.md)", index.read_text(encoding="utf-8"))] if index else []
    names = dict.fromkeys([*(name for name in first if name in pages), *pages])
    return [(page_title(pages[name]), pages[name]) for name in names]


def page_title(page: Path) -> str:
    """The first heading of a page, or else its name."""
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            return line.lstrip("# ").strip()
    return page.stem.replace("-", " ").capitalize()


class Page(QTextBrowser):
    """One page of the guide; links between pages stay inside, others go to the person's browser."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setOpenExternalLinks(True)
        self.setAccessibleName("User guide")
        self._width = 0

    def show_page(self, page: Path) -> None:
        """Show a page, with pictures no wider than there is room."""
        self.setSearchPaths([str(page.parent)])
        document = self.document()
        document.setBaseUrl(QUrl.fromLocalFile(f"{page.parent}/"))
        # Raw HTML in the pages is shown as text: they are prose.
        features = QTextDocument.MarkdownFeature.MarkdownDialectGitHub | QTextDocument.MarkdownFeature.MarkdownNoHTML
        document.setMarkdown(page.read_text(encoding="utf-8"), features)
        self.verticalScrollBar().setValue(0)

    def loadResource(self, kind: int, name: QUrl | str) -> object:
        """Pictures, made to fit."""
        found = super().loadResource(kind, name)
        if kind != QTextDocument.ResourceType.ImageResource.value:
            return found
        url = QUrl(name) if isinstance(name, str) else name
        image = QImage(url.toLocalFile() or str(Path(self.searchPaths()[0]) / url.path()))
        room = self.viewport().width() - 40
        if image.isNull():
            return found
        return image.scaledToWidth(room, SMOOTH) if image.width() > room else image


class Guide(_Window):
    """The user guide: its pages at the left, the text at the right."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window, "User guide", 940, 680)
        self.setModal(False)
        self.list = QListWidget(self)
        self.list.setMaximumWidth(230)
        self.list.setAccessibleName("Pages")
        self.page = Page(self)
        row = QHBoxLayout()
        row.addWidget(self.list)
        row.addWidget(self.page, 1)
        self.box.addLayout(row)
        self._pages = guide_pages()
        for title, path in self._pages:
            item = QListWidgetItem(title)
            item.setToolTip(path.name)
            self.list.addItem(item)
        self.page.setOpenLinks(False)
        self.page.anchorClicked.connect(self._follow)
        self.list.currentRowChanged.connect(self._show)
        if self._pages:
            self.list.setCurrentRow(0)
        else:
            self.page.setMarkdown("# The guide is not here\n\nThis installation has no `resources/guide`.")

    def _show(self, row: int) -> None:
        if 0 <= row < len(self._pages):
            self.page.show_page(self._pages[row][1])

    def _follow(self, link: QUrl) -> None:
        names = [path.name for _, path in self._pages]
        if link.fileName() in names:
            self.list.setCurrentRow(names.index(link.fileName()))
        elif link.hasFragment() and not link.fileName():
            self.page.scrollToAnchor(link.fragment())
        elif link.scheme() in ("http", "https"):
            from PySide6.QtGui import QDesktopServices

            QDesktopServices.openUrl(link)


def open_guide(window: MainWindow) -> Guide:
    """Open the guide beside the window."""
    guide = Guide(window)
    guide.show()
    return guide


# The keys.


def keys_in_html() -> str:
    """Every key, by menu."""
    native = QKeySequence.SequenceFormat.NativeText
    rows: dict[str, list[str]] = {}
    for info in ACTIONS:
        if info.keys:
            keys = " &nbsp;or&nbsp; ".join(f"<b>{QKeySequence(key).toString(native)}</b>" for key in info.keys)
            rows.setdefault(info.menu.partition("/")[0] or "Other", []).append(_row(keys, info.title.rstrip("…")))
    extra = (
        ("1 … 9", "Show a panel"),
        ("Left, Right, Home, End", "On the timeline: from picture to picture"),
        ("Tab, then Space", "Press the button that has the focus"),
        ("Esc", "Close what is open; leave the past"),
    )
    rows["Elsewhere"] = [_row(f"<b>{keys}</b>", title) for keys, title in extra]
    head = f"<p style='color:{themes().current.colours['muted']}; font-weight:600; margin-bottom:2px'>"
    return "".join(f"{head}{menu}</p><table>{''.join(lines)}</table>" for menu, lines in rows.items())


def _row(keys: str, title: str) -> str:
    return f"<tr><td width='190' style='padding:3px 16px 3px 0'>{keys}</td><td>{title}</td></tr>"


def show_keys(window: MainWindow) -> QDialog:
    """List the keys."""
    dialog = _Window(window, "Keyboard shortcuts", 540, 620)
    text = QTextBrowser(dialog)
    text.setAccessibleName("Keyboard shortcuts")
    text.setHtml(keys_in_html())
    dialog.box.addWidget(text)
    dialog.box.addWidget(_close_button(dialog))
    dialog.open()
    return dialog


def _close_button(dialog: QDialog) -> QDialogButtonBox:
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, dialog)
    buttons.rejected.connect(dialog.reject)
    return buttons


# What the plots show.


def description(window: MainWindow) -> str:
    """The summary of every panel that is open, and of the timeline."""
    parts = [
        f"{panel.title}\n{panel.summary()}"
        for panel in window.panels.values()
        if panel.isVisible() or panel.info is not None
    ]
    status = window.control.status
    run = window.toolbar.title.text()
    if status is not None and status.steps:
        run = f"{run}: {status.state}, step {status.step:,} of {status.steps:,}."
    return "\n\n".join([run, *parts, window.timeline.summary()])


def describe(window: MainWindow) -> QDialog:
    """Show the description, to be read or copied."""
    dialog = _Window(window, "What the plots show", 640, 520)
    text = QPlainTextEdit(description(window), dialog)
    text.setReadOnly(True)
    text.setAccessibleName("What the plots show")
    dialog.box.addWidget(text)
    buttons = _close_button(dialog)
    copy = QPushButton("Copy", dialog)
    buttons.addButton(copy, QDialogButtonBox.ButtonRole.ActionRole)

    def put() -> None:
        QApplication.clipboard().setText(text.toPlainText())

    copy.clicked.connect(put)
    dialog.box.addWidget(buttons)
    dialog.open()
    text.setFocus()
    return dialog


# Versions.


def versions() -> list[tuple[str, str]]:
    """Name and version of the program and of what it stands on; nothing is imported for it."""
    found = [("GM Studio", __version__), ("Python", platform.python_version()), ("System", platform.platform())]
    for name in PACKAGES:
        try:
            found.append((name, importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            found.append((name, "not installed"))
    return [*found, ("Files", str(user_data()))]


def about(window: MainWindow) -> QDialog:
    """Show versions, paths and licence."""
    dialog = _Window(window, "About GM Studio", 520, 460)
    head = QHBoxLayout()
    picture = QLabel(dialog)
    picture.setPixmap(program_icon().pixmap(64, 64))
    words = QLabel(
        "Draw data, choose a generative model and a data-mollification schedule, and watch it train live.", dialog
    )
    words.setWordWrap(True)
    heading = QLabel("GM Studio", dialog)
    heading.setObjectName("heading")
    column = QVBoxLayout()
    column.addWidget(heading)
    column.addWidget(words)
    head.addWidget(picture)
    head.addLayout(column, 1)
    dialog.box.addLayout(head)
    text = QPlainTextEdit("\n".join(f"{name}: {value}" for name, value in versions()), dialog)
    text.setReadOnly(True)
    text.setAccessibleName("Versions")
    dialog.box.addWidget(text)
    paper = QLabel(
        "Data mollification: Tran, Franzese, Michiardi, Filippone, “One-Line-of-Code Data Mollification Improves "
        "Optimization of Likelihood-based Generative Models”, NeurIPS 2023. MIT licence.",
        dialog,
    )
    paper.setWordWrap(True)
    dialog.box.addWidget(paper)
    dialog.box.addWidget(_close_button(dialog))
    dialog.open()
    return dialog
