"""The verdict on a run's curves: on runs that were made, and on curves of known slopes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gmstudio.observation.overfitting import RISE, SMALL, THEOREMS, Series, verdict

#: Curves of runs of 4000 steps or 70 s with the usual settings: 4000 points of two moons and eight Gaussians, and 1000
#: on a circle; every run plain and mollified.
MEASURED = json.loads((Path(__file__).parent / "measured_curves.json").read_text())
STEPS = np.arange(0.0, 4001.0, 20.0)
LATER = STEPS >= 100


def measured(name: str, until: float = np.inf) -> dict[str, Series]:
    found = {}
    for metric, (steps, values) in MEASURED[name].items():
        kept = np.array(steps) <= until
        found[metric] = (np.array(steps, float)[kept], np.array(values, float)[kept])
    return found


def rising(nats: float, noise: float = 0.02, seed: int = 0) -> Series:
    """A likelihood that gains so many nats in a decade of steps."""
    steps = STEPS[LATER]
    return steps, nats * np.log10(steps) + noise * np.random.default_rng(seed).normal(size=len(steps))


def level(value: float, noise: float, slope: float = 0.0, seed: int = 1) -> Series:
    """A distance about a value, which changes by so much in a decade of steps."""
    steps = STEPS[LATER]
    drawn = np.random.default_rng(seed).normal(size=len(steps))
    return steps, value + slope * np.log10(steps / 4000) + noise * drawn


@pytest.mark.parametrize("name", [name for name in MEASURED if "circle" not in name])
@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.75, 1.0])
def test_no_run_on_data_that_fill_the_plane_is_called_overfitting(name: str, share: float) -> None:
    curves = measured(name)
    last = max(steps[-1] for steps, _ in curves.values())
    found = verdict(measured(name, share * last))
    assert found.state != "overfitting", found.reason
    if "vanilla" in name:
        assert found.state == "quiet", found.reason


@pytest.mark.parametrize("name", ["vae-circle, vanilla", "spline-circle, vanilla"])
def test_an_autoencoder_and_a_flow_on_a_circle_are(name: str) -> None:
    found = verdict(measured(name))
    assert found.state == "overfitting"
    assert "nats a decade of steps" in found.reason and "sliced Wasserstein distance went from" in found.reason


def test_a_likelihood_that_grows_while_samples_stall_is_overfitting_and_says_by_how_much() -> None:
    found = verdict({"train": rising(1.5, noise=0.0), "sliced_wasserstein": level(0.05, 0.004)})
    assert found.state == "overfitting" and found.reason.startswith("The training likelihood gains 1.5 nats a decade")


def test_while_samples_get_better_it_is_watched() -> None:
    better = level(0.05, 0.004, slope=-0.1)
    found = verdict({"train": rising(1.5), "sliced_wasserstein": better, "mmd": level(0.001, 0.001)})
    assert found.state == "watch" and "the samples get better" in found.reason
    assert verdict({"train": rising(1.5)}).state == "watch", "of the samples nothing is known"


def test_a_likelihood_that_rises_as_the_noise_falls_is_no_sign() -> None:
    steps = STEPS[LATER]
    curves = {"train": rising(6.0), "sliced_wasserstein": level(0.08, 0.004)}
    falling, gone, constant = 1 - steps / 4000, np.where(steps < 1900, 0.5, 0.0), np.full(len(steps), 0.3)
    assert verdict({**curves, "sigma2": (steps, falling)}).state == "quiet"
    assert "still falls" in verdict({**curves, "sigma2": (steps, falling)}).reason
    assert verdict({**curves, "sigma2": (steps, gone)}).state == "overfitting"
    assert verdict({**curves, "sigma2": (steps, constant)}).state == "overfitting"


def test_a_likelihood_that_has_arrived_is_quiet() -> None:
    found = verdict({"train": rising(0.3, noise=0.0), "sliced_wasserstein": level(0.05, 0.004)})
    assert found.state == "quiet" and "gains 0.3" in found.reason
    steps = STEPS[LATER]
    arrived = (steps, np.where(steps < 2500, 5 * np.log10(steps / 2500), 0.0))
    assert verdict({"train": arrived, "sliced_wasserstein": level(0.05, 0.004)}).state == "quiet", "it rises no more"


def test_what_counts_as_rising_grows_with_the_number_of_columns() -> None:
    curves = {"train": rising(5 * RISE), "sliced_wasserstein": level(0.05, 0.004)}
    assert verdict(curves, dim=4).state == "overfitting" and verdict(curves, dim=6).state == "quiet"


def test_a_validation_likelihood_that_falls_is_ordinary_overfitting() -> None:
    curves = {"train": rising(1.5), "validation": rising(-1.0), "sliced_wasserstein": level(0.05, 0.004)}
    found = verdict(curves)
    assert found.state == "watch" and "ordinary overfitting" in found.reason


def test_a_variance_that_goes_to_nothing_is_a_sign_of_its_own() -> None:
    steps = STEPS[LATER]
    quiet = {"train": rising(0.1), "mmd": level(0.002, 0.0005)}
    falling = (steps, 0.1 * SMALL * (steps / 4000.0) ** -1.0)
    found = verdict({**quiet, "gamma": falling})
    assert found.state == "overfitting" and found.reason.startswith("The decoder's variance γ is 0.0001")
    resting = (steps, np.full(len(steps), 0.1 * SMALL))
    large = (steps, 10 * SMALL * (steps / 4000.0) ** -1.0)
    assert verdict({**quiet, "gamma": resting}).state == "quiet" and verdict({**quiet, "gamma": large}).state == "quiet"


def test_spikes_and_what_is_not_finite_change_nothing() -> None:
    steps, values = rising(1.5)
    spoiled = values.copy()
    spoiled[::17], spoiled[5::19] = -1e6, np.nan
    curves = {"train": (steps, spoiled), "sliced_wasserstein": level(0.05, 0.004)}
    assert verdict(curves).state == "overfitting"


def test_a_run_of_which_little_is_known_is_quiet() -> None:
    assert verdict({}).state == "quiet"
    few = {name: (steps[:5], values[:5]) for name, (steps, values) in {"train": rising(9.0)}.items()}
    assert verdict(few) == verdict({}) and not verdict(few).reason
    assert verdict({"train": (np.empty(0), np.empty(0))}).state == "quiet"


def test_there_are_five_statements_of_a_line_each() -> None:
    assert len(THEOREMS) == 5
    assert all(title and statement.endswith(".") and "\n" not in statement for title, statement in THEOREMS)
