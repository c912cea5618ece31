"""Which devices there are, which to use, and how much of them is in use.  Torch is imported only when asked."""

from __future__ import annotations

import os
from pathlib import Path

from gmstudio.registry import SpecError


def available() -> list[str]:
    """The devices of this machine, the fastest first; ``cpu`` is always among them."""
    import torch

    found = [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    if torch.backends.mps.is_available():
        found.append("mps")
    return [*found, "cpu"]


def choose(name: str) -> str:
    """The device that a name stands for.

    Args:
        name: ``auto`` for the fastest, or ``cpu``, ``mps``, ``cuda`` (the first) or ``cuda:1``.

    Raises:
        SpecError: when this machine has no such device, naming those that it has.
    """
    found = available()
    if name == "auto":
        return found[0]
    wanted = "cuda:0" if name == "cuda" else name
    if wanted not in found:
        raise SpecError(
            f"There is no device {name!r} on this machine.", f"Choose one of: auto, {', '.join(found)}.", "device"
        )
    return wanted


def threads(n: int) -> int:
    """How many processor threads to use: `n`, or all but one (for the window) where `n` is 0."""
    if n > 0:
        return n
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, cores - 1)


def memory(device: object) -> int:
    """Bytes in use: of the device by this process, or of the process where the device is the processor."""
    kind = str(device).partition(":")[0]
    if kind == "cuda":
        import torch

        return int(torch.cuda.memory_allocated(str(device)))
    if kind == "mps":
        import torch

        return int(torch.mps.current_allocated_memory())
    return _resident()


def _resident() -> int:
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Darwin counts bytes, the other systems KiB.
    return peak if os.uname().sysname == "Darwin" else peak * 1024
