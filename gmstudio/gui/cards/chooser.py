"""A component's combo box and its form; remembers what was last used of each kind."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gmstudio import registry
from gmstudio.gui.cards.calm import CalmCombo
from gmstudio.gui.cards.form import SpecForm
from gmstudio.gui.cards.summaries import carried, grouped, hover, started
from gmstudio.registry import Component, Room, Spec


class KindCombo(CalmCombo):
    """The components of a room, under headings where there are several groups."""

    #: The name of the component that the person chose.
    chosen = Signal(str)

    def __init__(self, room: Room) -> None:
        super().__init__()
        self._room = room
        self._names: list[str] = []
        self.setMaxVisibleItems(24)
        self.activated.connect(self._activated)
        for heading, members in grouped(room):
            if heading:
                self._add_heading(heading)
            for one in members:
                self._add(one)

    def _add_heading(self, heading: str) -> None:
        self.addItem(heading.upper())
        self._names.append("")
        model = self.model()
        assert isinstance(model, QStandardItemModel)
        item = model.item(self.count() - 1)
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        font = item.font()
        font.setPointSizeF(max(7.0, font.pointSizeF() - 1.5))
        item.setFont(font)

    def _add(self, one: Component) -> None:
        self.addItem(one.title, one.name)
        self._names.append(one.name)
        self.setItemData(self.count() - 1, hover(one), Qt.ItemDataRole.ToolTipRole)

    def show_kind(self, one: Component) -> None:
        """Show a component without a signal."""
        self.setCurrentIndex(self._names.index(one.name))
        self.setToolTip(hover(one))

    def refuse(self, reasons: Mapping[str, str]) -> None:
        """Let components not be chosen for now, for reasons that are shown on hover, and let the others be."""
        model = self.model()
        assert isinstance(model, QStandardItemModel)
        for index, name in enumerate(self._names):
            if name:
                model.item(index).setEnabled(name not in reasons)
                words = reasons.get(name) or hover(registry.find(self._room, name))
                self.setItemData(index, words, Qt.ItemDataRole.ToolTipRole)

    def _activated(self, index: int) -> None:
        if self._names[index]:
            self.chosen.emit(self._names[index])


class Chooser(QWidget):
    """Choose a component and set its fields.

    Args:
        room: whose components.
        spec: what it shows at first.
    """

    #: The new specification, and the name of the field that changed; empty when the kind did.
    edited = Signal(object, str)

    def __init__(self, room: Room, spec: Spec, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._room = room
        self._remembered: dict[str, Spec] = {}
        layout = self._box = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        self.combo = KindCombo(room)
        self.combo.setAccessibleName(f"Kind of {room}")
        self.combo.chosen.connect(self.choose)
        self.form = SpecForm(spec)
        self.form.edited.connect(self._edited)
        layout.addWidget(self.combo)
        layout.addWidget(self.form)
        self.show_spec(spec)

    def put_under_combo(self, widget: QWidget) -> None:
        """Put what belongs to some kinds between the combo box and the form."""
        self._box.insertWidget(1, widget)

    @property
    def spec(self) -> Spec:
        """What is chosen."""
        return self.form.spec

    def show_spec(self, spec: Spec) -> None:
        """Show a specification without a signal."""
        one = registry.of(spec)
        self._remembered[one.name] = spec
        self.combo.show_kind(one)
        self.form.set_spec(spec)

    def choose(self, name: str) -> None:
        """Switch to another kind as if the person had, keeping what both kinds have."""
        one = registry.find(self._room, name)
        if one is registry.of(self.spec):
            return
        last = self._remembered.get(name)
        spec = started(self.spec, one) if last is None else carried(self.spec, last)
        self.show_spec(spec)
        self.edited.emit(spec, "")

    def _edited(self, spec: Spec, name: str) -> None:
        self._remembered[registry.of(spec).name] = spec
        self.edited.emit(spec, name)
