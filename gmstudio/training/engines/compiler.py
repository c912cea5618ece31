"""Compiles a training step in a process of its own, so that neither training nor window waits for the compiler.

``python -m gmstudio.training.engines.compiler PACKAGE [--later]`` reads the request that lies beside the package to be
made, with the ending ``.json``.  Compiling takes 15 to 60 s of a core; with ``--later`` at the lowest priority.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
import traceback
import zipfile
from pathlib import Path
from typing import Any, cast

import msgspec
import torch

from gmstudio.models.base import ModelSpec
from gmstudio.objectives.base import ObjectiveSpec
from gmstudio.registry import convert, from_plain
from gmstudio.runs import TrainingSpec
from gmstudio.training.engines.builds import Request
from gmstudio.training.engines.products import by_onednn
from gmstudio.training.engines.program import Program, trace


def build(request: Request, final: Path) -> None:
    """Trace, compile and write a package; the file appears as a whole or not at all."""
    torch.set_num_threads(request.threads)
    model = cast(ModelSpec, from_plain("model", request.model))
    objective = cast(ObjectiveSpec, from_plain("objective", request.objective))
    training = convert(TrainingSpec, request.training, "training")
    points = torch.randn(512, request.dim, generator=torch.Generator().manual_seed(0))
    built = model.build(request.dim, [0] * request.members, points, request.shape)
    program = Program(built.train(), objective, training)
    inputs = program.example(training.batch, request.dim)
    try:
        graph = trace(program, inputs)
        if by_onednn(graph):
            _compile(graph, inputs, final)
            return
    except Exception:  # It leans on what torch does not promise: then without.
        traceback.print_exc()
    _compile(trace(program, inputs), inputs, final)


def _compile(graph: Any, inputs: tuple[torch.Tensor, ...], final: Path) -> None:
    exported = torch.export.export(_Shell(graph), inputs)
    with tempfile.TemporaryDirectory(dir=final.parent) as folder:
        package = Path(folder) / "step.pt2"
        torch._inductor.aoti_compile_and_package(exported, package_path=str(package))
        _library(package).replace(final)


def _library(package: Path) -> Path:
    """Take the shared library out of torch's package, which is a zip file."""
    with zipfile.ZipFile(package) as members:
        names = [name for name in members.namelist() if name.endswith((".so", ".dylib", ".dll", ".pyd"))]
        if len(names) != 1:
            raise RuntimeError(f"torch has made {len(names)} libraries, where one was expected")
        sources = [members.read(name) for name in members.namelist() if name.endswith(".cpp")]
        if any(b"aoti_torch_proxy_executor_call" in source for source in sources):
            raise RuntimeError("a part of the step can be run in Python only")
        return Path(members.extract(names[0], package.parent))


class _Shell(torch.nn.Module):
    """A traced graph as the module that `torch.export` asks for."""

    def __init__(self, graph: torch.nn.Module) -> None:
        super().__init__()
        self.graph = graph

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        loss: torch.Tensor = self.graph(*inputs)
        return loss


def main(arguments: list[str]) -> int:
    """Build what the request file asks for; returns the exit status."""
    if "--later" in arguments and hasattr(os, "nice"):
        os.nice(19)
    _end_with(os.getppid())
    final = Path(arguments[0])
    build(msgspec.json.decode(final.with_suffix(".json").read_bytes(), type=Request), final)
    return 0


def _end_with(parent: int) -> None:
    """End when the program that asked has ended, however it did."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
