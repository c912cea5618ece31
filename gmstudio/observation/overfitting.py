"""Whether a likelihood grows without limit while the samples get no better: manifold overfitting.

Loaiza-Ganem, Ross, Cresswell, Caterini, "Diagnosing and fixing manifold overfitting in deep generative models", TMLR
2022; Dai, Wipf, "Diagnosing and enhancing VAE models", ICLR 2019.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

State = Literal["quiet", "watch", "overfitting"]
#: Steps, rising, and the values at them.
Series = tuple[NDArray[np.float64], NDArray[np.float64]]

#: Judged is the last half of the steps made so far, in so many parts, equally long in the logarithm of the step.
PARTS = 3
#: Fewest values in each of them, and fewest steps in all.
FEWEST, FEWEST_STEPS = 3, 200
#: A likelihood rises without end where it gains more nats than this for each column in a decade of steps, and in the
#: last part at least half of that.  On 4000 steps of two moons and eight Gaussians, flows gain 0.1 nats for each column
#: and autoencoders 0.35; on a circle 0.7 and more, as long as they are trained.
RISE = 0.5
#: A decoder's variance is small below this, in standardised units, and falls where a decade of steps divides it by more
#: than this.
SMALL, FALL = 1e-3, 1.25
#: Mollification above this variance that falls raises every likelihood: nothing can be told by the rise.
CLEAR = 0.01
CLEARING = "The mollification still falls, and the likelihood rises with it."
#: The distances of samples, their titles, and the share by which they have to fall, and by more than their noise, for
#: samples to get better; MMD² is a square.
DISTANCES = {"sliced_wasserstein": ("sliced Wasserstein distance", 0.1), "mmd": ("MMD²", 0.2)}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the curves of one column say.

    Attributes:
        state: ``quiet``; ``watch``, a likelihood that grows without end or a variance that goes to 0, while the samples
            still get better or nothing is known of them; ``overfitting``, the same while they do not.
        reason: the numbers behind it, in a sentence; empty where there is too little to judge.
    """

    state: State
    reason: str = ""


#: Title and statement of what is known of likelihoods on manifolds, a line each; r is the dimension of the data, d the
#: number of columns.
THEOREMS: tuple[tuple[str, str], ...] = (
    (
        "Manifold overfitting (Loaiza-Ganem et al. 2022, Theorem 1)",
        "Data on a manifold of fewer dimensions (r < d) have no density: a likelihood can grow without limit while "
        "the model's distribution on the manifold is wrong, whichever it is.",
    ),
    (
        "Full dimension (Dai & Wipf 2019, Theorem 2)",
        "With r = d and at least r latent dimensions, there are VAEs, however simple their Gaussians, whose bound "
        "becomes tight and whose density becomes that of the data.",
    ),
    (
        "On a manifold (Dai & Wipf 2019, Theorem 3)",
        "With r < d there are VAEs, too, that give every region its true probability in the limit; but the cost goes "
        "to -∞ as (d - r) log γ for others as well, so that it does not tell them apart.",
    ),
    (
        "The variance goes to 0 (Dai & Wipf 2019, Theorem 4)",
        "For every variance γ > 0 of the decoder, some smaller one has a better best VAE, unless the data are a "
        "Gaussian with r = d: learning γ drives it to 0.",
    ),
    (
        "Perfect reconstruction (Dai & Wipf 2019, Theorem 5)",
        "As γ goes to 0, the best VAE reconstructs every point exactly, whatever is drawn of its posterior: r latent "
        "dimensions are active, the others hold only noise of the prior.",
    ),
)


