"""A form made from a specification: one row a field, with limits, units, help and reset."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QAction, QContextMenuEvent, QFont, QFontMetrics, QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QMenu, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from gmstudio import registry
from gmstudio.gui.cards import numbers
from gmstudio.gui.cards.calm import set_state
from gmstudio.gui.cards.editors import Editor, NoteEditor, editor
from gmstudio.gui.theme import themes
from gmstudio.registry import FieldInfo, Spec, SpecError

#: Letters of middling width that the name of a field may take before it goes on beneath itself, and its indent, pixels.
LABEL_LETTERS, INDENT = 14.5, 10


def label_width(font: QFont, name: str = "") -> int:
    """Pixels of the names of fields: the same for all names but those with a longer word, which is not torn."""
    metrics = QFontMetrics(font)
    longest = max((metrics.horizontalAdvance(word) for word in name.split()), default=0)
    return INDENT + max(round(LABEL_LETTERS * metrics.averageCharWidth()), longest + 1)


def shown(value: Any, info: FieldInfo) -> str:
    """A field's value in words, for tooltips, menus and undo texts."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (int, float)):
        return numbers.pretty(value, info.unit)
    if isinstance(value, str):
        return value if len(value) <= 24 else value[:23] + "…"
    if isinstance(value, tuple) and info.widget in ("points", "curve"):
        return f"{len(value):,} points"
    return str(value)


def tooltip(info: FieldInfo) -> str:
    """Help, limits and default of a field, as rich text."""
    lines = [f"<b>{info.label}</b>", info.help]
    facts = []
    if info.limits:
        facts.append(f"{info.limits[0].upper()}{info.limits[1:]} {info.unit}".strip())
    if info.kind in ("int", "float", "bool", "str", "choice") and info.default != "":
        facts.append(f"default: {shown(info.default, info)}")
    if facts:
        lines.append("; ".join(facts) + ".")
    return "<br>".join(line for line in lines if line)


