"""What the sweep window needs of the program's style sheet."""

from __future__ import annotations

from gmstudio.gui.cards.style import filled
from gmstudio.gui.theme import Theme
from gmstudio.paths import resource

_SHEET = """
QListWidget#axis::indicator { width: 14px; height: 14px; border: 1px solid @axis; border-radius: 4px;
  background: @field; }
QListWidget#axis::indicator:checked { background: @accent; border-color: @accent; image: url("%s"); }
QListWidget#axis::indicator:disabled { border-color: @border; background: @window; }
QListWidget#axis::item { padding: 3px 4px; }
QListWidget#axis::item:disabled { color: @muted; }
QTableView#sweeptable QHeaderView { background: @panel; }
QTableView#sweeptable QHeaderView::section { border-bottom: 1px solid @border; padding: 4px 12px; }
QTableView#sweeptable QHeaderView::section:vertical { border-bottom: none; border-right: 1px solid @border;
  color: @text; }
QTableView#sweeptable::item { padding: 0 12px; }
QTreeWidget QHeaderView::section { padding: 4px 8px; }
"""


def style(theme: Theme) -> str:
    """The sweeps' part of the style sheet."""
    return filled(_SHEET, theme) % resource(f"icons/checked-{theme.name}.svg").as_posix()
