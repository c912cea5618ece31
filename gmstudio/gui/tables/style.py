"""What the dialogs of tables need of the program's style sheet."""

from __future__ import annotations

from gmstudio.gui.cards.style import filled
from gmstudio.gui.theme import Theme
from gmstudio.paths import resource

_SHEET = """
QFrame#notice { background: @warning-soft; border: none; border-radius: 7px; }
QFrame#notice QLabel { background: transparent; }
QWidget#noticelist { background: transparent; }
QLabel#sentence { font-weight: 600; }
QLabel#sentence[state="error"] { color: @danger; }
QLabel#sourceproblem { color: @muted; }
QLabel#sourceproblem[state="error"] { color: @danger; }
QTableView { selection-background-color: @accent-soft; selection-color: @text; gridline-color: @grid; }
QTableView::item { padding: 0 6px; }
QTableView::indicator { width: 14px; height: 14px; border: 1px solid @axis; border-radius: 4px; background: @field; }
QTableView::indicator:checked { background: @accent; border-color: @accent; image: url("%s"); }
QTableView::indicator:disabled { border-color: @border; background: @window; }
QTableView QTableCornerButton::section { background: @panel; border: none; border-bottom: 1px solid @border; }
QSplitter::handle { background: transparent; }
"""


def style(theme: Theme) -> str:
    """The tables' part of the style sheet."""
    return filled(_SHEET, theme) % resource(f"icons/checked-{theme.name}.svg").as_posix()
