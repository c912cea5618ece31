"""Compiled steps on the disk, and the process that makes them."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec
import torch

from gmstudio.paths import user_cache
from gmstudio.registry import to_plain
from gmstudio.runs import RunSpec

#: Packages that are kept; each has about 2 MB.
KEPT = 40
#: Seconds after which what an unfinished build has left is nobody's any more.
OLD_SECONDS = 3600.0
#: The fields of a training specification on which the compiled code depends.
_FIELDS = ("batch", "optimiser", "weight_decay", "clip")

State = Literal["absent", "building", "ready", "failed"]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be compiled, in plain values.

    Attributes:
        model, objective: their specifications.
        training: batch and optimiser.
        dim: D.
        shape: of images, channels, height and width; None where the data are none.
        threads: of the processor, for which the code is made.
        members: columns that train side by side.
    """

    model: dict[str, Any]
    objective: dict[str, Any]
    training: dict[str, Any]
    dim: int
    shape: tuple[int, int, int] | None
    threads: int
    members: int

    @classmethod
    def of(cls, run: RunSpec, dim: int, members: int, shape: tuple[int, int, int] | None = None) -> Request:
        """The step of E columns of a run on points of D dimensions, for as many threads as torch uses now."""
        training = {name: getattr(run.training, name) for name in _FIELDS}
        model, objective = to_plain(run.model), to_plain(run.objective)
        return cls(
            model=model,
            objective=objective,
            training=training,
            dim=dim,
            shape=shape,
            threads=torch.get_num_threads(),
            members=members,
        )

    @property
    def package(self) -> Path:
        """Where the compiled step is kept; another version, machine or request has another place."""
        text = msgspec.json.encode([self, _surroundings()])
        return user_cache() / "steps" / f"{hashlib.blake2b(text, digest_size=16).hexdigest()}.so"


@cache
def _surroundings() -> list[str]:
    """What else the compiled code depends on: versions, the machine, and our own code."""
    digest = hashlib.blake2b(digest_size=16)
    home = Path(__file__).parents[2]
    for room in ("models", "objectives", "training"):
        for path in sorted((home / room).rglob("*.py")):
            digest.update(path.read_bytes())
    capability = torch.backends.cpu.get_cpu_capability()
    return [str(torch.__version__), digest.hexdigest(), platform.machine(), platform.node(), capability]


def obstacle() -> str:
    """Why this machine cannot compile, in words for a person; empty when it can."""
    if getattr(sys, "frozen", False):
        return "the bundled program brings no compiler"
    compilers = ("cl",) if sys.platform == "win32" else (os.environ.get("CXX", ""), "g++", "clang++")
    if not any(name and shutil.which(name) for name in compilers):
        return "there is no C++ compiler on this machine"
    return ""


class Builds:
    """Makes packages, one at a time, in a process that ends with this one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._package: Path | None = None
        self._failures: dict[Path, str] = {}
        atexit.register(self.stop)

    def state(self, request: Request) -> State:
        """Whether the package is there, is being made, or cannot be made."""
        self._poll()
        package = request.package
        if package.exists():
            return "ready"
        if package in self._failures:
            return "failed"
        return "building" if package == self._package else "absent"

    def reason(self, request: Request) -> str:
        """Why the package could not be made."""
        return self._failures.get(request.package, "")

    def start(self, request: Request, *, urgent: bool = False) -> bool:
        """Begin to make a package; returns False while another one is being made.

        Args:
            request: what to compile.
            urgent: whether somebody waits; otherwise the process gives way to everything else.
        """
        if self.state(request) != "absent":
            return True
        if self._process is not None:
            return False
        package = request.package
        package.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _tidy(package.parent)
        package.with_suffix(".json").write_bytes(msgspec.json.encode(request))
        environment = {
            **os.environ,
            "TORCHINDUCTOR_CACHE_DIR": str(package.with_suffix("")),
            "TORCHINDUCTOR_COMPILE_THREADS": "1",
        }
        with package.with_suffix(".log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "gmstudio.training.engines.compiler",
                    str(package),
                    *([] if urgent else ["--later"]),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                creationflags=0 if urgent else getattr(subprocess, "IDLE_PRIORITY_CLASS", 0),
            )
        self._package = package
        return True

    def _poll(self) -> None:
        process, package = self._process, self._package
        if process is None or package is None or process.poll() is None:
            return
        self._process = self._package = None
        if not package.exists():
            self._failures[package] = _last_line(package.with_suffix(".log"))
        package.with_suffix(".json").unlink(missing_ok=True)
        shutil.rmtree(package.with_suffix(""), ignore_errors=True)

    def stop(self) -> None:
        """Give up what is being made."""
        process, self._process, self._package = self._process, None, None
        if process is not None and process.poll() is None:
            process.terminate()
            process.wait()


#: The compiler of this program.
BUILDS = Builds()


def _last_line(log: Path) -> str:
    try:
        lines = log.read_text(errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return lines[-1][:300] if lines else "the compiler gave no reason"


def _tidy(folder: Path) -> None:
    """Keep the packages that were made last, and what may belong to another program's build of the last hour."""
    packages = sorted(folder.glob("*.so"), key=lambda path: path.stat().st_mtime, reverse=True)
    kept = {path.stem for path in packages[:KEPT]}
    for path in folder.iterdir():
        with contextlib.suppress(OSError):
            if path.stem in kept or time.time() - path.stat().st_mtime < OLD_SECONDS:
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
