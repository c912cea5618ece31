"""Colours as semantic tokens, read from `resources/themes/`, following the system's light or dark."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QPen

from gmstudio.paths import resource

Table = NDArray[np.uint8]


@dataclass(frozen=True)
class Theme:
    """One set of colours.

    Attributes:
        name: ``light`` or ``dark``.
        dark: whether text is lighter than its background.
        colours: token -> ``#rrggbb``.
    """

    name: str
    dark: bool
    colours: dict[str, str]

    def colour(self, token: str, alpha: float = 1.0) -> QColor:
        """The colour of a token, such as ``text`` or ``mollified``."""
        colour = QColor(self.colours[token])
        colour.setAlphaF(alpha)
        return colour

    def pen(self, token: str, width: float = 1.0) -> QPen:
        """A cosmetic pen of a token's colour."""
        pen = QPen(self.colour(token), width)
        pen.setCosmetic(True)
        return pen

    def column(self, index: int) -> str:
        """The token of a column: vanilla, mollified, then further ones."""
        tokens = ("vanilla", "mollified", "column-3", "column-4", "column-5", "column-6")
        return tokens[index % len(tokens)]

    @cached_property
    def density_map(self) -> Table:
        """(256, 4) RGBA for densities: lightness rises evenly, and blue to yellow is safe for colour-blind eyes.

        In the light theme it runs from the plot's white to dark, in the dark theme from the plot's black to bright.
        """
        stops = (
            ("#111318", "#16305c", "#3c4f8a", "#7d6f83", "#b9905f", "#efc34b", "#fff3b0")
            if self.dark
            else ("#ffffff", "#dfe6ef", "#a9c0d9", "#6c96bf", "#3a6a9f", "#1c4073", "#0a1c40")
        )
        return _gradient(stops)

    @cached_property
    def angle_map(self) -> Table:
        """(256, 4) RGBA, cyclic, for angles from -pi to pi."""
        return _gradient(("#2f3c8f", "#3f8fc0", "#e9e4d4", "#d07a3a", "#7d2340", "#2f3c8f"))

    @cached_property
    def error_map(self) -> Table:
        """(256, 4) RGBA for errors from none to large."""
        low = self.colours["plot"]
        return _gradient(
            (low, "#8a4b7c", "#d9683f", "#ffd27a") if self.dark else (low, "#f5c58b", "#c8553d", "#4a1030")
        )


def _gradient(stops: tuple[str, ...]) -> Table:
    colours = np.array([QColor(stop).getRgb() for stop in stops], dtype=np.float64)
    at = np.linspace(0, len(stops) - 1, 256)
    return (
        np.stack([np.interp(at, range(len(stops)), colours[:, c]) for c in range(4)], axis=1).round().astype(np.uint8)
    )


@cache
def load(name: str) -> Theme:
    """The theme of that name."""
    plain = json.loads(resource(f"themes/{name}.json").read_text(encoding="utf-8"))
    return Theme(name=plain["name"], dark=plain["dark"], colours=plain["colours"])


class Themes(QObject):
    """The theme in use; `changed` fires when the person or the system changes it."""

    changed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._choice = os.environ.get("GMSTUDIO_THEME", "system")
        self._current = self._resolve()
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._follow)

    @property
    def current(self) -> Theme:
        """The theme in use."""
        return self._current

    @property
    def choice(self) -> str:
        """``system``, ``light`` or ``dark``."""
        return self._choice

    def choose(self, name: str) -> None:
        """Use ``light`` or ``dark``, or follow the ``system``."""
        self._choice = name
        self._follow()

    def _resolve(self) -> Theme:
        if self._choice in ("light", "dark"):
            return load(self._choice)
        dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return load("dark" if dark else "light")

    def _follow(self) -> None:
        theme = self._resolve()
        if theme is not self._current:
            self._current = theme
            self.changed.emit(theme)


_themes: list[Themes] = []


def themes() -> Themes:
    """The one `Themes` of the program; a QGuiApplication must exist."""
    if not _themes:
        _themes.append(Themes())
    return _themes[0]
