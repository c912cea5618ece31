"""Which tasks of a sweep wait, which are under way, and what happens to those that fail."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from gmstudio.sweeps.plan import Plan, PlannedRun, Task

#: How often a run is tried before it is reported as failed.
TRIES = 2


@dataclass(slots=True)
class Course:
    """How far a task is.

    Attributes:
        step, steps: made and planned; 0 where unknown.
        rate: steps a second of late.
    """

    step: int = 0
    steps: int = 0
    rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Pace:
    """What a task of a kind costs.

    Attributes:
        steps: that it makes.
        step: seconds of each, with the looks at the validation points that fall to it.
        building, ending: seconds before the first step and after the last.
    """

    steps: int = 0
    step: float = 0.0
    building: float = 0.0
    ending: float = 0.0

    @property
    def seconds(self) -> float:
        """Of the whole task."""
        return self.building + self.steps * self.step + self.ending


class Board:
    """The tasks of a sweep.

    Args:
        plan: the sweep.
        missing: the runs to do.
        workers: how many workers there are.

    Attributes:
        waiting: tasks that nobody does yet, in order.
        under_way: tasks by number.
        courses: how far the tasks under way are.
    """

    def __init__(self, plan: Plan, missing: Sequence[PlannedRun], workers: int) -> None:
        self._plan = plan
        self.waiting: deque[Task] = deque(plan.tasks(missing, workers))
        self.under_way: dict[int, Task] = {}
        self.courses: dict[int, Course] = {}
        self.left = len(missing)
        self._next = len(self.waiting)
        self._tries: dict[str, int] = {}
        self._paces: dict[tuple[int, int, int], Pace] = {}
        self._besides: dict[int, float] = {}

    @property
    def over(self) -> bool:
        """Whether nothing is left to do."""
        return not self.waiting and not self.under_way

    def begin(self) -> Task:
        """The next task; it is under way then."""
        task = self.waiting.popleft()
        self.under_way[task.id], self.courses[task.id] = task, Course()
        return task

    def again(self, task: Task) -> bool:
        """Whether a task holds runs that were tried before."""
        return any(self._tries.get(key, 0) for key in task.keys)

    def done(self, number: int) -> Task:
        """A task is done."""
        task = self._end(number)
        self.left -= len(task.runs)
        return task

    def failed(self, number: int, culprits: Sequence[int] = ()) -> tuple[list[PlannedRun], list[PlannedRun]]:
        """A task has failed; its runs are tried once more, each alone, so that a bad one costs only itself.

        Args:
            number: of the task.
            culprits: columns that are known to be to blame and would fail again; the others are innocent then, and go
                on together.

        Returns:
            The runs that have failed for good, and those that are tried once more.
        """
        task = self._end(number)
        blamed = [run for i, run in enumerate(task.runs) if i in culprits]
        if blamed:
            others = [run for run in task.runs if run not in blamed]
            if others:
                self._add(others)
            self.left -= len(blamed)
            return blamed, others
        for key in task.keys:
            self._tries[key] = self._tries.get(key, 0) + 1
        lost = [run for run in task.runs if self._tries[run.key] >= TRIES]
        retried = [run for run in task.runs if run not in lost]
        for run in retried:
            self._add([run])
        self.left -= len(lost)
        return lost, retried

    def _end(self, number: int) -> Task:
        self.courses.pop(number, None)
        return self.under_way.pop(number)

    def _add(self, some: Sequence[PlannedRun]) -> None:
        self.waiting.append(self._plan.task(self._next, some))
        self._next += 1

    # How long it will take.

    def kinds(self) -> dict[tuple[int, int, int], Task]:
        """A waiting task of each kind: data set, model and training."""
        found: dict[tuple[int, int, int], Task] = {}
        for task in self.waiting:
            found.setdefault(_kind(task), task)
        return found

    def note_pace(self, kind: tuple[int, int, int], pace: Pace) -> None:
        """What was measured of a kind."""
        self._paces[kind] = pace

    def note_beside(self, data: int, seconds: float) -> None:
        """How long it will take to find the baselines of a data set; 0 once they are found."""
        self._besides[data] = seconds

    def seconds_left(self, workers: int) -> float | None:
        """Seconds until the end, shared out among the workers; None where too little is known."""
        costs = [seconds for seconds in self._besides.values() if seconds > 0]
        for task in self.waiting:
            known = self._paces.get(_kind(task))
            if known is None:
                return None
            costs.append(known.seconds)
        running = []
        for number, task in self.under_way.items():
            course = self.courses[number]
            pace = self._paces.get(_kind(task), Pace())
            left = (course.steps or pace.steps) - course.step
            steps = left / course.rate if course.rate > 0 else left * pace.step
            running.append(steps + pace.ending + (0.0 if course.step else pace.building))
        # Longest first, each to the worker that is free first.
        ends = sorted(running + [0.0] * max(0, workers - len(running)))
        for cost in sorted(costs, reverse=True):
            ends[0] += cost
            ends.sort()
        return ends[-1] if ends else 0.0


def _kind(task: Task) -> tuple[int, int, int]:
    place = task.runs[0].place
    return place.data, place.model, place.training
