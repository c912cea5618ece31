"""Workers that are processes of this machine, spoken to over pipes: nothing listens, and nothing is pickled."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from typing import IO, Any

from gmstudio.sweeps.workers import Job, Report, environment

COMMAND = (sys.executable, "-m", "gmstudio.sweeps.worker")
#: Seconds that a worker has to stop by itself before it is ended by force.
GRACE = 0.1
#: Bytes of a dead worker's last words that are looked at.
LAST_WORDS = 4000


class Process:
    """One worker process; started with its first job and again after it has died.

    Args:
        place: its index.
        workers: how many there are.
        gpus: of this machine.
        reports: where it tells what its jobs do.
        command: what to start.
    """

    def __init__(
        self,
        place: int,
        workers: int,
        gpus: tuple[str, ...],
        reports: queue.SimpleQueue[Report],
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._environment = environment(place, workers, gpus)
        self._reports = reports
        self._command = tuple(command)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._words: IO[bytes] | None = None
        self._paused = False
        #: The id of the job that it does; None while it has none.
        self.job: int | None = None

    @property
    def pid(self) -> int | None:
        """Its process id while it lives."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def submit(self, job: Job) -> None:
        """Do a job."""
        with self._lock:
            self.job = job.id
            if self._process is None or self._process.poll() is not None:
                self._start()
            threads = int(self._environment["GMSTUDIO_THREADS"])
            self._send({"job": job.id, "kind": job.kind, "payload": {"threads": threads, **job.payload}})

    def _start(self) -> None:
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._words,
            env=self._environment,
            # Ctrl-C on the terminal is for the program, which ends its workers itself.
            start_new_session=True,
        )
        threading.Thread(target=self._listen, args=(self._process, self._words), daemon=True).start()
        if self._paused:
            self._send({"pause": True})

    def _send(self, plain: dict[str, Any]) -> None:
        """Write a line; a worker that is dead says so by the end of its own lines."""
        process = self._process
        if process is None or process.stdin is None:
            return
        with contextlib.suppress(OSError):
            process.stdin.write(json.dumps(plain).encode() + b"\n")
            process.stdin.flush()

    def _listen(self, process: subprocess.Popen[bytes], words: IO[bytes]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            try:
                plain = json.loads(line)
            except ValueError:
                continue
            if "job" in plain:
                self._hear(plain)
        status = process.wait()
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()
        with self._lock:
            # A newer process may have the job already.
            job = self.job if self._process is process else None
            if job is not None:
                self.job = None
        if job is not None:
            self._reports.put(Report(job, "died", {"reason": f"The worker died: {_cause(status)}.{_last(words)}"}))
        words.close()

    def _hear(self, plain: dict[str, Any]) -> None:
        number, said = plain.pop("job"), plain.pop("said")
        if number != self.job:
            return
        if said != "progress":
            self.job = None
        self._reports.put(Report(number, said, plain))

    def pause(self, on: bool) -> None:
        """Hold its job, or let it go on."""
        with self._lock:
            self._paused = on
            self._send({"pause": on})

    def ask_to_stop(self) -> None:
        """Ask its job to end."""
        with self._lock:
            if self.job is not None:
                self._send({"stop": self.job})

    def kill(self) -> subprocess.Popen[bytes] | None:
        """End the process and what it has started, at once; its job is not reported any more.

        Returns:
            what has to be waited for, for its memory takes a while to be given back.
        """
        with self._lock:
            self.job = None
            process, self._process = self._process, None
        if process is not None and process.poll() is None:
            with contextlib.suppress(OSError):
                if sys.platform == "win32":
                    process.kill()
                else:
                    os.killpg(process.pid, signal.SIGKILL)
        return process


class Processes:
    """Workers that are processes of this machine.

    Args:
        number: how many.
        gpus: the CUDA devices that they share out among them.
        command: what each of them is.
    """

    def __init__(self, number: int, *, gpus: tuple[str, ...] = (), command: Sequence[str] = COMMAND) -> None:
        self.reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self.processes = [Process(i, number, gpus, self.reports, command) for i in range(number)]

    def __len__(self) -> int:
        return len(self.processes)

    @property
    def free(self) -> int:
        """How many have nothing to do."""
        return sum(process.job is None for process in self.processes)

    def submit(self, job: Job) -> None:
        """Give a job to a free worker, to one that runs already if there is one."""
        free = [process for process in self.processes if process.job is None]
        min(free, key=lambda process: process.pid is None).submit(job)

    def pause(self, on: bool) -> None:
        """Hold all jobs, or let them go on."""
        for process in self.processes:
            process.pause(on)

    def stop(self) -> None:
        """End all jobs within half a second: those that do not obey lose their process."""
        for process in self.processes:
            process.ask_to_stop()
        end = time.monotonic() + GRACE
        while time.monotonic() < end and self.free < len(self):
            time.sleep(0.01)
        _end([process for process in self.processes if process.job is not None])

    def close(self) -> None:
        """End everything."""
        _end(self.processes)


def _end(processes: Sequence[Process]) -> None:
    for killed in [process.kill() for process in processes]:
        if killed is not None:
            killed.wait()


def _cause(status: int) -> str:
    if status >= 0:
        return f"it ended with status {status}"
    try:
        return f"it was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"it was ended by signal {-status}"


def _last(words: IO[bytes]) -> str:
    """The last line that a worker has written to its standard error stream."""
    try:
        words.seek(max(0, words.seek(0, os.SEEK_END) - LAST_WORDS))
        lines = words.read().decode("utf-8", "replace").split("\n")
    except (OSError, ValueError):
        return ""
    said = [line.strip() for line in lines if line.strip()]
    return f" Its last words: {said[-1][:300]}" if said else ""
