"""Whether a likelihood grows without limit while the samples get no better: manifold overfitting.

Loaiza-Ganem, Ross, Cresswell, Caterini, "Diagnosing and fixing manifold overfitting in deep generative models", TMLR
2022; Dai, Wipf, "Diagnosing and enhancing VAE models", ICLR 2019.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

State = Literal["quiet", "watch", "overfitting"]
#: Steps, rising, and the values at them.
Series = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the curves of one column say.

    Attributes:
        state: ``quiet``; ``watch``, one of the two signs; ``overfitting``, both.
        reason: the numbers behind it, in a sentence; empty where there is too little to judge.
    """

    state: State
    reason: str = ""


#: Title and statement of what is known of likelihoods on manifolds, a line each.
THEOREMS: tuple[tuple[str, str], ...] = ()


def verdict(series: Mapping[str, Series]) -> Verdict:
    """Judge one column of a run.

    Args:
        series: steps and values of its metrics, by their names in `gmstudio.observation.frame.METRICS`; of these
            ``train``, ``validation``, ``gamma``, ``sliced_wasserstein`` and ``mmd`` are looked at.
    """
    return Verdict("quiet")
