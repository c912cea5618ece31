"""Marks in time for the start benchmark; nothing happens unless ``GMSTUDIO_TRACE`` names a file."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path


def mark(event: str) -> None:
    """Append ``{"event", "time", "torch"}`` to the trace; `torch` says whether torch is imported already."""
    path = os.environ.get("GMSTUDIO_TRACE")
    if path:
        line = json.dumps({"event": event, "time": time.time(), "torch": "torch" in sys.modules})
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
