"""Panels: each draws one thing for every column."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gmstudio.gui.panels.base import Panel

COMPONENTS = True

_PLACES = ("stage", "bottom", "right", "hidden")


@cache
def all_panels() -> tuple[type[Panel], ...]:
    """Every panel: the classes in the `PANELS` of the modules of this package, in the order of their places."""
    found: list[type[Panel]] = []
    for module in pkgutil.iter_modules(__path__):
        found.extend(getattr(importlib.import_module(f"{__name__}.{module.name}"), "PANELS", ()))
    return tuple(sorted(found, key=lambda panel: (_PLACES.index(panel.place[0]), panel.place[1], panel.name)))
