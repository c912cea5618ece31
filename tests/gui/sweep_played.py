"""A sweep that plays what a test tells it; no test."""

from __future__ import annotations

import queue
from typing import Any

from PySide6.QtCore import Qt

from gmstudio.gui.main_window import MainWindow
from gmstudio.gui.sweeps.desk import SweepDesk
from gmstudio.sweeps import spec as specs
from gmstudio.sweeps import table
from gmstudio.sweeps.events import Counted, Event, Finished, State
from gmstudio.sweeps.plan import Plan
from gmstudio.sweeps.spec import SweepSpec
from gmstudio.sweeps.store import Result

PLAIN = {
    "title": "A small table",
    "data": [{"kind": "two-moons", "size": 256}, {"kind": "rings", "size": 256}],
    "models": [{"kind": "real-nvp", "blocks": 1, "hidden": 8, "layers": 1}, {"kind": "gaussian"}],
    "schedules": [{"kind": "off"}, {"kind": "sigmoid"}],
    "trainings": [{"steps": 40, "batch": 32, "threads": 1, "evaluate_every": 20}],
    "seeds": [4, 5],
}


class FakeSweep:
    """Plays what a test tells it; the plan and the table are real."""

    def __init__(self, spec: SweepSpec) -> None:
        self.spec, self.plan = spec, Plan(spec)
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.results: dict[str, Result] = {}
        self.seconds_left: float | None = None
        self.asked: list[str] = []

    def start(self, *, only_measure: bool = False) -> None:
        self.asked.append("measure" if only_measure else "start")

    def pause(self) -> None:
        self.asked.append("pause")
        self.events.put(State("paused"))

    def resume(self) -> None:
        self.asked.append("resume")
        self.events.put(State("running"))

    def stop(self) -> None:
        self.asked.append("stop")
        self.events.put(State("stopped"))

    def join(self, timeout: float | None = None) -> bool:
        return True

    def table(self, units: table.Units = "standardised") -> table.Table:
        return table.build(self.plan, self.results, {}, units)

    def say(self, *some: Event) -> None:
        for event in some:
            if isinstance(event, Finished):
                self.results.update(event.results)
            self.events.put(event)

    def keys(self, data: int, model: int, schedule: int) -> list[str]:
        wanted = (data, model, 0, schedule)
        return [run.key for run in self.plan.runs if run.place[:4] == wanted]


def done(value: float, **more: Any) -> Result:
    return Result(state="done", points="test", last=value, best=value + 0.5, log_volume=0.25, steps=40, **more)


def played(window: MainWindow) -> SweepDesk:
    """The sweeps of a window whose sweeps are played, and measured at once."""
    made = window.handlers.sweeps.desk
    made.make = lambda spec, project, workers, device: FakeSweep(spec)  # type: ignore[assignment, return-value]
    made._calm.setInterval(0)
    return made


def begun(qtbot: Any, desk: SweepDesk) -> tuple[SweepDesk, FakeSweep]:
    """A small sweep that has just begun to train."""
    dialog = desk.show_spec(specs.from_plain(PLAIN))
    desk._calm.stop()
    dialog.plan.start.click()
    qtbot.waitUntil(lambda: desk.control.state == "measuring")
    sweep = desk.control.sweep
    assert isinstance(sweep, FakeSweep)
    sweep.say(Counted(16, 0, 4), State("measuring"), State("running"))
    qtbot.waitUntil(lambda: desk.control.state == "running")
    return desk, sweep


def shown_at(desk: SweepDesk, row: int, column: int, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
    assert desk.dialog is not None
    model = desk.dialog.results.model
    return model.data(model.index(row, column), role)
