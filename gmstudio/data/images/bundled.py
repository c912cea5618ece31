"""Images that are there at once: the digits of scikit-learn, which the catalogue of tables has, too."""

from __future__ import annotations

from pathlib import Path

from gmstudio.data.images.labels import classes
from gmstudio.data.images.stack import Images, Stack, Wanted
from gmstudio.data.uci import bundled

#: Grey values of the digits: how many of 4 × 4 dots are inked.
LEVELS = 17


def digits(wanted: Wanted) -> Images:
    """1,797 digits of 8 × 8 pixels, inked pixels light.

    Raises:
        ImagesError: when they cannot be shaped as wanted.
    """
    found = bundled.digits()
    stack = Stack("Digits", min(len(found), wanted.most), wanted)
    stack.add(found[: wanted.most, None])
    values = bundled.digit_labels()[: wanted.most]
    return Images(stack.pixels, LEVELS, Path(), "", len(found)).labelled(classes(values, "Digits"))
