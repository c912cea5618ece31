"""The sets that scikit-learn brings along: there at once, without a network."""

from __future__ import annotations

from functools import lru_cache

from gmstudio.data.uci.catalogue import Entry
from gmstudio.data.uci.preparations import Prepared


@lru_cache(maxsize=4)
def load(entry: Entry) -> Prepared:
    """All measurements without the labels, in scikit-learn's order.

    Digits get the field's uniform noise below one grey value, always the same: some of their pixels are never inked,
    and a constant column has no density.
    """
    import numpy as np
    from sklearn import datasets

    loaders = {
        "iris": datasets.load_iris,
        "wine": datasets.load_wine,
        "breast cancer": datasets.load_breast_cancer,
        "digits": datasets.load_digits,
    }
    found = loaders[entry.name]()
    values = np.ascontiguousarray(found.data, dtype=np.float64)
    if entry.name == "digits":
        values = values + np.random.RandomState(0).random_sample(values.shape)
    values.setflags(write=False)
    return Prepared(values, tuple(map(str, found.feature_names)))
