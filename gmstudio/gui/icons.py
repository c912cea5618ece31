"""Icons: SVG files in `resources/icons/`, tinted with the text colour of the theme in use."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap

from gmstudio.gui.theme import themes
from gmstudio.paths import resource

SIZES = (24, 48, 72)


def icon(name: str, token: str = "text") -> QIcon:
    """The icon of that name; an empty one where there is no such file.

    Args:
        name: of the file without its ending, such as ``play``.
        token: colour token of the theme.
    """
    colour = themes().current.colours[token]
    return _icon(name, colour, themes().current.colours["muted"])


@cache
def _icon(name: str, colour: str, muted: str) -> QIcon:
    path = resource("icons") / f"{name}.svg"
    if not path.is_file():
        return QIcon()
    source = path.read_text(encoding="utf-8")
    made = QIcon()
    for size in SIZES:
        made.addPixmap(_pixmap(source.replace("#000000", colour), size), QIcon.Mode.Normal)
        made.addPixmap(_pixmap(source.replace("#000000", muted), size, opacity=0.45), QIcon.Mode.Disabled)
    return made


def _pixmap(source: str, size: int, opacity: float = 1.0) -> QPixmap:
    from PySide6.QtSvg import QSvgRenderer

    pixmap = QPixmap(size, size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setOpacity(opacity)
    QSvgRenderer(QByteArray(source.encode())).render(painter, QRectF(0, 0, size, size))
    painter.end()
    return pixmap


def program_icon() -> QIcon:
    """The program's own icon, untinted."""
    return QIcon(str(resource("icons/gmstudio.svg")))
