"""What panels draw: immutable float32 pictures of a run at one step, and where the newest of them waits."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.base import Bounds, Picture
from gmstudio.observation.plane import Plane, Space
from gmstudio.training.metric import Metric as Metric

F32 = NDArray[np.float32]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class View:
    """What panels ask to see.

    Attributes:
        bounds: left, right, bottom, top in the units of the data, or in those of the plane.
        grid: density points per side, at most 64 of them on a plane through images; 0 for no density.
        arrows: score vectors per side; 0 for none.
        samples: number of samples; 0 for none.
        batch: number of points of the mollified batch; 0 for none.
        probe: a point of the plane whose path through the layers is wanted, or None.
        plane: on which data of more than two columns are seen; None where the data are points of the plane.
        codes: of how many data points the posterior is wanted, and how many draws of the latent prior; 0 for none.
        rebuilt: how many data points are to be reconstructed; 0 for none.
        warp: lines per side of the decoded grid of the latent space; 0 for none.
        latent: which two latent axes that grid runs along; None for the two that say most of the data.
        neighbours: of how many samples the nearest training image is sought; 0 for none.
    """

    bounds: Bounds
    grid: int = 200
    arrows: int = 24
    samples: int = 5000
    batch: int = 512
    probe: tuple[float, float] | None = None
    plane: Plane | None = None
    codes: int = 1000
    rebuilt: int = 256
    warp: int = 21
    latent: tuple[int, int] | None = None
    neighbours: int = 64

    def points(self, side: int) -> F32:
        """The centres of a side x side grid over the bounds: (side * side, 2), bottom row first, x fastest."""
        left, right, bottom, top = self.bounds
        x = left + (np.arange(side) + 0.5) * (right - left) / side
        y = bottom + (np.arange(side) + 0.5) * (top - bottom) / side
        return np.stack(np.broadcast_arrays(x[None, :], y[:, None]), axis=-1).reshape(-1, 2).astype(np.float32)


@dataclass(frozen=True, slots=True)
class ColumnFrame:
    """One column of a frame, in the units of the data; a part that was not asked for or cannot be had is None.

    Attributes:
        log_density: (G, G) log-density in nats, row 0 at the bottom, G the view's grid, or fewer for images; on the
            view's plane, where it has one.
        score: (arrows, arrows, 2), row 0 at the bottom; along the view's plane and in its units, where it has one.
        samples: (samples, C), C all columns of images and up to 256 of tables; fewer rows where there are many columns.
        batch: (batch, C) mollified points of the step.
        path: (layers + 1, 2) of the probe, in the model's standardised units, data first; or None.
        outliers: (K, 3 + C) the rows with the lowest log-likelihood, lowest first: number of the row, 0 for a training
            row and 1 for a validation row, log-likelihood in nats, and the row itself.
        sigma2: the noise variance at this step.
        codes: (N, 3, L) of the first N rows of the run's data: means, log-variances and one draw each of the posterior
            q(z | x), of the first 256 latent dimensions; fewer rows where there are many of them.
        prior: (M, L) latent points from which samples are decoded: of N(0, I), or of a second stage.
        rebuilt: (N, C) reconstructions of the first N rows of the run's data.
        warp: (G, G, C) the decoded points of a square grid of the latent space, from -`WARP` to `WARP` along both
            axes, every other coordinate 0; the second axis' lowest line first, the first axis fastest.  Fewer lines
            than asked for where there are many columns, but an odd number.
        warp_axes: (2,) the two latent axes of that grid; twice the same where there is but one latent dimension, and
            then the grid is the same along its second direction.
        neighbours: (S, 1 + C): for each of the first S samples, the number of the nearest training row and the row.
    """

    log_density: F32 | None = None
    score: F32 | None = None
    samples: F32 | None = None
    batch: F32 | None = None
    path: F32 | None = None
    sigma2: float = 0.0
    outliers: F32 | None = None
    codes: F32 | None = None
    prior: F32 | None = None
    rebuilt: F32 | None = None
    warp: F32 | None = None
    warp_axes: F32 | None = None
    neighbours: F32 | None = None


#: How far the decoded grid of the latent space reaches, in standard deviations of the prior.
WARP = 2.5


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture of all columns at one step.

    Attributes:
        run: id of the run, so that what is stale can be dropped.
        step: the step whose weights are shown.
        view: what was asked for.
        columns: one for each column of the experiment.
        age: 0 when every part was computed with the weights of `step`; otherwise the steps since the oldest part.
        ages: of the parts that are older than `step`: the field of `ColumnFrame` and the steps since the oldest piece
            of it.
    """

    run: str
    step: int
    view: View
    columns: tuple[ColumnFrame, ...]
    age: int = 0
    ages: tuple[tuple[str, int], ...] = ()

    def age_of(self, *fields: str) -> int:
        """Steps since the oldest piece of these fields; 0 where they show the weights of `step`."""
        return max((age for field, age in self.ages if field in fields), default=0)


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of the data; on the same grids as a frame what is known exactly, None where nothing is.

    Attributes:
        view: the grids.
        log_density: (grid, grid) exact log-density in nats.
        score: (arrows, arrows, 2) exact score.
        baselines: titles and levels to compare likelihoods with, in nats: what simpler models and the truth reach on
            the validation points; empty as long as they are not found.
    """

    view: View
    log_density: F32 | None = None
    score: F32 | None = None
    baselines: tuple[tuple[str, float], ...] = ()


#: Name -> (title, unit, better): better is +1 where more is better, -1 where less is, 0 otherwise.
METRICS: dict[str, tuple[str, str, int]] = {
    "train": ("Training log-likelihood", "nats", 1),
    "validation": ("Validation log-likelihood", "nats", 1),
    "validation_sampled": ("Validation log-likelihood, 128 own draws a point", "nats", 1),
    "validation_sampled_error": ("Standard error of that by its draws", "nats", 0),
    "test": ("Test log-likelihood, last weights", "nats", 1),
    "test_best": ("Test log-likelihood, best validation", "nats", 1),
    "test_standardised": ("Test log-likelihood, last weights, standardised", "nats", 1),
    "test_best_standardised": ("Test log-likelihood, best validation, standardised", "nats", 1),
    "kl": ("KL(truth ‖ model)", "nats", -1),
    "fisher": ("Score error (Fisher divergence)", "", -1),
    "mmd": ("MMD²", "", -1),
    "sliced_wasserstein": ("Sliced Wasserstein distance", "", -1),
    "modes": ("Modes covered", "share", 1),
    "fid": ("FID", "", -1),
    "kid": ("KID", "", -1),
    "gamma": ("Decoder variance γ", "", 0),
    "divergence": ("KL(posterior ‖ prior)", "nats", 0),
    "active": ("Active latent dimensions", "", 0),
    "sigma2": ("Noise variance σ²", "", 0),
    "rate": ("Learning rate", "", 0),
}


class Mailbox(Generic[T]):
    """One slot between two threads: the newest wins, nobody waits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._value: T | None = None

    def put(self, value: T) -> None:
        """Leave a value; an older one that nobody took is dropped."""
        with self._lock:
            self._value = value

    def take(self) -> T | None:
        """The newest value since the last call, or None."""
        with self._lock:
            value, self._value = self._value, None
        return value


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What panels need to know of a run before its first frame; numpy only, kept in the project.

    Attributes:
        run: id of the run.
        titles: of the columns.
        steps: length of the training.
        device: where it trains, such as ``cpu`` or ``cuda:0``.
        data: (N, C) training points in the units of the data, at most 20,000 of them and 256 columns; at most 2000
            images, and all of their columns.
        bounds: the part of the plane to show at first.
        plans: (columns, steps) noise variance planned for every step; of a blur, how far it is, from 1 to 0.
        mode_centres: (K, 2), or None.
        manifold: name of the set on which the data lie, or an empty string.
        path_titles: names of the layers that a probe's path goes through; empty where the model has no path.
        space: the columns of data that have more than two; None for points of the plane.
        estimator: how log-densities are estimated, such as ``importance sampling, 32 draws``; empty where exact.
        pictured: the same of the pictures of densities and scores, where they take fewer draws; empty elsewhere.
        latent: dimensions of the model's latent space; 0 where it has none.
        picture: how the columns are the pixels of an image; None where they are not.
        labels: (N,) the class of each row of `data`, -1 where it has none; None where nothing is known of classes.
        label_names: of the classes; empty where nothing is known of them.
        features: in which features FID and KID are measured; empty where they are not.
        by: what each column is mollified by, ``noise`` or ``blur``; empty where all are by noise.
    """

    run: str
    titles: tuple[str, ...]
    steps: int
    device: str
    data: F32
    bounds: Bounds
    plans: NDArray[np.float64]
    mode_centres: F32 | None = None
    manifold: str = ""
    path_titles: tuple[str, ...] = ()
    space: Space | None = None
    estimator: str = ""
    pictured: str = ""
    latent: int = 0
    picture: Picture | None = None
    labels: NDArray[np.int64] | None = None
    label_names: tuple[str, ...] = ()
    features: str = ""
    by: tuple[str, ...] = ()

    @property
    def plane(self) -> Plane | None:
        """The plane to show at first."""
        return None if self.space is None else self.space.principal_plane()
