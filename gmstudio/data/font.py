"""A small bitmap font, five columns by seven rows, so that a text can be data without any drawing library."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gmstudio.registry import SpecError

COLUMNS = 5
ROWS = 7

#: Seven rows from the top; in each, the bit of value 16 is the leftmost column.
_GLYPHS: dict[str, tuple[int, int, int, int, int, int, int]] = {
    " ": (0, 0, 0, 0, 0, 0, 0),
    "A": (14, 17, 17, 31, 17, 17, 17),
    "B": (30, 17, 17, 30, 17, 17, 30),
    "C": (14, 17, 16, 16, 16, 17, 14),
    "D": (30, 17, 17, 17, 17, 17, 30),
    "E": (31, 16, 16, 30, 16, 16, 31),
    "F": (31, 16, 16, 30, 16, 16, 16),
    "G": (14, 17, 16, 23, 17, 17, 14),
    "H": (17, 17, 17, 31, 17, 17, 17),
    "I": (14, 4, 4, 4, 4, 4, 14),
    "J": (7, 2, 2, 2, 2, 18, 12),
    "K": (17, 18, 20, 24, 20, 18, 17),
    "L": (16, 16, 16, 16, 16, 16, 31),
    "M": (17, 27, 21, 21, 17, 17, 17),
    "N": (17, 25, 25, 21, 19, 19, 17),
    "O": (14, 17, 17, 17, 17, 17, 14),
    "P": (30, 17, 17, 30, 16, 16, 16),
    "Q": (14, 17, 17, 17, 21, 18, 13),
    "R": (30, 17, 17, 30, 20, 18, 17),
    "S": (15, 16, 16, 14, 1, 1, 30),
    "T": (31, 4, 4, 4, 4, 4, 4),
    "U": (17, 17, 17, 17, 17, 17, 14),
    "V": (17, 17, 17, 17, 10, 10, 4),
    "W": (17, 17, 17, 21, 21, 27, 17),
    "X": (17, 17, 10, 4, 10, 17, 17),
    "Y": (17, 17, 10, 4, 4, 4, 4),
    "Z": (31, 1, 2, 4, 8, 16, 31),
    "0": (14, 17, 19, 21, 25, 17, 14),
    "1": (4, 12, 4, 4, 4, 4, 14),
    "2": (14, 17, 1, 6, 8, 16, 31),
    "3": (30, 1, 1, 14, 1, 1, 30),
    "4": (2, 6, 10, 18, 31, 2, 2),
    "5": (31, 16, 30, 1, 1, 17, 14),
    "6": (6, 8, 16, 30, 17, 17, 14),
    "7": (31, 1, 2, 4, 8, 8, 8),
    "8": (14, 17, 17, 14, 17, 17, 14),
    "9": (14, 17, 17, 15, 1, 2, 12),
    ".": (0, 0, 0, 0, 0, 12, 12),
    ",": (0, 0, 0, 0, 12, 4, 8),
    ":": (0, 12, 12, 0, 12, 12, 0),
    "!": (4, 4, 4, 4, 4, 0, 4),
    "?": (14, 17, 1, 6, 4, 0, 4),
    "-": (0, 0, 0, 31, 0, 0, 0),
    "+": (0, 4, 4, 31, 4, 4, 0),
    "=": (0, 0, 31, 0, 31, 0, 0),
    "/": (1, 1, 2, 4, 8, 16, 16),
    "*": (0, 21, 14, 31, 14, 21, 0),
    "'": (4, 4, 8, 0, 0, 0, 0),
    "(": (2, 4, 8, 8, 8, 4, 2),
    ")": (8, 4, 2, 2, 2, 4, 8),
    "<": (2, 4, 8, 16, 8, 4, 2),
    ">": (8, 4, 2, 1, 2, 4, 8),
    "#": (10, 10, 31, 10, 31, 10, 10),
    "&": (12, 18, 20, 8, 21, 18, 13),
    "♥": (0, 10, 31, 31, 14, 4, 0),
}

#: Every character that can be written; small letters are written as capitals.
CHARACTERS = "".join(_GLYPHS)


def bitmap(text: str) -> NDArray[np.bool_]:
    """The pixels of one line of text: (7, 6 n - 1), row 0 at the top, one empty column between characters.

    Raises:
        SpecError: for a character that the font lacks.
    """
    glyphs = []
    for character in text.upper():
        if character not in _GLYPHS:
            raise SpecError(
                f"The character {character!r} cannot be written.", f"Use {CHARACTERS.strip()} and spaces.", "text"
            )
        glyph = np.array(_GLYPHS[character])[:, None] >> np.arange(COLUMNS - 1, -1, -1) & 1
        glyphs.append(np.pad(glyph.astype(bool), ((0, 0), (0, 1))))
    return np.concatenate(glyphs, axis=1)[:, :-1] if glyphs else np.zeros((ROWS, 0), dtype=bool)
