"""A project: one SQLite file in which everything that happens to its runs is kept as it happens."""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from gmstudio import runs
from gmstudio.observation.frame import Frame, Metric, RunInfo, Truth
from gmstudio.projects import records, snapshots, untitled
from gmstudio.projects.errors import (
    DamagedProject,
    DiskFull,
    LockedProject,
    NewerProject,
    NotAProject,
    ProjectError,
    ReadOnlyProject,
)
from gmstudio.projects.records import RunRecord
from gmstudio.projects.results import ResultsFile
from gmstudio.projects.schema import SUFFIX
from gmstudio.registry import SpecError
from gmstudio.runs import Experiment

if TYPE_CHECKING:
    from gmstudio.training.checkpoint import Checkpoint

__all__ = [
    "SUFFIX",
    "DamagedProject",
    "DiskFull",
    "LockedProject",
    "NewerProject",
    "NotAProject",
    "Project",
    "ProjectError",
    "ReadOnlyProject",
    "RunRecord",
]


class Project(ResultsFile):
    """An open project, its runs and the results of its sweeps.

    Each `save_…` is durable against a killed process when it returns.
    Make one with `create`, `open` or `untitled_project`. Any thread may call it.
    """

    @classmethod
    def abandoned(cls) -> list[Path]:
        """Untitled projects with content that no living process holds, oldest first.

        They were left by a program that was killed, or closed without a name; `killed` tells which.
        """
        return untitled.abandoned()

    @classmethod
    def killed(cls, path: Path) -> bool:
        """Whether the program that had an abandoned project open was killed; ask before opening it."""
        return untitled.killed(path)

    # Runs.

    def add_run(self, experiment: Experiment, device: str, run: str | None = None) -> str:
        """Begin the record of a run; returns its id, a short unique text."""
        identity = run or uuid.uuid4().hex[:12]
        created = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        with self.batch():
            if self._rows("SELECT 1 FROM run WHERE id = ?", (identity,)):
                raise ProjectError(f"“{self.path.name}” has a run {identity!r} already.", "Go on with that run.")
            self._write(
                "INSERT INTO run (id, created, title, device, state, step, experiment) VALUES (?, ?, ?, ?, ?, 0, ?)",
                (identity, created, records.title(experiment), device, "building", records.to_text(experiment)),
            )
        return identity

    def runs(self) -> list[RunRecord]:
        """Every run that can be read, oldest first; `unreadable` names the others."""
        return [found for found in self._records() if isinstance(found, RunRecord)]

    def unreadable(self) -> list[tuple[str, str]]:
        """Id and message of every run whose specification this version cannot read."""
        return [found for found in self._records() if not isinstance(found, RunRecord)]

    def _records(self) -> Iterator[RunRecord | tuple[str, str]]:
        for row in self._rows(f"SELECT {records.FIELDS} FROM run ORDER BY number LIMIT {records.MAX_RUNS}"):
            try:
                yield records.from_row(row)
            except SpecError as error:
                yield str(row[0]), str(error)

    def run(self, run: str) -> RunRecord:
        """The record of a run.

        Raises:
            ProjectError: when there is no such run, or this version cannot read it.
        """
        rows = self._rows(f"SELECT {records.FIELDS} FROM run WHERE id = ?", (run,))
        if not rows:
            raise ProjectError(f"“{self.path.name}” has no run {run!r}.", "Choose one of its runs.")
        with self._reading(f"run {run}"):
            return records.from_row(rows[0])

    def set_state(self, run: str, state: str, step: int) -> None:
        """Note how far a run is."""
        self._update(run, "state = ?, step = ?", state, step)

    def rename_run(self, run: str, title: str) -> None:
        """Give a run another title."""
        self._update(run, "title = ?", title.strip()[: records.MAX_TITLE] or "Run")

    def remove_run(self, run: str) -> None:
        """Forget a run and everything of it."""
        with self.batch():
            self._write("DELETE FROM run WHERE number = ?", (self._number(run),))

    def _update(self, run: str, assignments: str, *values: Any) -> None:
        with self.batch():
            self._write(f"UPDATE run SET {assignments} WHERE number = ?", (*values, self._number(run)))

    def save_info(self, run: str, info: RunInfo) -> None:
        """Keep what panels need to know of a run."""
        self._update(run, "info = ?", snapshots.info_to_bytes(info))

    def info(self, run: str) -> RunInfo | None:
        """What panels need to know of a run."""
        blob = self._blob("info", run)
        with self._reading(f"description of run {run}"):
            return None if blob is None else snapshots.info_from_bytes(blob, run)

    def save_truth(self, run: str, truth: Truth) -> None:
        """Keep what is known exactly of a run's data."""
        self._update(run, "truth = ?", snapshots.truth_to_bytes(truth))

    def truth(self, run: str) -> Truth | None:
        """What is known exactly of a run's data."""
        blob = self._blob("truth", run)
        with self._reading(f"truth of run {run}"):
            return None if blob is None else snapshots.truth_from_bytes(blob)

    def _blob(self, name: str, run: str) -> bytes | None:
        return self._rows(f"SELECT {name} FROM run WHERE number = ?", (self._number(run),))[0][0]  # type: ignore[no-any-return]

    def _number(self, run: str) -> int:
        rows = self._rows("SELECT number FROM run WHERE id = ?", (run,))
        if not rows:
            raise ProjectError(f"“{self.path.name}” has no run {run!r}.", "Choose one of its runs.")
        return int(rows[0][0])

    # Metrics and frames.

    def add_metrics(self, run: str, metrics: list[Metric]) -> None:
        """Append measured numbers."""
        with self.batch():
            number = self._number(run)
            self._open_connection().executemany(
                "INSERT INTO metric (run, step, place, name, value) VALUES (?, ?, ?, ?, ?)",
                [(number, metric.step, metric.column, metric.name, float(metric.value)) for metric in metrics],
            )

    def metrics(self, run: str) -> list[Metric]:
        """Every measured number, in the order in which they were added."""
        rows = self._rows(
            f"SELECT step, place, name, value FROM metric WHERE run = ? ORDER BY number LIMIT {records.MAX_METRICS}",
            (self._number(run),),
        )
        return records.metrics(rows)

    def save_frame(self, frame: Frame) -> None:
        """Keep a frame on the timeline, in the place of one of the same step; thins the timeline where it is full."""
        blob = snapshots.frame_to_bytes(frame)
        with self.batch():
            number = self._number(frame.run)
            self._write(
                "INSERT INTO frame (run, step, data) VALUES (?, ?, ?) "
                "ON CONFLICT (run, step) DO UPDATE SET data = excluded.data",
                (number, frame.step, blob),
            )
            for step in records.superfluous(self.frame_steps(frame.run)):
                self._write("DELETE FROM frame WHERE run = ? AND step = ?", (number, step))

    def frame_steps(self, run: str) -> list[int]:
        """The steps of the frames on a run's timeline, ascending."""
        rows = self._rows("SELECT step FROM frame WHERE run = ? ORDER BY step LIMIT 10000", (self._number(run),))
        return [int(step) for (step,) in rows]

    def frame(self, run: str, step: int) -> Frame | None:
        """The frame of a step, or else the nearest one before it; None where there is none."""
        rows = self._rows(
            "SELECT step, data FROM frame WHERE run = ? AND step <= ? ORDER BY step DESC LIMIT 1",
            (self._number(run), step),
        )
        if not rows:
            return None
        with self._reading(f"frame {rows[0][0]} of run {run}"):
            return snapshots.frame_from_bytes(rows[0][1], run, int(rows[0][0]))

    # Checkpoints and edits.

    def save_checkpoint(self, run: str, checkpoint: Checkpoint, kind: str = "last") -> None:
        """Keep everything that a run needs to go on, in the place of an earlier one of that kind."""
        blob = checkpoint.to_bytes()
        with self.batch():
            self._write(
                "INSERT INTO checkpoint (run, kind, step, data) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (run, kind) DO UPDATE SET step = excluded.step, data = excluded.data",
                (self._number(run), kind, checkpoint.step, blob),
            )

    def checkpoint(self, run: str, kind: str = "last") -> Checkpoint | None:
        """What a run needs to go on: ``first`` before its first step, ``last`` as of late."""
        rows = self._rows("SELECT data FROM checkpoint WHERE run = ? AND kind = ?", (self._number(run), kind))
        if not rows:
            return None
        from gmstudio.training.checkpoint import Checkpoint

        with self._reading(f"checkpoint of run {run}"):
            return Checkpoint.from_bytes(rows[0][0])

    def add_edit(self, run: str, step: int, edit: dict[str, Any]) -> None:
        """Note what was changed while the run trained."""
        text = json.dumps(edit, allow_nan=False, ensure_ascii=False)
        with self.batch():
            self._write("INSERT INTO edit (run, step, edit) VALUES (?, ?, ?)", (self._number(run), step, text))

    def edits(self, run: str) -> list[tuple[int, dict[str, Any]]]:
        """What was changed while the run trained, in order."""
        rows = self._rows("SELECT step, edit FROM edit WHERE run = ? ORDER BY number", (self._number(run),))
        with self._reading(f"edits of run {run}"):
            return [(int(step), msgspec.convert(runs.plain_from_json(edit), dict[str, Any])) for step, edit in rows]

    def truncate(self, run: str, step: int) -> None:
        """Drop the metrics, frames and edits after a step, before the run goes on from it."""
        with self.batch():
            number = self._number(run)
            for table in ("metric", "frame", "edit"):
                self._write(f"DELETE FROM {table} WHERE run = ? AND step > ?", (number, step))
