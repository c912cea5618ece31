"""The sweep window: a page to plan, a page with the table."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QLabel, QTabWidget, QVBoxLayout, QWidget

from gmstudio.gui.cards.message import Message
from gmstudio.gui.sweeps.control import SweepControl
from gmstudio.gui.sweeps.plan_page import PlanPage
from gmstudio.gui.sweeps.results_page import ResultsPage
from gmstudio.runs import Experiment

PLAN, RESULTS = 0, 1


class SweepWindow(QDialog):
    """Plans and shows a sweep; a sweep that trains goes on when it is closed.

    Args:
        control: of the sweep.
        cards: gives what the cards show.
        automatic: gives how many workers there are where nobody says a number.
        parent: the main window.

    Signals:
        left(): the person has closed it.
    """

    left = Signal()

    def __init__(
        self,
        control: SweepControl,
        cards: Callable[[], Experiment],
        automatic: Callable[[], int],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Sweep")
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint, True)
        self.setModal(False)
        self.control = control
        box = QVBoxLayout(self)
        box.setContentsMargins(14, 10, 14, 12)
        box.setSpacing(6)
        self.message = Message()
        box.addWidget(self.message)
        self.plan, self.results = PlanPage(cards, automatic), ResultsPage(control)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setAccessibleName("Pages of the sweep")
        for page, title, hint in (
            (self.plan, "Plan", "What is swept over, and how long it will take"),
            (self.results, "Table", "How far it is, the table, the runs of a cell"),
        ):
            self.tabs.setTabToolTip(self.tabs.addTab(page, title), hint)
        box.addWidget(self.tabs, 1)
        self.note = QLabel()
        self.note.setProperty("muted", True)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.note.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.note.hide()
        box.addWidget(self.note)
        self.finished.connect(self.left)
        self.resize(1200, 740)
        self.plan.title.setFocus()

    def show_page(self, page: int) -> None:
        """Show a page, in front of everything."""
        self.tabs.setCurrentIndex(page)
        self.show()
        self.raise_()
        self.activateWindow()
        (self.results.table if page == RESULTS else self.plan.title).setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return alone only enters a number: a sweep is long, and starts with Ctrl and Return."""
        if event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            super().keyPressEvent(event)
        elif event.modifiers() & Qt.KeyboardModifier.ControlModifier and self.tabs.currentIndex() == PLAN:
            self.plan.start.click()

    def complain(self, what: str, remedy: str = "") -> None:
        """Say what went wrong and what to try."""
        self.note.hide()
        self.message.say(what, remedy)

    def tell(self, text: str) -> None:
        """Say something pleasant, until something else is said."""
        self.message.hide()
        self.note.setText(text)
        self.note.setVisible(bool(text))
