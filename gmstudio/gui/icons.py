"""Icons: SVG files in `resources/icons/`, tinted with the text colour of the theme in use."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap

from gmstudio.gui.theme import themes
from gmstudio.paths import resource

#: Pixels; drawn once and made smaller where needed, so that starting does not pay for sizes that nobody sees.
SIZE = 64


def icon(name: str, token: str = "text") -> QIcon:
    """The icon of that name; an empty one where there is no such file.

    Args:
        name: of the file without its ending, such as ``play``.
        token: colour token of the theme.
    """
    return _icon(name, themes().current.colours[token])


@cache
def _icon(name: str, colour: str) -> QIcon:
    path = resource("icons") / f"{name}.svg"
    if not path.is_file():
        return QIcon()
    pixmap = _pixmap(path.read_text(encoding="utf-8").replace("#000000", colour))
    made = QIcon(pixmap)
    made.addPixmap(_faded(pixmap), QIcon.Mode.Disabled)
    return made


def _pixmap(source: str) -> QPixmap:
    from PySide6.QtSvg import QSvgRenderer

    pixmap = QPixmap(SIZE, SIZE)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(source.encode())).render(painter, QRectF(0, 0, SIZE, SIZE))
    painter.end()
    return pixmap


def _faded(pixmap: QPixmap) -> QPixmap:
    faded = QPixmap(pixmap.size())
    faded.fill(Qt.GlobalColor.transparent)
    painter = QPainter(faded)
    painter.setOpacity(0.32)
    painter.drawPixmap(0, 0, pixmap)
    painter.end()
    return faded


def program_icon() -> QIcon:
    """The program's own icon, untinted."""
    return QIcon(str(resource("icons/gmstudio.svg")))
