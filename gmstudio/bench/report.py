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
    for name in ("torch", "numpy", "PySide6-Essentials", "pyqtgraph", "zuko"):
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
