"""Where files of the program and of its user are."""

from __future__ import annotations

import importlib.resources
import os
from pathlib import Path

import platformdirs


def resource(name: str) -> Path:
    """A file or folder of `resources/`, in a checkout or in an installation.

    Args:
        name: path below the folder, such as ``themes/light.json``.
    """
    checkout = Path(__file__).resolve().parent.parent / "resources" / name
    if checkout.exists():
        return checkout
    return Path(str(importlib.resources.files("gmstudio_resources"))) / name


def user_data() -> Path:
    """The folder for untitled projects and logs; made where it is missing. ``GMSTUDIO_HOME`` moves it."""
    home = os.environ.get("GMSTUDIO_HOME")
    folder = Path(home) if home else Path(platformdirs.user_data_dir("gmstudio", appauthor=False))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def user_cache() -> Path:
    """The folder for what can be made anew, such as compiled steps; made where it is missing."""
    home = os.environ.get("GMSTUDIO_HOME")
    folder = Path(home) / "cache" if home else Path(platformdirs.user_cache_dir("gmstudio", appauthor=False))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
