"""The parts of a frame that show a latent space: codes, reconstructions and the decoded grid."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.data.base import Dataset
from gmstudio.observation.frame import F32, WARP, View
from gmstudio.observation.pace import Pace
from gmstudio.observation.parts import MOST_NUMBERS, SAMPLE_SEED, SLICES, Fields, Part, Sliced, Whole, fitting_of
from gmstudio.observation.shadow import Shadow, finite
from gmstudio.observation.spaces import kept_columns, rows_shown

#: Seed of the numbers by which codes are drawn.
CODE_SEED = 20_147
#: Latent dimensions that frames keep: the first so many; and the fewest codes, however many dimensions there are.
MOST_LATENT, FEWEST_CODES = 256, 250
#: Data points by which the axes of the decoded grid are chosen.
CHOOSING = 256
#: By how much more another axis must say of the data before it takes the place of one that is shown.
BETTER = 1.1
#: Most numbers of a decoded grid, and the fewest lines per side of one.
MOST_WARPED, FEWEST_LINES = 2 * MOST_NUMBERS, 9


def latent_parts(
    shadow: Shadow, dataset: Dataset, view: View, wants: frozenset[str], pace: Callable[[], Pace]
) -> Iterator[tuple[str, Callable[[View], object], Callable[[], Part]]]:
    """Name, what of a view it depends on, and maker of every part that is wanted and that the model can have."""
    if not shadow.latent:
        return
    if "codes" in wants and view.codes:
        yield "codes", lambda v: v.codes, lambda: CodesPart(shadow, view, dataset, pace())
    if "rebuilt" in wants and view.rebuilt:
        yield "rebuilt", lambda v: v.rebuilt, lambda: RebuiltPart(shadow, view, dataset, pace())
    if "warp" in wants and view.warp:
        yield "warp", lambda v: (v.warp, v.latent), lambda: WarpPart(shadow, view, dataset, pace())


class CodesPart(Sliced):
    """Where the posterior puts the first rows of the run's data, and where samples are decoded from."""

    names = ("codes", "prior")
    share = 0.1

    def __init__(self, shadow: Shadow, view: View, dataset: Dataset, pace: Pace) -> None:
        self._width = min(shadow.latent, MOST_LATENT)
        rows = min(view.codes, max(FEWEST_CODES, MOST_NUMBERS // self._width))
        super().__init__(shadow, rows, 4 * self._width, SLICES, pace)
        self._points = dataset.train[rows_shown(dataset)][:rows]
        self._noise = torch.randn(rows, shadow.draws, generator=torch.Generator().manual_seed(CODE_SEED))
        self._noise = self._noise.to(shadow.device)
        self._prior = shadow.noise(rows, SAMPLE_SEED)

    def _compute(self, rows: NDArray[np.int64]) -> F32:
        shadow, width = self._shadow, self._width
        values = np.zeros((shadow.members, len(rows), 4, width), dtype=np.float32)
        # There may be fewer data than points of the prior.
        known = rows < len(self._points)
        if known.any():
            at = torch.from_numpy(rows[known])
            values[:, known, :3] = finite(shadow.codes(self._points[at], self._noise[at])[..., :width])
        values[:, :, 3] = finite(shadow.latents(self._prior[torch.from_numpy(rows)])[..., :width])
        return values.reshape(shadow.members, len(rows), 4 * width)

    def _shaped(self) -> tuple[F32, ...]:
        values = self._values.reshape(*self._values.shape[:2], 4, self._width)
        return values[:, : len(self._points), :3], values[:, :, 3]


class RebuiltPart(Sliced):
    """Reconstructions of the first rows of the run's data."""

    names = ("rebuilt",)
    share = 0.06

    def __init__(self, shadow: Shadow, view: View, dataset: Dataset, pace: Pace) -> None:
        self._points = dataset.train[rows_shown(dataset)][: fitting_of(view.rebuilt, dataset)]
        self._width = kept_columns(dataset)
        super().__init__(shadow, len(self._points), self._width, SLICES, pace)

    def _compute(self, rows: NDArray[np.int64]) -> F32:
        return finite(self._shadow.rebuilt(self._points[torch.from_numpy(rows)])[..., : self._width])


class WarpPart(Whole):
    """The decoded grid of two latent axes.

    Unless a view names them, every member has its own: those whose mean KL(q(z_k | x) || N(0, 1)) over some training
    points is largest.  They stay until another axis says more by a tenth, so that the picture does not flicker.  With
    one latent dimension both are that one, and the second direction of the grid changes nothing.
    """

    names = ("warp", "warp_axes")
    share = 0.08

    def __init__(self, shadow: Shadow, view: View, dataset: Dataset, pace: Pace) -> None:
        super().__init__(pace)
        self._shadow = shadow
        self._width = kept_columns(dataset)
        self._side = lines(view.warp, self._width)
        self._asked = view.latent
        self._points = dataset.train[rows_shown(dataset)][:CHOOSING]
        self._axes: NDArray[np.int64] | None = None

    def refresh(self) -> Iterator[Pace]:
        step, side, members = self._shadow.step, self._side, self._shadow.members
        yield from self._choose()
        z = self._grid()
        values = np.empty((members, side * side, self._width), dtype=np.float32)
        for rows in self._pace.portions(side * side, members):
            values[:, rows] = finite(self._shadow.decode(z[:, rows])[..., : self._width])
            yield self._pace
        self._values = values.reshape(members, side, side, self._width)
        self._step = step
        self.changed = True

    def picture(self) -> Fields | None:
        if self._values is None or self._axes is None:
            return None
        return self._seal(self._values, self._axes.astype(np.float32))

    def _choose(self) -> Iterator[Pace]:
        """Find each member's axes."""
        last = min(self._shadow.latent, MOST_LATENT) - 1
        if self._asked is not None or not last:
            across, up = self._asked or (0, 0)
            self._axes = np.tile(np.array([min(across, last), min(up, last)]), (self._shadow.members, 1))
            return
        sums = np.zeros((self._shadow.members, last + 1))
        for rows in self._pace.portions(len(self._points), self._shadow.members):
            mean, log_variance = self._shadow.encode(self._points[rows])
            sums += finite(divergences(mean, log_variance).sum(1))[:, : last + 1]
            yield self._pace
        before = [None] * len(sums) if self._axes is None else list(self._axes)
        self._axes = np.array([chosen(one, kept) for one, kept in zip(sums, before, strict=True)])

    def _grid(self) -> Tensor:
        """The latent points (E, side * side, L), the first axis fastest."""
        assert self._axes is not None
        shadow, side = self._shadow, self._side
        along = torch.linspace(-WARP, WARP, side, device=shadow.device)
        z = torch.zeros(shadow.members, side, side, shadow.latent, device=shadow.device)
        for member, (across, up) in enumerate(self._axes.tolist()):
            z[member, :, :, up] = along[:, None]
            z[member, :, :, across] = along
        return z.reshape(shadow.members, side * side, shadow.latent)


def lines(wanted: int, width: int) -> int:
    """Lines per side of the decoded grid of `width` columns: fewer where there are many, but an odd number."""
    fit = max(FEWEST_LINES, int((MOST_WARPED // width) ** 0.5))
    return wanted if wanted <= fit else fit - 1 + fit % 2


def divergences(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, exp(log_variance)) || N(0, 1)) in nats of every coordinate."""
    return 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance)


def chosen(levels: NDArray[np.floating], before: NDArray[np.int64] | None) -> NDArray[np.int64]:
    """The two axes of highest level, highest first; those of before stay unless another has more by a tenth.

    Args:
        levels: (L,), at least two, not negative.
        before: (2,) the axes that are shown, or None.
    """
    if before is None:
        return np.argsort(-levels, kind="stable")[:2].astype(np.int64)
    axes = before.copy()
    for _ in range(2):
        others = np.setdiff1d(np.arange(len(levels)), axes)
        if not len(others):
            break
        weak, best = int(np.argmin(levels[axes])), int(others[np.argmax(levels[others])])
        if levels[best] <= BETTER * levels[axes[weak]]:
            break
        axes[weak] = best
    return axes
