"""Devices by name, and every kind of error in words with a remedy."""

from __future__ import annotations

import errno
import os
import platform
import sqlite3
import subprocess
import sys

import pytest
import torch

from gmstudio.registry import SpecError
from gmstudio.training import devices, heap
from gmstudio.training.errors import CheckpointError, NonFiniteLoss
from gmstudio.training.problems import problem_of


def test_auto_is_the_fastest_there_is_and_every_device_there_is_can_be_chosen() -> None:
    found = devices.available()
    assert found[-1] == "cpu"
    assert devices.choose("auto") == found[0]
    for name in found:
        assert devices.choose(name) == name
        assert torch.zeros(1, device=name).sum().item() == 0.0


@pytest.mark.parametrize("name", ["cuda:99", "tpu", "", "cuda:-1", "CPU "])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(name: str) -> None:
    with pytest.raises(SpecError, match=r"Choose one of: auto, .*cpu"):
        devices.choose(name)


def test_cuda_alone_means_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "available", lambda: ["cuda:0", "cuda:1", "cpu"])
    assert devices.choose("cuda") == "cuda:0"
    assert devices.choose("cuda:1") == "cuda:1"


def test_all_kinds_of_devices_are_listed_the_fastest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert devices.available() == ["cuda:0", "cuda:1", "mps", "cpu"]


def test_the_memory_of_an_accelerator_is_what_torch_holds_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: {"cuda:1": 17}[device])
    monkeypatch.setattr(torch.mps, "current_allocated_memory", lambda: 18)
    assert devices.memory("cuda:1") == 17
    assert devices.memory(torch.device("cuda:1")) == 17
    assert devices.memory("mps") == 18


def test_threads_leave_one_core_to_the_window() -> None:
    assert devices.threads(3) == 3
    assert 1 <= devices.threads(0) <= max(1, (os.cpu_count() or 1) - 1)


def test_the_memory_of_the_process_grows_with_what_it_holds() -> None:
    # In a process of its own: what an allocator keeps back of what other tests have freed would serve here.
    code = """
import torch
from gmstudio.training import devices
before = devices.memory("cpu")
block = torch.ones(16_000_000)
print(before, devices.memory(block.device))
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    before, after = map(int, told.split())
    assert before > 50_000_000
    assert after - before > 60_000_000


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NonFiniteLoss(1234, 0), ["diverged", "1,234", "smaller learning rate", "clipping"]),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"), ["memory", "smaller batch", "CPU"]),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), ["memory", "smaller batch"]),
        (MemoryError(), ["memory", "smaller model"]),
        (RuntimeError("CUDA error: an illegal memory access was encountered\nmore"), ["driver", "CPU"]),
        (SpecError("Blocks is 99.", "Choose a value between 1 and 64.", "model.blocks"), ["model.blocks", "99", "64"]),
        (CheckpointError("The file is damaged.", "Use another."), ["damaged", "Use another"]),
        (OSError(errno.ENOSPC, "No space left on device"), ["disk is full", "Make room"]),
        (sqlite3.OperationalError("database or disk is full"), ["disk is full"]),
        (sqlite3.OperationalError("attempt to write a readonly database"), ["read-only"]),
        (sqlite3.DatabaseError("file is not a database"), ["project file", "not a database"]),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), ["read-only", "/x"]),
        (FileNotFoundError(errno.ENOENT, "No such file", "/y"), ["missing", "/y"]),
        (OSError(errno.EIO, "Input/output error"), ["file system", "disk"]),
        (KeyError("surprise"), ["KeyError", "surprise", "report"]),
        (ValueError(), ["ValueError"]),
    ],
)
def test_every_error_says_what_happened_and_what_to_try(error: BaseException, words: list[str]) -> None:
    problem = problem_of(error)
    text = f"{problem.title} {problem.what} {problem.remedy}"
    assert all(word in text for word in words), text
    assert problem.title
    assert problem.remedy


def test_a_page_of_a_driver_is_shortened() -> None:
    assert len(problem_of(RuntimeError("cuDNN " + "x" * 5000)).what) < 400


def test_the_c_library_keeps_memory_where_it_can_be_told_to() -> None:
    glibc = platform.libc_ver()[0] == "glibc"
    assert heap.keep_pages() is glibc
