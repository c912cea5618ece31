"""The parts of a frame, each computed in chunks and kept until it is fresher."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.data.base import Dataset
from gmstudio.observation.frame import F32, View
from gmstudio.observation.interlace import InterlacedGrid
from gmstudio.observation.pace import Pace
from gmstudio.observation.plane import MOST_COLUMNS
from gmstudio.observation.shadow import Shadow, finite, sealed
from gmstudio.observation.spaces import kept_columns

if TYPE_CHECKING:
    from gmstudio.training.trainer import Trainer

#: Seed of the samples' base noise: the same for every run, so that columns and runs can be compared.
SAMPLE_SEED = 20_231
#: Slices in which samples are refreshed.
SLICES = 8
#: Most numbers of samples, and of a batch, that a frame keeps of one column of the experiment, and fewest rows.
MOST_NUMBERS, FEWEST, FEWEST_PICTURES = 128_000, 256, 64
#: Most training and validation rows, evenly spread, among which outliers are sought, and how many are listed.
MOST_ROWS, OUTLIERS = (50_000, 20_000), 100


#: Names of fields of `gmstudio.observation.frame.ColumnFrame`, and for each one array for each column.
Fields = dict[str, list[F32]]


class Part(Protocol):
    """Something that a frame shows.

    Attributes:
        share: of the time of observing, relative to the other parts that are wanted.
        changed: whether it was refreshed since `picture`.
    """

    share: float
    changed: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The fields of a frame's columns that it fills."""

    def fresh(self, step: int) -> bool:
        """Whether all of it was computed with the weights of `step`."""

    def refresh(self) -> Iterator[Pace]:
        """Compute the next piece of it, in chunks."""

    @property
    def oldest(self) -> int:
        """The step of its oldest piece; -1 while one was never computed."""

    @property
    def newest(self) -> int:
        """The step of the newest piece that is shown; -1 while nothing is."""

    def picture(self) -> Fields | None:
        """Immutable arrays; None while there is nothing to show."""


