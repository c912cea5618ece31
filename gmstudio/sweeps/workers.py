"""Who does the jobs of a sweep: processes of this machine, or the workers of a Dask cluster."""

from __future__ import annotations

import ipaddress
import os
import queue
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

from gmstudio.errors import RefusedError

Said = Literal["progress", "done", "failed", "stopped", "died"]
#: The name of a Dask cluster on loopback that starts and ends with the sweep.
LOCAL = "local"
MOST_WORKERS = 256
#: Where Linux shows GPUs under Windows, and those of AMD, which torch calls CUDA too.
_OTHERS = (Path("/dev/dxg"), Path("/dev/kfd"))


class ClusterError(RefusedError):
    """A cluster cannot be used."""


@dataclass(frozen=True, slots=True)
class Job:
    """Something for a worker.

    Attributes:
        id: by which reports name it; unique in one sweep.
        kind: see `gmstudio.sweeps.jobs.do`.
        payload: plain values.
    """

    id: int
    kind: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a job, or how far it is.

    Attributes:
        job: its id.
        said: ``progress``, or how it ended: ``died`` when its worker did.
        plain: ``found`` when it is done, ``reason`` when it failed or died, else how far it is.
    """

    job: int
    said: Said
    plain: dict[str, Any] = field(default_factory=dict)


class Workers(Protocol):
    """A group of workers; one thread calls it.

    Attributes:
        reports: what the workers say, from any thread.
    """

    reports: queue.SimpleQueue[Report]

    def __len__(self) -> int:
        """How many jobs can be done at once, at present."""

    @property
    def free(self) -> int:
        """How many of the workers have nothing to do."""

    def submit(self, job: Job) -> None:
        """Give a job to a free worker; every job ends with one report that is not ``progress``, unless it is stopped.

        Raises:
            ClusterError: when there is no such worker any more.
        """

    def pause(self, on: bool) -> None:
        """Hold all jobs, or let them go on."""

    def stop(self) -> None:
        """End all jobs within half a second, by force if need be."""

    def close(self) -> None:
        """End all jobs and workers."""


def make(number: int, cluster: str, device: str) -> Workers:
    """The workers that somebody has asked for.

    Args:
        number: how many processes; 0 for one for each GPU, or else for each core.
        cluster: address of a Dask scheduler, `LOCAL`, or an empty string for processes of this machine.
        device: ``auto``, ``cpu``, ``cuda``… that the jobs will use.

    Raises:
        ClusterError: when there can be no such workers.
    """
    if cluster:
        check_address(cluster)
        from gmstudio.sweeps.cluster import Cluster

        return Cluster(cluster, number or default_number(device))
    from gmstudio.sweeps.processes import Processes

    return Processes(number or default_number(device), gpus=gpus() if device == "auto" or "cuda" in device else ())


def check_address(address: str) -> None:
    """Refuse a scheduler on another machine whose connections are not encrypted: what they carry can run code.

    Raises:
        ClusterError: naming what is allowed.
    """
    if address == LOCAL:
        return
    try:
        parts = urlsplit(address)
        scheme, host, port = parts.scheme, parts.hostname or "", parts.port
    except ValueError as error:
        raise ClusterError(f"{address[:200]!r} is no address: {error}.", "Write tls://host:8786.") from error
    if scheme not in ("tcp", "tls") or not host or not port:
        raise ClusterError(
            f"{address[:200]!r} is no address of a Dask scheduler.",
            f"Write tls://host:8786, tcp://127.0.0.1:8786 on this machine, or {LOCAL!r} for a cluster of its own.",
        )
    if scheme == "tcp" and not _loopback(host):
        raise ClusterError(
            f"{address[:200]!r} is on another machine and is not encrypted.",
            f"Start the scheduler with TLS and write tls://{host}:{port}.",
        )


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def cores() -> int:
    """Processor cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def gpus() -> tuple[str, ...]:
    """The CUDA devices that this process may use, by the names of CUDA_VISIBLE_DEVICES."""
    # Torch takes a second to load, in which nobody could stop; so it is not asked where there can be none.
    if sys.platform == "linux" and not any(Path("/dev").glob("nvidia[0-9]*")) and not any(map(Path.exists, _OTHERS)):
        return ()
    import torch

    if not torch.cuda.is_available():
        return ()
    given = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return tuple(given[: torch.cuda.device_count()]) or tuple(map(str, range(torch.cuda.device_count())))


def default_number(device: str) -> int:
    """One worker for each GPU where GPUs are used, else for each core."""
    found = gpus() if device == "auto" or "cuda" in device else ()
    return min(MOST_WORKERS, len(found) or cores())


def environment(place: int, workers: int, found: tuple[str, ...]) -> dict[str, str]:
    """The environment of a worker: its share of the processor, and one GPU of its own.

    Args:
        place: index of the worker on its machine.
        workers: how many there are on its machine.
        found: the GPUs of its machine that may be used.
    """
    # One core is left to the program itself, and threads that wait for each other are no help on busy cores.
    share = str(max(1, (cores() - 1) // max(1, workers)))
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), share)
    pinned = found[place % len(found)] if found else ""
    return {**os.environ, **threads, "CUDA_VISIBLE_DEVICES": pinned, "GMSTUDIO_THREADS": share}
