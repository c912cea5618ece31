"""A process that does jobs: lines of JSON come in on standard input, lines of JSON go out on standard output.

In: ``{"job": 3, "kind": "train", "payload": {…}}``, ``{"stop": 3}``, ``{"pause": true}``.  Out: ``{"job": 3, "said":
"progress" | "done" | "failed" | "stopped", …}``.  The process ends when its standard input does, so that it never
outlives the program that has started it.  It opens no network connection and listens nowhere.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from typing import IO, Any, NoReturn

from gmstudio.errors import RefusedError
from gmstudio.sweeps import jobs


class Worker:
    """Does the jobs that it reads, one after the other.

    Args:
        source: lines of JSON.
        sink: lines of JSON.
    """

    def __init__(self, source: IO[bytes], sink: IO[bytes]) -> None:
        self._source, self._sink = source, sink
        self._lock = threading.Lock()
        self._jobs: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._controls: dict[int, jobs.Control] = {}
        self._paused = False

    def run(self) -> NoReturn:
        """Do jobs until the process ends."""
        threading.Thread(target=self._read, name="commands", daemon=True).start()
        self._say({"said": "ready"})
        while True:
            self._do(self._jobs.get())

    def _read(self) -> None:
        try:
            for line in self._source:
                self._obey(json.loads(line))
        finally:
            _end()

    def _obey(self, command: dict[str, Any]) -> None:
        with self._lock:
            if "job" in command:
                control = self._controls[command["job"]] = jobs.Control()
                control.pause(self._paused)
                self._jobs.put(command)
            elif "stop" in command and command["stop"] in self._controls:
                self._controls[command["stop"]].stop()
            elif "pause" in command:
                self._paused = bool(command["pause"])
                for control in self._controls.values():
                    control.pause(self._paused)

    def _do(self, command: dict[str, Any]) -> None:
        number: int = command["job"]
        control = self._controls[number]

        def tell(plain: dict[str, Any]) -> None:
            self._say({"job": number, "said": "progress", **plain})

        try:
            found = jobs.do(command["kind"], command["payload"], control, tell)
            answer: dict[str, Any] = {"said": "done", "found": found}
        except jobs.Stopped:
            answer = {"said": "stopped"}
        except jobs.JobError as error:
            answer = {"said": "failed", "reason": error.reason, "columns": list(error.columns)}
        except RefusedError as error:
            answer = {"said": "failed", "reason": str(error)}
        except Exception as error:
            answer = {"said": "failed", "reason": f"{type(error).__name__}: {error}"[:500]}
        with self._lock:
            del self._controls[number]
        self._say({"job": number, **answer})

    def _say(self, plain: dict[str, Any]) -> None:
        line = json.dumps(plain).encode() + b"\n"
        with self._lock:
            self._sink.write(line)
            self._sink.flush()


def _end() -> None:
    """End at once, with whatever this process has started, such as a compiler."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(0)


def main() -> None:
    """Do jobs from standard input; what is printed by mistake goes to the standard error stream."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    Worker(sys.stdin.buffer, answers).run()


if __name__ == "__main__":
    main()