class FieldLabel(QLabel):
    """The name of a field, with a small dot where its value is not the default."""

    def __init__(self, info: FieldInfo) -> None:
        super().__init__(info.label)
        self._marked = False
        self.setWordWrap(True)
        self.setProperty("class", "field")
        self.setContentsMargins(INDENT, 0, 0, 0)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        """Grow with the letters."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit()

    def _fit(self) -> None:
        self.setFixedWidth(label_width(self.font(), self.text()))

    @property
    def marked(self) -> bool:
        """Whether the dot is there."""
        return self._marked

    def mark(self, marked: bool) -> None:
        """Show or hide the dot."""
        if marked != self._marked:
            self._marked = marked
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The text, and the dot."""
        super().paintEvent(event)
        if self._marked:
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(themes().current.colour("accent"))
            painter.drawEllipse(2, self.height() // 2 - 2, 4, 4)
            painter.end()


class Row:
    """One field in a form: its label, its editor and its message."""

    def __init__(self, form: SpecForm, info: FieldInfo, grid: QGridLayout) -> None:
        self.info = info
        self.label = FieldLabel(info)
        self.editor: Editor = editor(info)
        self.message = QLabel()
        self.message.setProperty("class", "error")
        self.message.setWordWrap(True)
        self.message.hide()
        self.label.setToolTip(tooltip(info))
        self.editor.setToolTip(tooltip(info))
        at = grid.rowCount()
        if isinstance(self.editor, NoteEditor):
            self.label.hide()
            grid.addWidget(self.editor, at, 0, 1, 2)
            self.editor.setContentsMargins(INDENT, 0, 0, 0)
        else:
            self.label.setBuddy(self.editor)
            grid.addWidget(self.label, at, 0)
            grid.addWidget(self.editor, at, 1)
        grid.addWidget(self.message, at + 1, 0, 1, 2)
        self.editor.edited.connect(self._edited)
        self.editor.refused.connect(self.complain)
        self._form = form

    def _edited(self, value: Any) -> None:
        self._form.take(self.info.name, value)

    def complain(self, message: str) -> None:
        """Show what is wrong; an empty text takes it away."""
        self.message.setText(message)
        self.message.setVisible(bool(message))
        set_state(self.label, "state", "error" if message else "")

    def show_value(self, value: Any) -> None:
        """Show a value and whether it is the default."""
        self.editor.show_value(value)
        self.label.mark(value != self.info.default)

    @property
    def widgets(self) -> tuple[QWidget, ...]:
        """Everything that belongs to the row."""
        return self.label, self.editor, self.message


class SpecForm(QWidget):
    """The form of one specification.

    Args:
        spec: what it shows at first.
        hide: names of fields that have their editor elsewhere.
    """

    #: The new specification and the name of the field that the person changed.
    edited = Signal(object, str)

    def __init__(self, spec: Spec, parent: QWidget | None = None, *, hide: frozenset[str] = frozenset()) -> None:
        super().__init__(parent)
        self._spec = spec
        self._hide = hide
        self.rows: dict[str, Row] = {}
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(2)
        self._body: QWidget | None = None
        self._more: QToolButton | None = None
        self._build()

    @property
    def spec(self) -> Spec:
        """The specification as the form stands."""
        return self._spec

    def set_spec(self, spec: Spec) -> None:
        """Show another specification, of any class, without a signal."""
        other = type(spec) is not type(self._spec)
        self._spec = spec
        if other:
            self._build()
        else:
            self._show()

    def commit(self) -> None:
        """Take what is typed but not yet entered."""
        for row in self.rows.values():
            row.editor.commit()

    def take(self, name: str, value: Any) -> None:
        """Change one field as if the person had; an impossible value shows its message instead."""
        try:
            spec = self._with(name, value)
        except SpecError as error:
            where = error.where.rsplit(".", 1)[-1]
            self.rows[where if where in self.rows else name].complain(str(error))
            return
        for row in self.rows.values():
            row.complain("")
        if spec == self._spec:
            self._show()
            return
        self._spec = spec
        self._show()
        self.edited.emit(spec, name)

    def _with(self, name: str, value: Any) -> Spec:
        if self.rows[name].info.kind in ("other", "spec"):
            return registry.convert(type(self._spec), {**registry.to_plain(self._spec), name: value}, "")
        changed: Spec = self._spec.changed(**{name: value})
        return changed

    def reset(self, name: str) -> None:
        """Give a field its default."""
        self.take(name, self.rows[name].info.default)

    def disclose(self) -> None:
        """Show the advanced fields, too."""
        if self._more is not None:
            self._more.setChecked(True)

    def _build(self) -> None:
        if self._body is not None:
            self._layout.removeWidget(self._body)
            self._body.hide()
            self._body.deleteLater()
        self.rows = {}
        self._body = QWidget(self)
        grid = QGridLayout(self._body)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(1, 1)
        infos = [i for i in registry.fields(type(self._spec)) if i.widget != "hidden" and i.name not in self._hide]
        self._add(grid, [info for info in infos if not info.advanced])
        self._more = None
        advanced = [info for info in infos if info.advanced]
        if advanced:
            self._more = self._make_more(len(advanced))
            grid.addWidget(self._more, grid.rowCount(), 0, 1, 2)
            self._add(grid, advanced)
            self._disclose(False)
        self._layout.addWidget(self._body)
        self.setVisible(bool(self.rows))
        self._show()

    def _add(self, grid: QGridLayout, infos: list[FieldInfo]) -> None:
        for info in infos:
            self.rows[info.name] = Row(self, info, grid)

    def _make_more(self, count: int) -> QToolButton:
        more = QToolButton()
        more.setObjectName("more")
        more.setCheckable(True)
        more.setText("More")
        more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        more.setArrowType(Qt.ArrowType.RightArrow)
        more.setIconSize(QSize(8, 8))
        more.setToolTip(f"{count} advanced setting{'' if count == 1 else 's'}")
        more.setAccessibleName("Advanced settings")
        more.toggled.connect(self._disclose)
        return more

    def _disclose(self, shown: bool) -> None:
        assert self._more is not None
        self._more.setArrowType(Qt.ArrowType.DownArrow if shown else Qt.ArrowType.RightArrow)
        for row in self.rows.values():
            if row.info.advanced:
                row.label.setVisible(shown and not isinstance(row.editor, NoteEditor))
                row.editor.setVisible(shown)
                row.message.setVisible(shown and bool(row.message.text()))

    def _show(self) -> None:
        changed = 0
        for name, row in self.rows.items():
            row.show_value(getattr(self._spec, name))
            changed += row.info.advanced and row.label.marked
        if self._more is not None:
            self._more.setText(f"More ({changed} changed)" if changed else "More")

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Reset or copy the field under the mouse or with the focus."""
        row = self._row_at(self.childAt(event.pos()))
        if row is None:
            event.ignore()
            return
        menu = self.menu(row.info.name)
        menu.exec(event.globalPos())
        menu.deleteLater()

    def menu(self, name: str) -> QMenu:
        """The context menu of a field."""
        info = self.rows[name].info
        value = getattr(self._spec, name)
        menu = QMenu(self)
        reset = QAction(f"Reset {info.label.lower()} to {shown(info.default, info)}", menu)
        reset.setEnabled(value != info.default)
        reset.triggered.connect(lambda: self.reset(name))
        copy = QAction("Copy value", menu)
        copy.triggered.connect(lambda: QGuiApplication.clipboard().setText(str(value)))
        menu.addActions([reset, copy])
        return menu

    def _row_at(self, widget: QWidget | None) -> Row | None:
        while widget is not None and widget is not self:
            for row in self.rows.values():
                if widget in row.widgets:
                    return row
            widget = widget.parentWidget()
        return None
