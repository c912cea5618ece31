"""The sets that scikit-learn brings along: there at once, without a network."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from gmstudio.data.uci.catalogue import CATALOGUE, Entry
from gmstudio.data.uci.preparations import Prepared

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@lru_cache(maxsize=4)
def load(entry: Entry) -> Prepared:
    """All measurements without the labels, in scikit-learn's order.

    Digits get the field's uniform noise below one grey value, always the same: some of their pixels are never inked,
    and a constant column has no density.
    """
    import numpy as np

    columns, values = _found(entry)
    if entry.name == "digits":
        values = values + np.random.RandomState(0).random_sample(values.shape)
    values.setflags(write=False)
    return Prepared(values, columns)


def digits() -> NDArray[np.uint8]:
    """The digits as images, without noise: (1797, 8, 8), grey values from 0 to 16."""
    import numpy as np

    _, values = _found(CATALOGUE["digits"])
    return values.astype(np.uint8).reshape(-1, 8, 8)


def digit_labels() -> NDArray[np.int64]:
    """Which digit each of `digits` is: (1797,)."""
    import numpy as np
    from sklearn import datasets

    return np.asarray(datasets.load_digits().target, np.int64)


def _found(entry: Entry) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """The names of the columns, and the measurements."""
    import numpy as np
    from sklearn import datasets

    loaders = {
        "iris": datasets.load_iris,
        "wine": datasets.load_wine,
        "breast cancer": datasets.load_breast_cancer,
        "digits": datasets.load_digits,
    }
    found = loaders[entry.name]()
    return tuple(map(str, found.feature_names)), np.ascontiguousarray(found.data, dtype=np.float64)
