"""What takes time and is not training - opening, saving, exporting - off the window's thread, carried by asyncio.

The only module that knows qasync.  The loop is made with the first job, so that starting does not pay for it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QApplication

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

#: Milliseconds after which a job is shown, with a button to cancel it.
SLOW = 1000
#: Milliseconds between two looks at how far a job is.
TICK = 100


class CancelledError(Exception):
    """The person has cancelled the job."""


class Progress:
    """What a job may ask and say; used in the job's thread.

    Attributes:
        share: how much is done, from 0 to 1; None as long as nobody knows.
    """

    def __init__(self) -> None:
        self._cancelled = threading.Event()
        self.share: float | None = None

    def report(self, share: float) -> None:
        """Say how much is done, from 0 to 1."""
        self.share = min(max(share, 0.0), 1.0)

    @property
    def cancelled(self) -> bool:
        """Whether the person no longer wants the job."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Ask the job to end."""
        self._cancelled.set()

    def check(self) -> None:
        """Raise `CancelledError` when the person no longer wants the job."""
        if self._cancelled.is_set():
            raise CancelledError


Work = Callable[[Progress], Any]


class Job(QObject):
    """One piece of work.

    Signals:
        slow(Job): it has been at work for a second.
        reached(float): how much is done, from 0 to 1; only of work that reports it.
        over(Job): it has ended, however.
    """

    slow = Signal(object)
    reached = Signal(float)
    over = Signal(object)

    def __init__(
        self,
        parent: QObject,
        title: str,
        work: Work,
        done: Callable[[Any], object],
        failed: Callable[[BaseException], object],
    ) -> None:
        super().__init__(parent)
        self.title, self.work, self.progress = title, work, Progress()
        self._done, self._failed = done, failed
        self._since, self._told = time.monotonic(), False
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)
        self._timer.start(TICK)

    def _look(self) -> None:
        share = self.progress.share
        if not self._told and 1000 * (time.monotonic() - self._since) >= SLOW:
            self._told = True
            self.slow.emit(self)
        if share is not None:
            self.reached.emit(share)

    def cancel(self) -> None:
        """End it as soon as it looks."""
        self.progress.cancel()

    async def carry(self, loop: asyncio.AbstractEventLoop, pool: ThreadPoolExecutor) -> None:
        """Do the work in another thread and bring the result to this one."""
        import asyncio

        try:
            result = await asyncio.wrap_future(pool.submit(self.work, self.progress), loop=loop)
        except CancelledError:
            self.finish()
        except Exception as error:
            self.finish()
            self._failed(error)
        else:
            self.finish()
            self._done(result)

    def finish(self) -> None:
        """It has ended."""
        self._timer.stop()
        self.over.emit(self)


class Jobs(QObject):
    """Carries jobs; `close` waits for those under way.

    Signals:
        slow(Job): a job has been at work for a second.
        over(Job): a job has ended.
    """

    slow = Signal(object)
    over = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._loop: Any = None
        self._pool: ThreadPoolExecutor | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.running: list[Job] = []

    def start(
        self,
        title: str,
        work: Work,
        done: Callable[[Any], object],
        failed: Callable[[BaseException], object],
    ) -> Job:
        """Do `work` in another thread.

        Args:
            title: what stands beside the button to cancel, such as ``Opening moons.gmstudio``.
            work: called with a `Progress`; it must not touch widgets.
            done: called with the result in the window's thread.
            failed: called with the exception in the window's thread.
        """
        if self._loop is None:
            from concurrent.futures import ThreadPoolExecutor

            from qasync import QEventLoop

            # Never told to run: Qt's own loop, which runs anyway, drives it.  Its `stop` would end the application's.
            self._loop = QEventLoop(QApplication.instance())
            self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="job")
        job = Job(self, title, work, done, failed)
        job.slow.connect(self.slow)
        job.over.connect(self._over)
        self.running.append(job)
        assert self._pool is not None
        task = self._loop.create_task(job.carry(self._loop, self._pool))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    def _over(self, job: Job) -> None:
        self.running.remove(job)
        self.over.emit(job)
        job.deleteLater()

    def close(self) -> None:
        """Cancel what is under way, wait for it, close the loop."""
        for job in list(self.running):
            job.cancel()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
        if self._loop is None:
            return
        for task in list(self._tasks):
            task.cancel()
            # The loop turns no more: what waits in it ends here, and not with a complaint later.
            task.get_coro().close()
            task._log_destroy_pending = False  # type: ignore[attr-defined]
        for job in list(self.running):
            job.finish()
        loop, self._loop = self._loop, None
        loop.close()
