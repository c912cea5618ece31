"""A Dask cluster: which addresses are refused, and what becomes of jobs whose workers are killed."""

from __future__ import annotations

import builtins
import contextlib
import os
import signal
import sys
import threading
from typing import Any

import pytest
from sweeping import events_of, lengthy, sweep, until

from gmstudio.projects.project import Project
from gmstudio.sweeps import workers
from gmstudio.sweeps.events import Progress, Retried, State
from gmstudio.sweeps.processes import Processes
from gmstudio.sweeps.sweep import Sweep
from gmstudio.sweeps.workers import ClusterError, check_address


@pytest.mark.parametrize(
    "address",
    [
        "tcp://192.168.0.7:8786",
        "tcp://example.org:8786",
        "tcp://127.0.0.1.example.org:8786",
        "tcp://0.0.0.0:8786",
        "tcp://localhost.evil:8786",
        "tcp://2130706433:8786",
        "192.168.0.7:8786",
        "ws://example.org:8786",
        "inproc://1/2/3",
        "tls://example.org",
        "tls://:8786",
        "tls://host:port",
        "tcp://[::2]:8786",
        "tcp://[::1:8786",
        "nothing",
    ],
)
def test_a_scheduler_beyond_loopback_needs_tls(address: str, project: Project) -> None:
    with pytest.raises(ClusterError) as refused:
        Sweep(sweep(), project, cluster=address)
    assert "tls://" in refused.value.remedy


@pytest.mark.parametrize(
    "address", ["local", "tcp://127.0.0.1:8786", "tcp://localhost:8786", "tcp://[::1]:8786", "tls://example.org:8786"]
)
def test_loopback_and_encrypted_addresses_are_taken(address: str) -> None:
    check_address(address)


def test_without_the_package_the_remedy_is_named_and_this_machine_still_works(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] in ("dask", "distributed"):
            raise ImportError(f"No module named {name!r}", name=name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ClusterError, match="distributed") as refused:
        workers.make(1, "local", "cpu")
    assert "gmstudio[sweep]" in refused.value.remedy
    group = workers.make(1, "", "cpu")
    assert len(group) == 1 and group.free == 1
    group.close()


def test_a_scheduler_that_is_not_there_ends_the_sweep_with_a_reason(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("gmstudio.sweeps.cluster.CONNECT_SECONDS", 0.5)
    one = Sweep(sweep(), project, cluster="tcp://127.0.0.1:9")
    one.start()
    end = events_of(one)[-1]
    assert isinstance(end, State) and end.state == "failed" and "tcp://127.0.0.1:9 cannot be reached" in end.reason


def descendants() -> list[Any]:
    import psutil

    return list(psutil.Process().children(recursive=True))


def our_workers() -> list[Any]:
    import psutil

    found = []
    for process in descendants():
        with contextlib.suppress(psutil.Error):
            if "gmstudio.sweeps.worker" in process.cmdline():
                found.append(process)
    return found


def listeners() -> set[tuple[str, int]]:
    """Where this process and those that it has started listen."""
    import psutil

    found = set()
    for process in [psutil.Process(), *descendants()]:
        try:
            connections = process.net_connections(kind="inet")
        except psutil.Error:
            continue
        found |= {
            (connection.laddr.ip, connection.laddr.port)
            for connection in connections
            # Datagrams have no state: whoever has such a socket can be spoken to.
            if connection.status in (psutil.CONN_LISTEN, psutil.CONN_NONE)
        }
    return found


class Watch(threading.Thread):
    """Looks at who listens, all the time."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.before = listeners()
        self.seen: set[tuple[str, int]] = set()
        self.looks = 0
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.wait(0.1):
            self.seen |= listeners() - self.before
            self.looks += 1

    def end(self) -> set[tuple[str, int]]:
        self._done.set()
        self.join()
        return self.seen


@pytest.mark.skipif(sys.platform != "linux", reason="others hide connections from their users")
def test_workers_of_this_machine_listen_nowhere_at_any_moment(project: Project) -> None:
    pytest.importorskip("psutil")
    watch = Watch()
    watch.start()
    one = Sweep(sweep(), project, make=lambda *_: Processes(2))
    one.run()
    assert watch.end() == set() and watch.looks > 3
    assert one.done() == 16


@pytest.mark.skipif(sys.platform != "linux", reason="others hide connections from their users")
def test_a_local_cluster_listens_on_loopback_alone_outlives_a_killed_worker_and_ends(project: Project) -> None:
    psutil = pytest.importorskip("psutil")
    pytest.importorskip("distributed")
    watch = Watch()
    watch.start()
    one = Sweep(lengthy(), project, cluster="local", number=1)
    one.start()
    until(one, Progress)
    # The Dask worker is the parent of ours.
    ours = our_workers()
    os.kill(ours[0].ppid(), signal.SIGKILL)
    retried = until(one, Retried)[-1]
    assert isinstance(retried, Retried) and "worker" in retried.reason
    assert psutil.wait_procs(ours, timeout=20)[1] == []
    # Dask starts another worker, on which the run begins anew; it can be held and stopped.
    while until(one, Progress)[-1].state != "running":  # type: ignore[union-attr]
        pass
    one.pause()
    while until(one, Progress)[-1].state != "paused":  # type: ignore[union-attr]
        pass
    one.stop()
    assert events_of(one)[-1] == State("stopped") and one.done() == 0
    # Something was found through it, too.
    assert one.table().rows[0].baselines
    seen = watch.end()
    assert seen and {address for address, _ in seen} == {"127.0.0.1"}
    assert psutil.wait_procs(our_workers(), timeout=20)[1] == []
