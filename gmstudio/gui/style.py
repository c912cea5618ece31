"""The look of the whole program, made from the theme's tokens."""

from __future__ import annotations

import importlib
import importlib.util
import re

from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QApplication

from gmstudio.gui.theme import Theme
from gmstudio.paths import resource

#: Rooms that bring a `style(theme)` of their own.
PARTS = (
    "gmstudio.gui.cards.style",
    "gmstudio.gui.drawing.style",
    "gmstudio.gui.tables.style",
    "gmstudio.gui.sweeps.style",
)
BASE_POINTS = 9.5
MIN_SCALE, MAX_SCALE = 0.7, 2.5

_ROLES = {
    QPalette.ColorRole.Window: "window",
    QPalette.ColorRole.WindowText: "text",
    QPalette.ColorRole.Base: "field",
    QPalette.ColorRole.AlternateBase: "panel",
    QPalette.ColorRole.Text: "text",
    QPalette.ColorRole.Button: "raised",
    QPalette.ColorRole.ButtonText: "text",
    QPalette.ColorRole.BrightText: "danger",
    QPalette.ColorRole.Link: "accent",
    QPalette.ColorRole.Highlight: "accent",
    QPalette.ColorRole.HighlightedText: "accent-text",
    QPalette.ColorRole.ToolTipBase: "raised",
    QPalette.ColorRole.ToolTipText: "text",
    QPalette.ColorRole.PlaceholderText: "muted",
    QPalette.ColorRole.Light: "raised",
    QPalette.ColorRole.Midlight: "grid",
    QPalette.ColorRole.Mid: "border",
    QPalette.ColorRole.Dark: "border",
    QPalette.ColorRole.Shadow: "border",
    QPalette.ColorRole.Accent: "accent",
}
_DISABLED = (
    QPalette.ColorRole.WindowText,
    QPalette.ColorRole.Text,
    QPalette.ColorRole.ButtonText,
    QPalette.ColorRole.HighlightedText,
)


def palette(theme: Theme) -> QPalette:
    """Every colour role of Qt from the theme's tokens."""
    made = QPalette()
    for role, token in _ROLES.items():
        made.setColor(role, theme.colour(token))
    for role in _DISABLED:
        made.setColor(QPalette.ColorGroup.Disabled, role, mixed(theme, "muted", "window", 0.55))
    made.setColor(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Highlight, theme.colour("border"))
    return made


def mixed(theme: Theme, first: str, second: str, share: float) -> QColor:
    """`share` of the first token's colour, the rest of the second's."""
    a, b = theme.colour(first), theme.colour(second)
    parts = (
        a.red() * share + b.red() * (1 - share),
        a.green() * share + b.green() * (1 - share),
        a.blue() * share + b.blue() * (1 - share),
    )
    return QColor(*(round(part) for part in parts))


def prepare(app: QApplication, theme: Theme, scale: float) -> None:
    """Give the program this theme's colours, and letters `scale` times as large as usual."""
    app.setPalette(palette(theme))
    font = QFont(app.font())
    font.setPointSizeF(BASE_POINTS * scale)
    app.setFont(font)


def apply(app: QApplication, theme: Theme, scale: float) -> None:
    """Give the program this theme: colours, letters and style sheet.

    With a style sheet every widget costs more to make: make the window first.
    """
    prepare(app, theme, scale)
    sheet = style_sheet(theme, scale)
    if app.styleSheet() != sheet:
        app.setStyleSheet(sheet)


def style_sheet(theme: Theme, scale: float = 1.0) -> str:
    """The style sheet of the window and of the rooms that bring one."""
    names = dict(theme.colours)
    names["combo-arrow"] = resource(f"icons/arrow-{theme.name}.svg").as_posix()
    names["hover"] = mixed(theme, "text", "window", 0.09).name()
    names["pressed"] = mixed(theme, "text", "window", 0.16).name()
    names["faint"] = mixed(theme, "border", "window", 0.55).name()
    names["accent-hover"] = mixed(theme, "accent", "text", 0.85).name()
    for name, points in {"small": 8.5, "tiny": 8.0, "large": 11.5, "title": 13.0}.items():
        names[f"{name}-font"] = f"{points * scale:.1f}pt"
    text = re.sub(r"@([a-z-]+)", lambda found: names[found.group(1)], _WINDOW)
    for part in PARTS:
        if importlib.util.find_spec(part) is not None:
            text += str(importlib.import_module(part).style(theme))
    return text


