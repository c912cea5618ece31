"""What is known of the columns of a data set, computed once, in float64."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from gmstudio.data.base import Dataset
from gmstudio.observation.frame import View
from gmstudio.observation.plane import F32, MOST_COLUMNS, Space, framing, names_of

#: Most training rows that panels get, and most numbers in them where there are many columns.
MOST_DATA, MOST_NUMBERS = 20_000, 2_000_000
#: Most numbers from which means, spreads and directions are computed where there are many columns.
MOST_MEASURED = 8_000_000


def shown_rows(dataset: Dataset) -> Tensor:
    """The training rows that panels get, (N, C): the first in the plane, evenly spread ones of data of more columns.

    Points of the plane are drawn; rows of a table may come in any order.
    """
    if dataset.dim <= 2:
        return dataset.train[:MOST_DATA]
    kept = min(dataset.dim, MOST_COLUMNS)
    most = max(1000, min(MOST_DATA, MOST_NUMBERS // kept))
    return _spread_out(dataset.train, most)[:, :kept]


def _spread_out(rows: Tensor, most: int) -> Tensor:
    """At most so many of the rows, evenly spread."""
    return rows[:: max(1, -(-len(rows) // most))]


def space_of(dataset: Dataset) -> Space | None:
    """The space of a data set's columns; None for points of the plane.

    Means, spreads and principal directions are those of at most 20,000 training rows, evenly spread; the principal
    directions are those of the first 256 columns.
    """
    dim = dataset.dim
    if dim <= 2:
        return None
    rows = _spread_out(dataset.train, max(1000, min(MOST_DATA, MOST_MEASURED // dim))).double().cpu()
    mean, spread = rows.mean(0), rows.std(0, correction=0)
    spread = torch.where(spread > 1e-12 * mean.abs().clamp_min(1e-12), spread, torch.ones_like(spread))
    median = rows.median(0).values
    kept = min(dim, MOST_COLUMNS)
    principal = torch.zeros(2, dim, dtype=torch.float64)
    principal[:, :kept] = principal_directions(((rows - mean) / spread)[:, :kept])
    names = names_of(dataset.columns, kept)
    return Space(names, mean.numpy(), median.numpy(), spread.numpy(), principal.numpy(), dataset.log_volume)


def principal_directions(z: Tensor) -> Tensor:
    """The two directions of greatest variance of rows (N, C): (2, C), orthonormal, their largest entries positive."""
    centred = z - z.mean(0)
    _, vectors = torch.linalg.eigh(centred.T @ centred)
    found: Tensor = vectors[:, -2:].flip(1).T
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
    return View(framing(plane.project(data)), view.grid, view.arrows, view.samples, view.batch, probe=None, plane=plane)
