"""What every data set says of itself, and what it gives to a run."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Protocol, runtime_checkable

from gmstudio import registry
from gmstudio.registry import Spec, describe

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import Tensor

#: Rectangle of the plane: left, right, bottom, top, in the units of the data.
Bounds = tuple[float, float, float, float]


@runtime_checkable
class Density(Protocol):
    """A probability density on the plane that is known exactly. Computes in the dtype and on the device of `x`."""

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density in nats at `x` of shape (N, D); returns (N,)."""

    def score(self, x: Tensor) -> Tensor:
        """Gradient of the log-density with respect to `x` of shape (N, D); returns (N, D)."""

    def sample(self, size: int, generator: torch.Generator) -> Tensor:
        """Independent draws, float64, of shape (size, D), on the CPU."""

    def mollified(self, alpha: float, sigma: float) -> Density | None:
        """The exact density of alpha x + sigma eps, eps standard normal; None where it has no closed form."""


@runtime_checkable
class Source(Protocol):
    """Where points come from when there may be no density: a manifold, a picture, a handful of points."""

    def sample(self, size: int, generator: torch.Generator) -> Tensor:
        """Independent draws, float64, of shape (size, D), on the CPU."""


@dataclass(frozen=True, slots=True)
class Modes:
    """Where the modes of a density are, for mode coverage.

    Attributes:
        centres: (K, D) float64.
        radius: a sample nearer to a centre than this covers its mode.
    """

    centres: Tensor
    radius: float


