"""Small images: a file or a folder, or the digits that are there at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from gmstudio.data.base import Bounds, Dataset, DataSpec
from gmstudio.data.tables.fields import FilePath, Sha256, TestShare, ValidationShare
from gmstudio.registry import SpecError, component, describe

if TYPE_CHECKING:
    from gmstudio.data.images.stack import Images, Wanted

DIGITS = "Digits, 8 × 8"


@component(
    "data",
    title="Images",
    summary="Small images: IDX (MNIST), NPZ, CIFAR-10, a folder of PNG or JPEG files, or 8 × 8 digits.",
    reference="Dinh, Sohl-Dickstein, Bengio, ICLR 2017; Theis, van den Oord, Bethge, ICLR 2016",
    order=5,
)
class ImagesSpec(DataSpec, frozen=True, kw_only=True, tag="images"):
    """Images, what of them is learned, and how they become columns; see `gmstudio.data.base.Picture`.

    Like those of tables, the data do not depend on the seed of a run.
    """

    path: FilePath = ""
    sha256: Sha256 = ""
    array: Annotated[
        str,
        describe("The array of an NPZ file that is learned; empty where it has one of images only.", advanced=True),
    ] = ""
    most: Annotated[
        int,
        describe("How many images are used at most, the first ones.", ge=2, le=1_000_000, label="Images", log=True),
    ] = 60_000
    crop: Annotated[
        int,
        describe("Keep a square in the middle of so many pixels a side; 0 keeps all.", ge=0, le=4096, unit="pixels"),
    ] = 0
    pool: Annotated[
        int,
        describe(
            "Make images smaller: the mean of squares of so many pixels a side; 1 leaves them.",
            ge=1,
            le=64,
            unit="pixels",
            label="Average over",
        ),
    ] = 1
    colour: Annotated[
        Literal["as it is", "grey"], describe("Whether colours are learned, or made grey by their light.")
    ] = "as it is"
    dequantise: Annotated[
        bool,
        describe(
            "Uniform noise below one grey value, drawn once. Without noise, a density can grow without limit on whole "
            "grey values; with it, the likelihood is a lower bound of that of the grey values.",
            label="Noise on grey values",
        ),
    ] = True
    logit: Annotated[
        bool,
        describe(
            "Learn logit(α + (1 - 2α) u) of the light u between 0 and 1, so that no model puts mass beyond black and "
            "white. Likelihoods are then told in these units.",
            label="Logits",
        ),
    ] = False
    alpha: Annotated[
        float, describe("The α of the logits.", ge=1e-6, le=0.4, log=True, label="α of logits", advanced=True)
    ] = 0.05
    standardise: Annotated[
        bool,
        describe(
            "Shift every channel to mean 0 and divide all by one number, to variance 1, by training and validation "
            "images. Everything is shown in the units of the data.",
            advanced=True,
        ),
    ] = True
    # Files of images are often sorted by class.
    split: Annotated[
        Literal["shuffled", "file order"],
        describe("Which images are for testing and validation: any, or the last ones."),
    ] = "shuffled"
    test_share: TestShare = 0.1
    validation_share: ValidationShare = 0.1
    seed: Annotated[
        int, describe("Seed of the shuffling and of the noise on grey values.", ge=0, le=2**31 - 1, advanced=True)
    ] = 0

    @property
    def name(self) -> str:
        """The name of the file or folder, without its ending."""
        return Path(self.path).name.split(".", 1)[0] or (self.path and "Images") or DIGITS

    @property
    def bounds(self) -> Bounds:
        """From black to white; the built data set has its own."""
        return (-0.1, 1.1, -0.1, 1.1)

    @property
    def wanted(self) -> Wanted:
        """What reading needs to know."""
        from gmstudio.data.images.stack import Wanted

        return Wanted(array=self.array, crop=self.crop, pool=self.pool, grey=self.colour == "grey", most=self.most)

    def build(self, seed: int) -> Dataset:
        """Read the images, unless they have just been read, and prepare them; `seed` changes nothing.

        Raises:
            SpecError: when they cannot be read, are not those with that hash, or cannot be trained on; naming the file
                where one is to blame.
        """
        from gmstudio.data.images.errors import ImagesError
        from gmstudio.data.images.preparing import prepare
        from gmstudio.data.tables.preparing import Preparation

        try:
            images = self._images()
        except ImagesError as error:
            raise SpecError(error.message, error.remedy, f"data.{error.field or 'path'}") from error
        if self.path and self.sha256 and images.sha256 != self.sha256:
            raise SpecError(
                f"“{self.path}” has changed since it was chosen.",
                "Put it back as it was, or choose it again.",
                "data.sha256",
            )
        chosen = Preparation(
            standardise=self.standardise,
            dequantise=float(self.dequantise),
            split=self.split,
            test_share=self.test_share,
            validation_share=self.validation_share,
            seed=self.seed,
        )
        return prepare(images, chosen, alpha=self.alpha if self.logit else 0.0, name=self.name)

    def _images(self) -> Images:
        from gmstudio.data.images.bundled import digits
        from gmstudio.data.images.reading import read_once

        return read_once(Path(self.path), self.wanted) if self.path else digits(self.wanted)
