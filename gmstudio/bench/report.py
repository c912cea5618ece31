"""What every benchmark shares: where it ran, and how its figures are written."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gmstudio import __version__


def machine() -> dict[str, Any]:
    """Versions, processor and date, to be kept beside figures."""
    import importlib.metadata as metadata

    packages = {}
    for name in (
        "torch",
        "numpy",
        "polars",
        "PySide6-Essentials",
        "pyqtgraph",
        "zuko",
        "nflows",
        "normflows",
        "torchebm",
        "pythae",
    ):
        try:
            packages[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "gmstudio": __version__,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "packages": packages,
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def window_environment(home: Path, trace: Path) -> dict[str, str]:
    """The environment of a window that is measured: a home and a trace of its own, and compiled modules kept."""
    environment = {**os.environ, "GMSTUDIO_HOME": str(home), "GMSTUDIO_TRACE": str(trace)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    if not environment.get("DISPLAY") and not environment.get("WAYLAND_DISPLAY"):
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    return environment


def write(path: Path | None, figures: dict[str, Any]) -> None:
    """Write figures as JSON, with `machine` beside them; nothing where `path` is None."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**figures, "machine": machine()}, indent=2) + "\n", encoding="utf-8")


def write_rows(path: Path | None, rows: list[dict[str, Any]], *, device: str) -> None:
    """Write a list of rows as JSON, one to a line, each with `machine` in it, so that any of them stands alone.

    Args:
        path: where; nothing is written where it is None.
        rows: plain values.
        device: what was measured, such as ``cpu``.
    """
    if path is None:
        return
    where = {**machine(), **_device(device)}
    path.parent.mkdir(parents=True, exist_ok=True)
    text = ",\n".join(json.dumps({**row, "machine": where}) for row in rows)
    path.write_text(f"[\n{text}\n]\n", encoding="utf-8")


def _device(device: str) -> dict[str, Any]:
    import torch

    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else device
    return {"device": name, "threads": torch.get_num_threads()}
