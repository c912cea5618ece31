"""What models of images have in common."""

from __future__ import annotations

from typing import Annotated, Literal

from gmstudio.models.base import Shape
from gmstudio.registry import SpecError, describe

Network = Annotated[
    Literal["mlp", "convolutional"],
    describe(
        "Perceptrons, to which all columns are alike; or, of images, convolutional networks, which know which pixels "
        "are neighbours.",
    ),
]


def of_images(shape: Shape | None) -> Shape:
    """The shape of the images.

    Raises:
        SpecError: where the data are none.
    """
    if shape is None:
        raise SpecError(
            "A convolutional network needs images, and the columns of these data are no pixels.",
            "Choose the network “mlp”, or images.",
            "model.network",
        )
    return shape