def verdict(series: Mapping[str, Series], dim: int = 2) -> Verdict:
    """Judge one column of a run.

    Args:
        series: steps and values of its metrics, by their names in `gmstudio.observation.frame.METRICS`; of these
            ``train``, ``validation``, ``gamma``, ``sigma2``, ``sliced_wasserstein`` and ``mmd`` are looked at.
        dim: columns of the data.
    """
    known = [steps for name in ("train", "gamma", "validation") if len(steps := series.get(name, _NOTHING)[0])]
    last = max((float(steps[-1]) for steps in known), default=0.0)
    if last < FEWEST_STEPS:
        return Verdict("quiet")
    parts = {name: found for name, one in series.items() if (found := _parts(one, last)) is not None}
    clearing = "sigma2" in parts and _clears(parts["sigma2"])
    sign = ("" if clearing else _rising(parts, RISE * dim)) or _vanishing(parts)
    if not sign:
        return Verdict("quiet", CLEARING if clearing else _at_rest(parts))
    if "validation" in parts and _falls(parts["validation"], 0.0):
        return Verdict("watch", f"{sign}, but that of the validation points falls: ordinary overfitting.")
    distances = {name: parts[name] for name in DISTANCES if name in parts}
    if not distances:
        return Verdict("watch", f"{sign}; of the samples nothing is known.")
    better = [name for name, found in distances.items() if _falls(found, DISTANCES[name][1])]
    name = next(iter(better or distances))
    told = f"the {DISTANCES[name][0]} went from {_middle(distances[name][0]):.3g} to {_middle(distances[name][-1]):.3g}"
    if better:
        return Verdict("watch", f"{sign}, and the samples get better: {told}.")
    noise = f"with a noise of {_noise(distances[name]):.2g}"
    return Verdict("overfitting", f"{sign}, but the samples get no better: {told}, {noise}.")


_NOTHING: Series = (np.empty(0), np.empty(0))
_Parts = list[NDArray[np.float64]]


def _parts(series: Series, last: float) -> _Parts | None:
    """The finite values in each part of the last half; None where there are too few."""
    steps, values = (np.asarray(one, dtype=np.float64) for one in series)
    edges = last * 2.0 ** (np.arange(PARTS + 1) / PARTS - 1)
    edges[-1] = np.inf
    kept = np.isfinite(values)
    found = [values[kept & (steps >= low) & (steps < high)] for low, high in pairwise(edges)]
    return found if min(map(len, found)) >= FEWEST else None


def _middle(values: NDArray[np.float64]) -> float:
    return float(np.median(values))


def _gain(parts: _Parts, first: int = 0) -> float:
    """By how much the values rise in a decade of steps, from one part to the last, by medians."""
    decades = (PARTS - 1 - first) * math.log10(2) / PARTS
    return (_middle(parts[-1]) - _middle(parts[first])) / decades


def _noise(parts: _Parts) -> float:
    """Standard deviation of the values about the medians of their parts, by their absolute deviations."""
    away = np.concatenate([np.abs(part - np.median(part)) for part in parts])
    return 1.4826 * float(np.median(away))


def _falls(parts: _Parts, share: float) -> bool:
    """Whether the values fall, from the first part to the last, by more than their noise and that share of them."""
    first, last = _middle(parts[0]), _middle(parts[-1])
    return first - last > max(_noise(parts), share * abs(first))


def _clears(sigma2: _Parts) -> bool:
    """Whether the batches have become clearer in the time that is judged."""
    return _middle(sigma2[0]) > max(CLEAR, 1.01 * _middle(sigma2[-1]))


def _rising(parts: Mapping[str, _Parts], rise: float) -> str:
    """What to say of a likelihood that rises without end; empty where it does not."""
    if "train" not in parts:
        return ""
    gain, lately = _gain(parts["train"]), _gain(parts["train"], PARTS - 2)
    if gain <= rise or lately <= rise / 2:
        return ""
    return f"The training likelihood gains {gain:.2g} nats a decade of steps"


def _vanishing(parts: Mapping[str, _Parts]) -> str:
    """What to say of a decoder's variance that goes to 0; empty where it does not."""
    if "gamma" not in parts:
        return ""
    logs = [np.log10(np.maximum(part, 1e-300)) for part in parts["gamma"]]
    level, fall = 10 ** _middle(logs[-1]), 10 ** -_gain(logs)
    if level >= SMALL or fall <= FALL:
        return ""
    return f"The decoder's variance γ is {level:.1g}, and a decade of steps divides it by {fall:.2g}"


def _at_rest(parts: Mapping[str, _Parts]) -> str:
    """What there is to say where nothing is wrong."""
    if "train" not in parts:
        return ""
    return f"The training likelihood gains {_gain(parts['train']):.2g} nats a decade of steps."
