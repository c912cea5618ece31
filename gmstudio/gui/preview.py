"""What the cards say, shown before the first run: brought up to date when they change, and never taken for a run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from gmstudio.gui.banner import Banner, Banners
from gmstudio.gui.control import Start
from gmstudio.observation.frame import RunInfo
from gmstudio.runs import Experiment
from gmstudio.sessions import Outcome, Session

if TYPE_CHECKING:
    from gmstudio.gui.training_thread import WarmUp
    from gmstudio.gui.workbench import Workbench
    from gmstudio.training.problems import Problem

#: Milliseconds after the last change of the cards until a preview is asked for.
CALM = 250
#: Seconds that a preview waits at most while changes keep coming, as when somebody draws.
LONGEST = 1.0


class Previewer(QObject):
    """Has a preview shown while no run is: as soon as torch is there, and again when the cards change.

    A run that is shown stays, also where the cards differ from it.

    Args:
        workbench: cards, control and display.
        banners: where a card that cannot be built is spoken of, once.
        warm_up: imports torch; until that is done nothing is built.
    """

    def __init__(self, workbench: Workbench, banners: Banners, warm_up: WarmUp) -> None:
        super().__init__(workbench)
        self._work, self._banners, self._warm_up = workbench, banners, warm_up
        self._pending: Experiment | None = None
        self._since = 0.0
        self._refused: Experiment | None = None
        self._hushed: Experiment | None = None
        self._said: Problem | None = None
        self._banner: Banner | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(CALM)
        self._timer.timeout.connect(self._ask)
        workbench.changed.connect(self.consider)
        workbench.control.previewed.connect(self._previewed)
        workbench.control.declined.connect(self._declined)
        workbench.display.begun.connect(self._begun)

    @property
    def wanted(self) -> Experiment | None:
        """What a preview should show now; None where there should be none."""
        work = self._work
        idle = work.project is not None and work.trained is None and not work.control.state
        return work.deck.experiment if idle else None

    @property
    def words(self) -> str:
        """What is to be said of what the panels show; empty where they show no preview."""
        wanted, display = self.wanted, self._work.display
        if wanted is None or wanted == self._refused:
            return ""
        if display.preview == wanted and display.info is not None:
            return "Preview, untrained. Press Space to train; the run's timeline appears here"
        return "" if display.preview is None else "The preview is being made…"

    def consider(self) -> None:
        """Ask for a preview soon, if the one that is there is not what it should be."""
        wanted = self.wanted
        if wanted is None:
            self._refused = None
            self._say_no_more()
        if wanted is None or wanted in (self._work.control.previewing, self._refused):
            self._pending = None
            self._timer.stop()
        elif wanted != self._pending:
            self._pending = wanted
            if not self._timer.isActive():
                self._since = time.monotonic()
            if time.monotonic() - self._since < LONGEST:
                self._timer.start()
        self._work.timeline.say(self.words)

    def again(self) -> None:
        """Try once more what could not be built: a file that it needs has come."""
        self._refused = self._hushed = None
        self.consider()

    def hush(self) -> None:
        """Somebody else has said why what is wanted cannot be built."""
        self._hushed = self.wanted
        self._say_no_more()

    def _ask(self) -> None:
        if not self._warm_up.done:
            self._timer.start()
            return
        wanted, self._pending = self.wanted, None
        if wanted is not None:
            self._work.control.preview(Start(wanted, wants=self._work.display.wants))

    def _previewed(self, session: Session) -> None:
        self._refused = None
        self._work.display.follow(session, self._work.control.previewing)
        self._work.changed.emit()

    def _begun(self, info: RunInfo) -> None:
        if self._work.display.preview is not None:
            self._say_no_more()
            self._work.changed.emit()

    def _declined(self, outcome: Outcome) -> None:
        problem, display = outcome.problem, self._work.display
        self._refused = display.preview
        display.show_nothing(f"{problem.what} {problem.remedy}" if problem is not None else "")
        # One that is only too big is no mistake.
        news = problem != self._said and self._refused != self._hushed
        if outcome.state == "failed" and problem is not None and news:
            self._say_no_more()
            self._said = problem
            self._banner = self._banners.show_message(Banner(problem.title, problem.what, problem.remedy, "info"))
        self._work.changed.emit()

    def _say_no_more(self) -> None:
        """Take the message away: what it speaks of is over."""
        banner, self._banner, self._said = self._banner, None, None
        if banner is not None and banner in self._banners.shown:
            banner.dismiss()

    def close(self) -> None:
        """Ask no more."""
        self._timer.stop()
        self._work.changed.disconnect(self.consider)
