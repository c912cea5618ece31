"""Workers of a Dask cluster.

A Dask worker relays its job to a worker process of ours and passes on what that says.  So a job that crashes or hangs
cannot take the Dask worker along, a stop is done by ending a process, and CUDA sees the one GPU that it is meant to.
The Dask worker that dies costs its own job: no job is sent elsewhere behind our back.
"""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

from gmstudio.sweeps.relay import relay
from gmstudio.sweeps.workers import LOCAL, ClusterError, Job, Report

#: Seconds to wait for a scheduler, between two looks at who is there, and for jobs to end.
CONNECT_SECONDS, LOOK_SECONDS, STOP_SECONDS = 10.0, 0.25, 0.45
WAIT_SECONDS, CLOSE_SECONDS = 3.0, 3.0


class Cluster:
    """Workers of a Dask cluster, one job at a time for each; workers may come and go.

    Args:
        address: of the scheduler, or `LOCAL` for a cluster on loopback that ends with this.
        number: workers of a local cluster.

    Raises:
        ClusterError: when it cannot be reached, or the package is missing.
    """

    def __init__(self, address: str, number: int) -> None:
        self.reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self._name = f"gmstudio-{uuid.uuid4().hex[:12]}"
        self._lock = threading.Lock()
        self._jobs: dict[int, tuple[str, Any]] = {}
        self._known: dict[str, int] = {}
        self._looked = -1.0
        self._cluster, self._client = _connect(address, number)
        import distributed

        self._asked = distributed.Variable(f"{self._name}-asked", client=self._client)
        self._asked.set("run")
        self._client.subscribe_topic(self._name, self._hear)

    def __len__(self) -> int:
        return len(self._workers())

    @property
    def free(self) -> int:
        """How many have nothing to do."""
        return len(self._free())

    def _free(self) -> list[str]:
        present = self._workers()
        with self._lock:
            busy = {address for address, _ in self._jobs.values()}
        return [address for address in present if address not in busy]

    def _workers(self) -> dict[str, int]:
        """The workers that there are, and to each its place on its machine; lost ones are reported."""
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return self._known
        try:
            present = sorted(self._client.nthreads())
        except Exception as error:
            raise ClusterError(f"The cluster is gone: {error}.", "Start it again; what is done is kept.") from error
        places: dict[str, int] = {}
        for address in present:
            places[address] = sum(_host(other) == _host(address) for other in places)
        self._known, self._looked = places, now
        with self._lock:
            lost = [(number, future) for number, (address, future) in self._jobs.items() if address not in places]
        for number, future in lost:
            self._end(number, Report(number, "died", {"reason": "The cluster's worker is gone."}))
            with contextlib.suppress(Exception):
                future.cancel()
        return places

    def submit(self, job: Job) -> None:
        """Give a job to a free worker."""
        # A worker may have gone since it was counted; its nanny starts another in a second or two.
        end = time.monotonic() + WAIT_SECONDS
        while not (free := self._free()) and time.monotonic() < end:
            time.sleep(0.05)
        if not free:
            raise ClusterError("The cluster has no free worker.", "Start more workers; what is done is kept.")
        address = free[0]
        there = {
            "topic": self._name,
            "place": self._known[address],
            "workers": sum(_host(other) == _host(address) for other in self._known),
        }
        text = json.dumps({"job": job.id, "kind": job.kind, "payload": job.payload, **there})
        with self._lock:
            future = self._client.submit(
                relay, text, key=f"{self._name}-{job.id}", workers=[address], allow_other_workers=False, pure=False
            )
            self._jobs[job.id] = (address, future)
        future.add_done_callback(self._done(job.id))

    def _done(self, number: int) -> Callable[[Any], None]:
        def done(future: Any) -> None:
            if future.status == "finished":
                try:
                    plain = json.loads(future.result())
                    report = Report(number, plain.pop("said"), plain)
                except Exception as error:
                    report = Report(number, "failed", {"reason": f"A worker's answer cannot be read: {error}"})
            elif future.status == "error":
                why = future.exception()
                report = Report(number, "died", {"reason": f"The cluster's worker failed: {str(why)[:300]}"})
            else:
                report = Report(number, "died", {"reason": "The cluster has dropped the job."})
            self._end(number, report)

        return done

    def _end(self, number: int, report: Report) -> None:
        """Report the end of a job, once."""
        with self._lock:
            job = self._jobs.pop(number, None)
            # Its worker may be gone, and must not be given the next job.
            self._looked = -1.0
        if job is not None:
            self.reports.put(report)

    def _hear(self, event: Any) -> None:
        """Progress of a job, as the scheduler passes it on."""
        _, plain = cast(tuple[float, dict[str, Any]], event)
        if isinstance(plain, dict) and "job" in plain:
            self.reports.put(Report(plain["job"], "progress", json.loads(plain["plain"])))

    def pause(self, on: bool) -> None:
        """Hold all jobs, or let them go on."""
        self._asked.set("pause" if on else "run")

    def stop(self) -> None:
        """End all jobs: their workers see it within a tenth of a second."""
        with self._lock:
            jobs = list(self._jobs.values())
        if not jobs:
            return
        end = time.monotonic() + STOP_SECONDS
        with contextlib.suppress(Exception):
            self._asked.set("stop")
        while time.monotonic() < end and self._jobs:
            time.sleep(0.01)
        with self._lock:
            self._jobs.clear()
        with contextlib.suppress(Exception):
            self._client.cancel([future for _, future in jobs], force=True)

    def close(self) -> None:
        """Leave the cluster; end it, if it is our own."""
        self.stop()
        for work in (
            lambda: self._client.unsubscribe_topic(self._name),
            self._asked.delete,
            lambda: self._client.close(timeout=CLOSE_SECONDS),
            lambda: self._cluster.close(timeout=CLOSE_SECONDS) if self._cluster is not None else None,
        ):
            with contextlib.suppress(Exception):
                work()


def _connect(address: str, number: int) -> tuple[Any, Any]:
    """A local cluster, or None, and a client of the cluster."""
    try:
        import dask.config
        import distributed
    except ImportError as error:
        raise ClusterError(
            "Sweeps on a cluster need dask.distributed.", 'Install it with: pip install "gmstudio[sweep]"'
        ) from error
    cluster = None
    try:
        if address == LOCAL:
            # One crash costs one job; and without these settings it would listen beyond this machine.
            with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
                cluster = distributed.LocalCluster(
                    n_workers=number,
                    processes=True,
                    threads_per_worker=1,
                    host="127.0.0.1",
                    dashboard_address=None,
                    worker_dashboard_address=None,
                )
            return cluster, distributed.Client(cluster, set_as_default=False, timeout=CONNECT_SECONDS)
        security = distributed.Security(require_encryption=True) if urlsplit(address).scheme == "tls" else None
        client = distributed.Client(address, security=security, set_as_default=False, timeout=CONNECT_SECONDS)
        return None, client
    except Exception as error:
        if cluster is not None:
            cluster.close(timeout=CLOSE_SECONDS)
        raise ClusterError(
            f"The cluster {address} cannot be reached: {str(error)[:300] or type(error).__name__}.",
            "Check that its scheduler runs, and for tls:// that distributed.comm.tls is set in Dask's configuration.",
        ) from error


def _host(address: str) -> str:
    return urlsplit(address).hostname or address
