"""What a Dask worker executes: it hands a job to a worker process of ours and passes on what that says."""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from typing import Any

from gmstudio.sweeps import workers
from gmstudio.sweeps.processes import GRACE, Process
from gmstudio.sweeps.workers import Job, Report

#: Seconds between two looks at what was asked for; seconds after which an idle process ends.
LOOK_SECONDS, IDLE_SECONDS = 0.1, 20.0

_lock = threading.Lock()
#: Processes by the addresses of the Dask workers in this process, of which there is one as a rule.
_kept: dict[str, tuple[Process, queue.SimpleQueue[Report]]] = {}
_timer: threading.Timer | None = None


def relay(text: str) -> str:
    """Do a job in a process; gives its last report as JSON.

    Args:
        text: JSON of the job, with ``topic`` under which progress is told, and ``place`` and ``workers``: which of how
            many workers of its machine this one is.
    """
    plain = json.loads(text)
    asked = _Asked(plain["topic"])
    process, reports = _process(asked.address, plain)
    process.submit(Job(plain["job"], plain["kind"], plain["payload"]))
    paused = False
    try:
        while True:
            try:
                report = reports.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                report = None
            if report is not None and report.job == plain["job"]:
                if report.said != "progress":
                    return json.dumps({"said": report.said, **report.plain})
                asked.tell(report)
            word = asked.word()
            if word == "stop":
                return json.dumps({"said": "stopped"})
            if (word == "pause") != paused:
                paused = not paused
                process.pause(paused)
    finally:
        if process.job is not None:
            _end(process)
        elif paused:
            process.pause(False)
        _rest()


class _Asked:
    """What the sweep asks of its jobs, and the way back.

    Args:
        name: of the sweep's topic.
    """

    def __init__(self, name: str) -> None:
        import distributed

        self._name = name
        self._worker = distributed.get_worker()
        self._key = self._worker.get_current_task()
        self.address: str = self._worker.address
        self._variable = distributed.Variable(f"{name}-asked", client=distributed.get_client())
        self._next = 0.0
        self._word = "run"

    def word(self) -> str:
        """``run``, ``pause`` or ``stop``; the latter too when nobody waits for the job any more."""
        # A task that was cancelled, as by the death of the client, goes on; but its state says it.
        task = self._worker.state.tasks.get(self._key)
        if task is None or task.state in ("cancelled", "released", "forgotten"):
            return "stop"
        now = time.monotonic()
        if now >= self._next:
            self._next = now + LOOK_SECONDS
            with contextlib.suppress(TimeoutError):
                self._word = str(self._variable.get(timeout=1))
        return self._word

    def tell(self, report: Report) -> None:
        """Pass on progress."""
        self._worker.log_event(self._name, {"job": report.job, "plain": json.dumps(report.plain)})


def _process(address: str, plain: dict[str, Any]) -> tuple[Process, queue.SimpleQueue[Report]]:
    """The process of a Dask worker; kept between jobs, for torch takes its time to load."""
    global _timer
    with _lock:
        if _timer is not None:
            _timer.cancel()
            _timer = None
        if address not in _kept:
            reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
            gpus = () if plain["payload"].get("device") == "cpu" else workers.gpus()
            _kept[address] = Process(plain["place"], plain["workers"], gpus, reports), reports
        return _kept[address]


def _end(process: Process) -> None:
    """Stop a process's job, by force if need be."""
    process.ask_to_stop()
    end = time.monotonic() + GRACE
    while time.monotonic() < end and process.job is not None:
        time.sleep(0.01)
    if process.job is not None:
        process.kill()


def _rest() -> None:
    """End the process when it has had nothing to do for a while."""
    global _timer
    with _lock:
        if _timer is not None:
            _timer.cancel()
        _timer = threading.Timer(IDLE_SECONDS, _forget)
        _timer.daemon = True
        _timer.start()


def _forget() -> None:
    with _lock:
        for address, (process, _) in list(_kept.items()):
            if process.job is None:
                process.kill()
                del _kept[address]
