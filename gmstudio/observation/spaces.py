"""What is known of the columns of a data set, computed once, in float64."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.data.base import Dataset
from gmstudio.observation.frame import View
from gmstudio.observation.plane import F32, MOST_COLUMNS, Space, framing, names_of

#: Most training rows that panels get, and most numbers in them where there are many columns; the same of pictures.
MOST_DATA, MOST_NUMBERS = 20_000, 2_000_000
MOST_PICTURES, FEWEST_PICTURES = 2000, 500
#: Most numbers from which means, spreads and directions are computed where there are many columns, and of pictures.
MOST_MEASURED, MOST_MEASURED_OF_PICTURES = 8_000_000, 2_500_000
#: With more columns than this, principal directions are found by iterations on so many more vectors than two.
MOST_EXACT, MORE, ITERATIONS, SEED = 1024, 14, 6, 20_261


def kept_columns(dataset: Dataset) -> int:
    """How many columns frames and run infos keep: all of pictures, at most the first `MOST_COLUMNS` of tables."""
    return dataset.dim if dataset.picture is not None else min(dataset.dim, MOST_COLUMNS)


def rows_shown(dataset: Dataset) -> slice:
    """Which training rows panels get: the first in the plane, evenly spread ones of data of more columns.

    Points of the plane are drawn; rows of a table may come in any order.
    """
    if dataset.dim <= 2:
        return slice(MOST_DATA)
    fit = MOST_NUMBERS // kept_columns(dataset)
    if dataset.picture is not None:
        return _spread_out(len(dataset.train), min(MOST_PICTURES, max(FEWEST_PICTURES, fit)))
    return _spread_out(len(dataset.train), max(1000, min(MOST_DATA, fit)))


def shown_rows(dataset: Dataset) -> Tensor:
    """The training rows that panels get, (N, C): the columns that are kept of those of `rows_shown`."""
    return dataset.train[rows_shown(dataset), : kept_columns(dataset)]


def labels_shown(dataset: Dataset) -> NDArray[np.int64] | None:
    """(N,) the classes of the rows that panels get, -1 where one is not known; None where none is."""
    if dataset.labels is None:
        return None
    labels = np.array(dataset.labels[rows_shown(dataset)].cpu().numpy(), dtype=np.int64)
    labels.setflags(write=False)
    return labels


def _spread_out(count: int, most: int) -> slice:
    """At most so many of `count` rows, evenly spread."""
    return slice(0, None, max(1, -(-count // most)))


def space_of(dataset: Dataset) -> Space | None:
    """The space of a data set's columns; None for points of the plane.

    Means, spreads and principal directions are those of at most 20,000 training rows, evenly spread; the principal
    directions are those of the columns that are kept.  Pixels have one unit, and one spread for all of them: dots that
    are always black would else count as much as those that draw the picture.
    """
    dim = dataset.dim
    if dim <= 2:
        return None
    most = max(1000, min(MOST_DATA, (MOST_MEASURED if dataset.picture is None else MOST_MEASURED_OF_PICTURES) // dim))
    rows = dataset.train[_spread_out(len(dataset.train), most)].double().cpu()
    mean, spread = rows.mean(0), rows.std(0, correction=0)
    if dataset.picture is not None:
        spread = spread.square().mean().sqrt().expand(dim)
    spread = torch.where(spread > 1e-12 * mean.abs().clamp_min(1e-12), spread, torch.ones_like(spread))
    median = rows.median(0).values
    kept = kept_columns(dataset)
    principal = torch.zeros(2, dim, dtype=torch.float64)
    principal[:, :kept] = principal_directions(((rows - mean) / spread)[:, :kept])
    names = names_of(dataset.columns, kept)
    return Space(names, mean.numpy(), median.numpy(), spread.numpy(), principal.numpy(), dataset.log_volume)


def principal_directions(z: Tensor) -> Tensor:
    """The two directions of greatest variance of rows (N, C): (2, C), orthonormal, their largest entries positive.

    Of very many columns they are found by subspace iteration (Halko, Martinsson, Tropp, SIAM Review 2011, algorithm
    4.4), closely, and the same every time.
    """
    centred = z - z.mean(0)
    if centred.shape[1] <= MOST_EXACT:
        _, vectors = torch.linalg.eigh(centred.T @ centred)
        found: Tensor = vectors[:, -2:].flip(1).T
    else:
        start = torch.randn(2 + MORE, centred.shape[1], generator=torch.Generator().manual_seed(SEED), dtype=z.dtype)
        basis = torch.linalg.qr(start.T)[0]
        for _ in range(ITERATIONS):
            basis = torch.linalg.qr(centred.T @ (centred @ basis))[0]
        _, _, turned = torch.linalg.svd(centred @ basis, full_matrices=False)
        found = turned[:2] @ basis.T
    at = found.abs().argmax(1, keepdim=True)
    return torch.where(found.gather(1, at) < 0, -found, found)


def first_view(dataset: Dataset, view: View) -> View:
    """`view` where it suits the data; else on their first principal plane, or within their own bounds."""
    space = space_of(dataset)
    if space is None:
        return view if view.plane is None else View(dataset.bounds)
    if view.plane is not None and view.plane.dim == space.dim:
        return view
    plane = space.principal_plane()
    data: F32 = np.asarray(shown_rows(dataset).float().cpu().numpy())
    return replace(view, bounds=framing(plane.project(data)), probe=None, plane=plane)
