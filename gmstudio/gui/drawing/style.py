"""What the drawing panel needs of the program's style sheet."""

from __future__ import annotations

from gmstudio.gui.cards.style import filled
from gmstudio.gui.theme import Theme

_SHEET = """
DrawPanel QToolButton { padding: 3px; border-radius: 6px; }
DrawPanel QToolButton:checked { background: @accent-soft; border: 1px solid @accent; padding: 2px; }
QLabel#pointcount { color: @muted; }
QLabel#pointcount[full="true"] { color: @warning; font-weight: 600; }
QFrame#picturebar { background: @raised; border: 1px solid @border; border-radius: 8px; }
QFrame#picturebar QPushButton { padding: 5px 8px; }
"""


def style(theme: Theme) -> str:
    """The drawing panel's part of the style sheet."""
    return filled(_SHEET, theme)
