"""Sweeps and their results in a project, in plain JSON values: what they mean is known to the room of sweeps."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gmstudio import runs
from gmstudio.projects.errors import ProjectError
from gmstudio.projects.file import ProjectFile
from gmstudio.registry import SpecError

SWEEP_STATES = frozenset({"running", "paused", "finished", "stopped", "failed"})
MAX_SWEEPS = 1000
MAX_TITLE = 200
#: Keys in one question to the database.
_PORTION = 500


@dataclass(frozen=True, slots=True)
class SweepRecord:
    """What a project says of a sweep.

    Attributes:
        id: a short unique text.
        created: when it first began, in ISO 8601.
        title: what a person calls it.
        state: ``running``, ``paused``, ``finished``, ``stopped`` or ``failed``, as of late.
        spec: JSON text of its specification.
    """

    id: str
    created: str
    title: str
    state: str
    spec: str


@dataclass(frozen=True, slots=True)
class ResultRecord:
    """What was found, under the key by which everybody knows it.

    Attributes:
        key: of a run or a data set.
        data: JSON values.
        run: id of the run of the project that holds the curves; empty where there is none.
        place: index of its column in that run.
    """

    key: str
    data: dict[str, Any]
    run: str = ""
    place: int = 0


class ResultsFile(ProjectFile):
    """A project file with sweeps and results in it. Any thread may call it."""

    def add_sweep(self, identity: str, title: str, spec: str) -> None:
        """Note that a sweep runs; one of the same id goes on."""
        created = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
        self._write(
            "INSERT INTO sweep (id, created, title, state, spec) VALUES (?, ?, ?, 'running', ?) "
            "ON CONFLICT (id) DO UPDATE SET state = 'running', title = excluded.title",
            (identity, created, title[:MAX_TITLE], spec),
        )

    def set_sweep_state(self, identity: str, state: str) -> None:
        """Note how a sweep is.

        Raises:
            ProjectError: when there is no such sweep.
        """
        if not self._write("UPDATE sweep SET state = ? WHERE id = ?", (state, identity)):
            raise ProjectError(f"“{self.path.name}” has no sweep {identity!r}.", "Choose one of its sweeps.")

    def sweeps(self) -> list[SweepRecord]:
        """Every sweep, oldest first."""
        rows = self._rows("SELECT id, created, title, state, spec FROM sweep ORDER BY number LIMIT ?", (MAX_SWEEPS,))
        return [
            SweepRecord(identity, created[:40], title[:MAX_TITLE], state if state in SWEEP_STATES else "stopped", spec)
            for identity, created, title, state, spec in rows
        ]

    def remove_sweep(self, identity: str) -> None:
        """Forget a sweep; its results and runs stay, for other sweeps may have the same."""
        self._write("DELETE FROM sweep WHERE id = ?", (identity,))

    def save_results(self, results: Iterable[ResultRecord]) -> None:
        """Keep results, all or none, in the place of earlier ones with the same keys."""
        with self.batch():
            for result in results:
                self._write(
                    "INSERT INTO result (key, run, place, data) "
                    "VALUES (?, (SELECT number FROM run WHERE id = ?), ?, ?) ON CONFLICT (key) DO UPDATE "
                    "SET run = excluded.run, place = excluded.place, data = excluded.data",
                    (result.key, result.run, result.place, json.dumps(result.data, allow_nan=False)),
                )

    def results(self, keys: Sequence[str]) -> dict[str, ResultRecord]:
        """What is known of some keys; what cannot be read counts as unknown, for it can be found again."""
        found: dict[str, ResultRecord] = {}
        for start in range(0, len(keys), _PORTION):
            some = tuple(keys[start : start + _PORTION])
            rows = self._rows(
                "SELECT result.key, coalesce(run.id, ''), result.place, result.data "
                f"FROM result LEFT JOIN run ON run.number = result.run WHERE key IN ({','.join('?' * len(some))})",
                some,
            )
            for key, run, place, data in rows:
                try:
                    plain = runs.plain_from_json(data)
                except SpecError:
                    continue
                if isinstance(plain, dict):
                    found[key] = ResultRecord(key, plain, run, max(0, place))
        return found