_WINDOW = """
QMainWindow { background: @window; }
QMainWindow::separator { background: transparent; width: 5px; height: 5px; }
QMainWindow::separator:hover { background: @accent; }
QToolTip { background: @raised; color: @text; border: 1px solid @border; padding: 5px 7px; }

QMenuBar { background: @window; padding: 1px 4px; }
QMenuBar::item { padding: 4px 9px; border-radius: 5px; background: transparent; }
QMenuBar::item:selected { background: @hover; }
QMenu { background: @raised; border: 1px solid @border; border-radius: 8px; padding: 5px; }
QMenu::item { padding: 5px 26px 5px 10px; border-radius: 5px; }
QMenu::item:selected { background: @accent-soft; color: @text; }
QMenu::item:disabled { color: @muted; }
QMenu::icon { padding-left: 8px; }
QMenu::separator { height: 1px; background: @faint; margin: 5px 8px; }

QToolBar { background: @window; border: none; spacing: 3px; padding: 2px 6px; }
QToolBar#main { border-bottom: 1px solid @faint; }
QToolBar#timeline { border-top: 1px solid @faint; padding: 0; }
QToolBar#banners { padding: 0; spacing: 0; }
QToolBar::separator { background: @border; width: 1px; margin: 6px 5px; }
QToolButton { border: none; border-radius: 6px; padding: 5px; background: transparent; }
QToolButton:hover { background: @hover; }
QToolButton:pressed, QToolButton:checked { background: @pressed; }
QToolButton:focus { border: 1px solid @accent; padding: 4px; }
QToolButton::menu-indicator { image: none; }
QToolButton#play { background: @accent; color: @accent-text; padding: 4px 15px 4px 11px; font-weight: 600; }
QToolButton#play:hover { background: @accent-hover; }
QToolButton#play:disabled { background: @border; color: @muted; }
QToolButton#play:focus { border: 2px solid @text; padding: 2px 13px 2px 9px; }
QToolButton#play[changed="true"] { background: @warning; color: @window; }

QDockWidget { color: @text; }
QWidget#titlebar { background: @panel; border-top: 1px solid @faint; border-left: 1px solid @faint;
  border-right: 1px solid @faint; border-top-left-radius: 7px; border-top-right-radius: 7px; }
QWidget#titlebar QLabel { color: @muted; font-size: @small-font; background: transparent; }
QLabel#docktitle { font-weight: 600; }
QWidget#titlebar QToolButton { padding: 2px; border-radius: 4px; }
QWidget#titlebar QToolButton[checkable="true"] { padding: 1px 7px; color: @muted; font-size: @small-font; }
QWidget#titlebar QToolButton:checked { background: @accent-soft; color: @text; }
QWidget#titlebar QToolButton:disabled { color: @border; }
QWidget#titlebar QComboBox { padding: 0 4px; font-size: @small-font; }
QWidget#dockbody { background: @panel; border: 1px solid @faint; border-top: none;
  border-bottom-left-radius: 7px; border-bottom-right-radius: 7px; }
QTabBar { background: transparent; qproperty-drawBase: 0; }
QTabBar::tab { background: transparent; color: @muted; padding: 5px 11px; border-radius: 6px; margin: 1px;
  font-size: @small-font; font-weight: 600; }
QTabBar::tab:selected { background: @accent-soft; color: @text; }
QTabBar::tab:hover:!selected { background: @hover; }
QTabWidget::pane { border: none; }

QStatusBar { background: @window; border-top: 1px solid @faint; color: @muted; font-size: @small-font; }
QStatusBar::item { border: none; }
QStatusBar QLabel { color: @muted; padding: 1px 7px; font-size: @small-font; }
QStatusBar QLabel#state { color: @text; font-weight: 600; }

QPushButton { background: @raised; border: 1px solid @border; border-radius: 6px; padding: 5px 13px; }
QPushButton:hover { background: @hover; }
QPushButton:pressed { background: @pressed; }
QPushButton:focus { border-color: @accent; }
QPushButton:default { background: @accent; border-color: @accent; color: @accent-text; }
QPushButton:disabled { color: @muted; background: @window; }
QLineEdit, QPlainTextEdit, QTextBrowser { background: @field; border: 1px solid @border; border-radius: 6px;
  padding: 4px 7px; selection-background-color: @accent; selection-color: @accent-text; }
QLineEdit:focus { border-color: @accent; }
QTextBrowser { padding: 10px 14px; }
QComboBox { background: @raised; border: 1px solid @border; border-radius: 6px; padding: 3px 6px 3px 7px; }
QComboBox:hover { border-color: @axis; }
QComboBox:focus { border-color: @accent; }
QComboBox:disabled { color: @muted; background: @window; }
QComboBox::drop-down { border: none; width: 18px; }
QComboBox::down-arrow { image: url("@combo-arrow"); width: 12px; height: 12px; }
QComboBox QAbstractItemView { background: @raised; border: 1px solid @border; padding: 3px; }
QListView, QTreeView, QTableView { background: @field; border: 1px solid @border; border-radius: 6px; outline: none; }
QListView::item, QTreeView::item { padding: 4px 6px; border-radius: 4px; }
QListView::item:selected, QTreeView::item:selected { background: @accent-soft; color: @text; }
QListView::item:hover:!selected, QTreeView::item:hover:!selected { background: @hover; }
QHeaderView::section { background: @panel; color: @muted; border: none; border-bottom: 1px solid @border;
  padding: 4px 6px; font-size: @small-font; font-weight: 600; }

QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle { background: @border; border-radius: 4px; margin: 1px; min-height: 26px; min-width: 26px; }
QScrollBar::handle:hover { background: @axis; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QScrollArea { border: none; background: transparent; }

QFrame#banner { border-radius: 8px; border: 1px solid @border; background: @raised; }
QFrame#banner[kind="danger"] { background: @danger-soft; border-color: @danger; }
QFrame#banner[kind="warning"] { background: @warning-soft; border-color: @warning; }
QFrame#banner[kind="info"] { background: @accent-soft; border-color: @accent; }
QFrame#banner QLabel#banner-title { font-weight: 700; }
QFrame#banner QLabel { background: transparent; }
QFrame#commands { background: @raised; border: 1px solid @border; border-radius: 11px; }
QFrame#commands QLineEdit { border: none; background: transparent; font-size: @large-font; padding: 9px 10px; }
QFrame#commands QListView { border: none; border-top: 1px solid @faint; border-radius: 0; background: transparent; }
QLabel#badge { background: @warning-soft; color: @warning; border: 1px solid @warning; border-radius: 9px;
  padding: 3px 11px; font-size: @small-font; font-weight: 600; }
QLabel#heading { font-size: @title-font; font-weight: 700; }
QLabel#runname { color: @muted; padding: 0 8px; }
QDialogButtonBox { dialogbuttonbox-buttons-have-icons: 0; }
QDialog { background: @window; }
QProgressBar { border: none; border-radius: 3px; background: @border; height: 6px; text-align: center; }
QProgressBar::chunk { background: @accent; border-radius: 3px; }
"""