def fitting(rows: int, dim: int, picture: bool = False) -> int:
    """How many of `rows` rows of `dim` columns a frame keeps: all of them in the plane, a few where they are pictures.

    Tables have at most `MOST_COLUMNS` columns in frames.
    """
    if dim <= 2:
        return rows
    return min(rows, max(FEWEST_PICTURES, MOST_NUMBERS // dim) if picture else _of_table(dim))


def _of_table(dim: int) -> int:
    return max(FEWEST, MOST_NUMBERS // min(dim, MOST_COLUMNS))


def fitting_of(rows: int, dataset: Dataset) -> int:
    """How many of `rows` rows of a data set a frame keeps."""
    return fitting(rows, dataset.dim, dataset.picture is not None)


class Kept:
    """Keeps the immutable copies until the next change, so that a panel may skip what is the same object."""

    changed = False
    #: The fields that it fills.
    names: tuple[str, ...] = ()
    _pictures: Fields | None = None
    _gathered: F32 | None = None

    def _buffer(self, *shape: int) -> F32:
        """Where the chunks of a piece are gathered; the same memory from piece to piece."""
        if self._gathered is None or self._gathered.shape != shape:
            self._gathered = np.empty(shape, dtype=np.float32)
        return self._gathered

    def _seal(self, *values: F32) -> Fields:
        if self.changed or self._pictures is None:
            self._pictures = {
                name: [sealed(one) for one in field] for name, field in zip(self.names, values, strict=True)
            }
            self.changed = False
        return self._pictures


class DensityPart(Kept):
    """The log-density on a grid of `side` points a side, in interleaved passes."""

    names = ("log_density",)
    share = 0.6

    def __init__(self, shadow: Shadow, view: View, side: int, pace: Pace) -> None:
        self._shadow = shadow
        self._pace = pace
        self._points = shadow.tensor(view.points(side))
        self._sheet = shadow.sheet(view.plane)
        self.grid = InterlacedGrid(shadow.members, side)

    def fresh(self, step: int) -> bool:
        return self.grid.due(step) is None

    def refresh(self) -> Iterator[Pace]:
        step = self._shadow.step
        index = self.grid.due(step)
        if index is None:
            return
        pixels = self.grid.pixels(index)
        points = self._points[pixels]
        values = self._buffer(self._shadow.members, len(pixels))
        for rows in self._pace.portions(len(pixels), self._shadow.members):
            with self._shadow.coarsely():
                values[:, rows] = self._shadow.density_picture(self._sheet.rows(points[rows]))
            yield self._pace
        self.grid.put(index, values, step)
        self.changed = True

    @property
    def oldest(self) -> int:
        return self.grid.oldest

    @property
    def newest(self) -> int:
        return int(self.grid.steps.max())

    def picture(self) -> Fields | None:
        return self._seal(self.grid.values) if self.grid.shown else None


class Sliced(Kept):
    """Rows that are refreshed in interleaved slices; shown once all of them are there."""

    def __init__(self, shadow: Shadow, rows: int, width: int, slices: int, pace: Pace) -> None:
        self._shadow = shadow
        self._pace = pace
        self._values: F32 = np.zeros((shadow.members, rows, width), dtype=np.float32)
        self._steps: NDArray[np.int64] = np.full(min(slices, rows), -1, dtype=np.int64)
        self._next = 0

    def fresh(self, step: int) -> bool:
        return bool((self._steps == step).all())

    def refresh(self) -> Iterator[Pace]:
        step, count = self._shadow.step, len(self._steps)
        due = [i % count for i in range(self._next, self._next + count) if self._steps[i % count] != step]
        if not due:
            return
        rows = np.arange(due[0], self._values.shape[1], count)
        fresh = self._buffer(self._shadow.members, len(rows), self._values.shape[2])
        for portion in self._pace.portions(len(rows), self._shadow.members):
            fresh[:, portion] = self._compute(rows[portion])
            yield self._pace
        self._values[:, rows] = fresh
        self._steps[due[0]] = step
        self._next = (due[0] + 1) % count
        self.changed = True

    def _compute(self, rows: NDArray[np.int64]) -> F32:
        raise NotImplementedError

    @property
    def oldest(self) -> int:
        return int(self._steps.min())

    @property
    def newest(self) -> int:
        # Some slices alone are not shown: they must not rank behind what is.
        return int(self._steps.max()) if (self._steps >= 0).all() else -1

    def picture(self) -> Fields | None:
        return self._seal(*self._shaped()) if (self._steps >= 0).all() else None

    def _shaped(self) -> tuple[F32, ...]:
        """What the fields are filled with, each (E, …)."""
        return (self._values,)


class ScorePart(Sliced):
    """Score vectors on a grid."""

    names = ("score",)
    share = 0.12

    def __init__(self, shadow: Shadow, view: View, pace: Pace) -> None:
        super().__init__(shadow, view.arrows**2, 2, 1, pace)
        self._points = shadow.tensor(view.points(view.arrows))
        self._sheet = shadow.sheet(view.plane)
        self._side = view.arrows

    def _compute(self, rows: NDArray[np.int64]) -> F32:
        with self._shadow.coarsely():
            return finite(self._sheet.along(self._shadow.score(self._sheet.rows(self._points[rows]))))

    def _shaped(self) -> tuple[F32, ...]:
        return (self._values.reshape(-1, self._side, self._side, 2),)


class SamplesPart(Sliced):
    """Samples from fixed noise: they move as the weights move."""

    names = ("samples",)
    share = 0.2

    def __init__(self, shadow: Shadow, view: View, dataset: Dataset, pace: Pace) -> None:
        rows, self._width = fitting_of(view.samples, dataset), kept_columns(dataset)
        super().__init__(shadow, rows, self._width, SLICES, pace)
        self._noise = shadow.noise(rows, SAMPLE_SEED)

    def _compute(self, rows: NDArray[np.int64]) -> F32:
        return self._shadow.sample_picture(self._noise[rows])[..., : self._width]


class OutlierPart(Sliced):
    """The rows with the lowest log-likelihood, among at most `MOST_ROWS` training and validation rows."""

    names = ("outliers",)
    share = 0.15

    def __init__(self, shadow: Shadow, dataset: Dataset, pace: Pace) -> None:
        self._sets = (dataset.train, dataset.validation)
        self._rows = [
            np.arange(0, len(one), -(-len(one) // most)) for one, most in zip(self._sets, MOST_ROWS, strict=True)
        ]
        self._width = kept_columns(dataset)
        super().__init__(shadow, sum(map(len, self._rows)), 1, SLICES, pace)

    def _compute(self, rows: NDArray[np.int64]) -> F32:
        first = len(self._rows[0])
        shares = (rows[rows < first], rows[rows >= first] - first)
        points = [
            one[torch.from_numpy(kept[at])]
            for one, kept, at in zip(self._sets, self._rows, shares, strict=True)
            if len(at)
        ]
        return self._shadow.density_picture(torch.cat(points).to(self._shadow.device))[..., None]

    def _shaped(self) -> tuple[F32, ...]:
        levels = self._values[..., 0]
        most = min(OUTLIERS, levels.shape[1])
        lowest = np.argpartition(levels, most - 1, axis=1)[:, :most]
        order = np.take_along_axis(levels, lowest, axis=1).argsort(axis=1, kind="stable")
        lowest = np.take_along_axis(lowest, order, axis=1)
        return (np.stack([self._listed(at, values) for at, values in zip(lowest, levels, strict=True)]),)

    def _listed(self, at: NDArray[np.int64], levels: F32) -> F32:
        """One line for each of the rows `at`: number, set, log-likelihood, and the row itself."""
        first = len(self._rows[0])
        held = at >= first
        numbers = np.concatenate(self._rows)[at]
        listed = np.empty((len(at), 3 + self._width), dtype=np.float32)
        listed[:, 0], listed[:, 1], listed[:, 2] = numbers, held, levels[at]
        for one, mine in zip(self._sets, (~held, held), strict=True):
            listed[mine, 3:] = one[torch.from_numpy(numbers[mine]), : self._width].float().cpu().numpy()
        return listed


class Whole(Kept):
    """A part that is shown as it was at one step, all of it."""

    _step = -1
    _values: F32 | None = None

    def __init__(self, pace: Pace | None = None) -> None:
        self._pace = pace or Pace()

    def fresh(self, step: int) -> bool:
        return self._step == step

    @property
    def oldest(self) -> int:
        return self._step

    @property
    def newest(self) -> int:
        return self._step

    def picture(self) -> Fields | None:
        return None if self._values is None else self._seal(self._values)


class BatchPart(Whole):
    """The first training points, mollified as at this step."""

    names = ("batch",)
    share = 0.05

    def __init__(self, trainer: Trainer, view: View) -> None:
        super().__init__()
        self._trainer = trainer
        self._size, self._width = fitting_of(view.batch, trainer.dataset), kept_columns(trainer.dataset)

    def refresh(self) -> Iterator[Pace]:
        self._step = self._trainer.step
        self._values = finite(self._trainer.batch(self._size)[..., : self._width])
        self.changed = True
        yield self._pace


class PathPart(Whole):
    """The way of the probe through the layers."""

    names = ("path",)
    share = 0.08

    def __init__(self, shadow: Shadow, point: tuple[float, float]) -> None:
        super().__init__()
        self._shadow = shadow
        self._point = point

    def refresh(self) -> Iterator[Pace]:
        self._step = self._shadow.step
        self._values = self._shadow.path(self._point)
        self.changed = True
        yield self._pace
