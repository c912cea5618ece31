"""What the cards need of the program's style sheet."""

from __future__ import annotations

import re

from gmstudio.gui.theme import Theme
from gmstudio.paths import resource

_SHEET = """
QWidget#cardlist { background: @window; }
QFrame[class="card"] { background: @panel; border: 1px solid @border; border-radius: 8px; }
QFrame#cardheading { border: none; border-radius: 7px; }
QFrame#cardheading:hover { background: @window; }
QFrame#cardheading:focus { border: 1px solid @accent; }
QLabel[class="cardtitle"] { font-weight: 600; }
QLabel[class="cardsummary"] { color: @muted; }
QLabel[class="chip"] { background: @warning-soft; color: @warning; border-radius: 7px; padding: 1px 7px; }
QLabel[class="field"] { color: @text; }
QLabel[class="field"][state="error"] { color: @danger; }
QLabel[class="error"] { color: @danger; padding-left: 6px; }
QLabel[class="section"] { color: @muted; font-weight: 600; }
QLabel[class="section"][state="restart"] { color: @warning; }
QLabel[muted="true"] { color: @muted; }
QLabel#exactness { color: @muted; padding-left: 6px; }
QLabel#exactness[exact="true"] { color: @success; }
QToolButton#more { color: @muted; border: none; padding: 3px 6px; margin-left: 2px; background: transparent; }
QToolButton#more:hover { color: @text; }
QToolButton#addcolumn { padding: 3px; }
QFrame#message { background: @danger-soft; border: 1px solid @danger; border-radius: 8px; }
QFrame#message QLabel { background: transparent; color: @text; }
QFrame#columnform { background: @raised; border: 1px solid @border; border-radius: 8px; }

NumberBox { background: @field; color: @text; border: 1px solid @border; border-radius: 6px;
  padding: 2px 18px 2px 6px; selection-background-color: @accent; selection-color: @accent-text; }
NumberBox:hover { border-color: @axis; }
NumberBox:focus { border-color: @accent; }
NumberBox[state="error"] { border-color: @danger; background: @danger-soft; }
NumberBox:disabled { color: @muted; background: @window; }
QLineEdit[state="error"] { border-color: @danger; background: @danger-soft; }
CalmCombo, KindCombo { background: @field; color: @text; border: 1px solid @border; border-radius: 6px;
  padding: 3px 22px 3px 7px; min-height: 18px; }
CalmCombo:hover, KindCombo:hover { border-color: @axis; }
CalmCombo:focus, KindCombo:focus { border-color: @accent; }
CalmCombo::drop-down, KindCombo::drop-down { border: none; width: 20px; }
CalmCombo::down-arrow, KindCombo::down-arrow { image: none; }
CalmCombo QListView, KindCombo QListView { background: @raised; color: @text; border: 1px solid @border;
  border-radius: 0; padding: 3px; outline: none; font-weight: 400; }
CalmCombo QListView::item, KindCombo QListView::item { padding: 3px 6px; border-radius: 4px; }
CalmCombo QListView::item:selected, KindCombo QListView::item:selected { background: @accent-soft; color: @text; }
KindCombo QListView::item:disabled { color: @muted; }
KindCombo { font-weight: 600; }
CalmSlider { min-height: 22px; background: transparent; }
CalmSlider::groove:horizontal { height: 4px; border-radius: 2px; background: @border; }
CalmSlider::sub-page:horizontal { height: 4px; border-radius: 2px; background: @accent; }
CalmSlider::handle:horizontal { width: 12px; height: 12px; margin: -5px 0; border-radius: 7px;
  background: @raised; border: 1px solid @accent; }
CalmSlider::handle:horizontal:hover, CalmSlider::handle:horizontal:focus { background: @accent; }
CalmSlider::sub-page:horizontal:disabled { background: @axis; }
CalmSlider::handle:horizontal:disabled { border-color: @axis; }
"""


_CHECK = """
QCheckBox { spacing: 7px; background: transparent; }
QCheckBox::indicator { width: 14px; height: 14px; border: 1px solid @axis; border-radius: 4px; background: @field; }
QCheckBox::indicator:hover, QCheckBox:focus::indicator { border-color: @accent; }
QCheckBox::indicator:checked { background: @accent; border-color: @accent; image: url("%s"); }
QCheckBox::indicator:disabled { border-color: @border; background: @window; }
"""


def filled(sheet: str, theme: Theme) -> str:
    """A style sheet with the theme's colours in the place of ``@token``."""
    return re.sub(r"@([a-z0-9-]+)", lambda found: theme.colours[found.group(1)], sheet)


def style(theme: Theme) -> str:
    """The cards' part of the style sheet."""
    mark = resource(f"icons/checked-{theme.name}.svg").as_posix()
    return filled(_SHEET, theme) + filled(_CHECK, theme) % mark