@dataclass(frozen=True, slots=True)
class Picture:
    """How the columns of a data set are the pixels of an image.

    A grey value v, one of 0, 1, …, levels - 1, plus noise e from 0 to 1 is the share of light u = (v + e) / levels. A
    column is u, or with `alpha` > 0 the logit of alpha + (1 - 2 alpha) u (Dinh et al., Density estimation using Real
    NVP, ICLR 2017). Everything that is told is in these units, the units of the columns; the methods here lead to
    pixels, whose unit is one grey value.

    Attributes:
        shape: channels, height and width; the columns are the pixels in this order, the last index running fastest.
        levels: how many grey values there are; 256 for images of floats, too.
        alpha: of the logit; 0 for none.
    """

    shape: tuple[int, int, int]
    levels: int = 256
    alpha: float = 0.0

    @property
    def dim(self) -> int:
        """Number of columns."""
        return math.prod(self.shape)

    @property
    def limits(self) -> tuple[float, float]:
        """What black and white are, in the units of the columns."""
        if not self.alpha:
            return (0.0, 1.0)
        white = math.log1p(-self.alpha) - math.log(self.alpha)
        return (-white, white)

    def from_pixels(self, light: Tensor) -> Tensor:
        """Columns (…, D), of shares of light from 0 to 1 in (…, C, H, W)."""
        import torch

        light = light.flatten(-3)
        return torch.logit(self.alpha + (1 - 2 * self.alpha) * light) if self.alpha else light

    def to_pixels(self, x: Tensor) -> Tensor:
        """Shares of light from 0, black, to 1, white, for the eye.

        Args:
            x: (…, D), in the units of the columns; what is beyond black or white is cut off there.

        Returns:
            (…, C, H, W), in the dtype and on the device of `x`.
        """
        return self._light(x).clamp(0, 1).reshape(*x.shape[:-1], *self.shape)

    def to_bytes(self, x: NDArray[np.floating]) -> NDArray[np.uint8]:
        """`to_pixels` as bytes, from 0, black, to 255, white, without torch; what is no number is black.

        Args:
            x: (…, D), in the units of the columns.

        Returns:
            (…, C, H, W).
        """
        import numpy as np

        light: NDArray[np.floating] = np.asarray(x, dtype=np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            if self.alpha:
                light = (1 / (1 + np.exp(-light)) - self.alpha) / (1 - 2 * self.alpha)
            found: NDArray[np.uint8] = (255 * np.nan_to_num(light).clip(0, 1)).round().astype(np.uint8)
        return found.reshape(*x.shape[:-1], *self.shape)

    def to_grey(self, x: Tensor) -> Tensor:
        """The whole grey values, from 0 to levels - 1, in which `x` lies.

        Args:
            x: (…, D), in the units of the columns, finite.

        Returns:
            (…, C, H, W) int64: the bytes of the file, where `x` is made of them.
        """
        grey = (self.levels * self._light(x.double())).floor().clamp(0, self.levels - 1)
        return grey.long().reshape(*x.shape[:-1], *self.shape)

    def log_volume_of_pixels(self, x: Tensor) -> Tensor:
        """log of the volume factor at each point: log p_pixels = log p_columns(x) - log_volume_of_pixels(x).

        Args:
            x: (…, D), in the units of the columns.

        Returns:
            (…,): log |det| of the derivative of the pixels, in grey values, by the columns. Of dequantised images, the
            mean of log p_pixels is a lower bound of the mean log-probability of the whole grey values (Theis et al.,
            A note on the evaluation of generative models, ICLR 2016).
        """
        from torch.nn.functional import logsigmoid

        constant = self.dim * (math.log(self.levels) - math.log1p(-2 * self.alpha))
        if not self.alpha:
            return x.new_full(x.shape[:-1], constant)
        return (logsigmoid(x) + logsigmoid(-x)).sum(-1) + constant

    def bits_per_dimension(self, log_prob: Tensor, x: Tensor) -> Tensor:
        """How many bits a pixel of each image takes: (…,).

        Args:
            log_prob: (…,), log-densities in nats, in the units of the columns.
            x: (…, D), where they are.
        """
        return (self.log_volume_of_pixels(x) - log_prob) / (self.dim * math.log(2))

    def _light(self, x: Tensor) -> Tensor:
        return (x.sigmoid() - self.alpha) / (1 - 2 * self.alpha) if self.alpha else x


@dataclass(frozen=True, slots=True)
class Dataset:
    """Training and validation points in the units of the data, float32, and what is known of them.

    Models are trained on standardised points ``(x - shift) / scale``; `to_model` and `to_data` convert.

    Attributes:
        name: what a person calls it.
        train: (N, D).
        validation: (M, D), never trained on.
        shift: (D,).
        scale: (D,), positive.
        bounds: the part of the plane that panels show.
        density: the exact density, or None.
        modes: modes, or None.
        manifold: a name of the lower-dimensional set on which the data lie, such as ``circle``, or an empty string.
        test: (K, D), looked at only when the training is over; None where there are none.
        columns: the names of the D columns; empty where they have none.
        picture: how the columns are the pixels of an image; None where they are not.
        labels: (N,) int64, the class of each training point, a place in `label_names`, -1 where it is not known; on the
            CPU, for the eye and for judging, never for training. None where no class is known.
        validation_labels: (M,), the same of the validation points.
        label_names: of the classes.
    """

    name: str
    train: Tensor
    validation: Tensor
    shift: Tensor
    scale: Tensor
    bounds: Bounds
    density: Density | None = None
    modes: Modes | None = None
    manifold: str = ""
    test: Tensor | None = None
    columns: tuple[str, ...] = ()
    picture: Picture | None = None
    labels: Tensor | None = None
    validation_labels: Tensor | None = None
    label_names: tuple[str, ...] = ()

    @property
    def dim(self) -> int:
        """Number of columns."""
        return int(self.train.shape[1])

    @property
    def shape(self) -> tuple[int, int, int] | None:
        """Channels, height and width of the images whose pixels the columns are; None where they are none."""
        return None if self.picture is None else self.picture.shape

    def to_model(self, x: Tensor) -> Tensor:
        """Standardise points (…, D)."""
        return (x - self.shift.to(x)) / self.scale.to(x)

    def to_data(self, x: Tensor) -> Tensor:
        """Undo `to_model`."""
        return x * self.scale.to(x) + self.shift.to(x)

    @property
    def log_volume(self) -> float:
        """log of the volume factor: log p_data(x) = log p_model(to_model(x)) - log_volume."""
        return float(self.scale.cpu().double().log().sum())

    def to(self, device: torch.device | str) -> Dataset:
        """The same data with its points on `device`."""
        return replace(
            self,
            train=self.train.to(device),
            validation=self.validation.to(device),
            test=None if self.test is None else self.test.to(device),
            shift=self.shift.to(device),
            scale=self.scale.to(device),
        )


class DataSpec(Spec, frozen=True, kw_only=True):
    """Base of every data set's specification: whatever can be built into a `Dataset`."""

    #: Name of the lower-dimensional set on which the points lie, such as ``circle``; empty where they fill the space.
    manifold: ClassVar[str] = ""

    @property
    def bounds(self) -> Bounds:
        """The part of the plane that panels show before the points are known; torch is not needed for it."""
        return (-4.0, 4.0, -4.0, 4.0)

    @property
    def exact(self) -> bool:
        """Whether the log-density and score are known exactly."""
        return False

    @property
    def name(self) -> str:
        """What a person calls this data set."""
        titles = (c.title for c in registry.components("data") if c.spec is type(self))
        return next(titles, type(self).__name__)

    def build(self, seed: int) -> Dataset:
        """Training, validation and, where there are any, test points; the same seed gives the same bits.

        Raises:
            SpecError: when there are no points to be had, saying why and what to do.
        """
        raise NotImplementedError


class PlaneSpec(DataSpec, frozen=True, kw_only=True):
    """Base of every data set of the plane from which points are drawn, as many as one likes."""

    size: Annotated[int, describe("How many points to train on.", ge=2, le=1_000_000, unit="points", log=True)] = 8192
    standardise: Annotated[
        bool,
        describe(
            "Shift and scale the points to mean 0 and variance 1 (one scale for both axes) before training. "
            "Everything is shown in the units of the data.",
            advanced=True,
        ),
    ] = True

    @property
    def exact(self) -> bool:
        """Whether `density` gives an exact log-density and score."""
        return True

    def density(self) -> Density | None:
        """The exact density, or None where there is none."""
        raise NotImplementedError

    def source(self) -> Source:
        """What points are drawn from: the density, unless a data set has none.

        Raises:
            SpecError: when there is nothing to draw from.
        """
        density = self.density()
        assert density is not None, "a data set without a density has a source of its own"
        return density

    def modes(self) -> Modes | None:
        """Where the modes are, or None where counting them makes no sense."""
        return None

    def build(self, seed: int) -> Dataset:
        """Draw training and validation points; the same seed gives the same bits.

        Raises:
            SpecError: when the specification has too little to draw from, such as an empty drawing.
        """
        from gmstudio.data.drawn import draw

        return draw(self, seed)
