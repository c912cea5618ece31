"""Sentences for people who cannot see the pictures."""

from __future__ import annotations

import numpy as np

from gmstudio.observation import summary
from gmstudio.observation.frame import ColumnFrame, Frame, Metric, Truth, View

VIEW = View(bounds=(-4.0, 4.0, -4.0, 4.0), grid=81, arrows=9)


def gaussian(at: tuple[float, float], sd: float = 0.5) -> np.ndarray:
    points = VIEW.points(81).astype(np.float64)
    squares = ((points - at) ** 2).sum(-1) / sd**2
    return (-0.5 * squares - np.log(2 * np.pi * sd**2)).reshape(81, 81).astype("f4")


def test_a_density_is_told_by_its_peak_and_its_mass() -> None:
    text = summary.density_summary(gaussian((0.49, 1.19)), VIEW)
    assert "peaks at (0.49, 1.2) with -0.5 nats" in text and "100 % of its mass is in view" in text


def test_a_density_beyond_the_view_is_told_as_such() -> None:
    assert "50 % of its mass" in summary.density_summary(gaussian((4.0, 0.0)), VIEW)


def test_scores_are_compared_with_the_truth_where_it_is_known() -> None:
    truth = -VIEW.points(9).reshape(9, 9, 2)
    turned = np.stack([-truth[..., 1], truth[..., 0]], axis=-1)
    assert summary.score_summary(truth, truth).startswith("score off by 0° in the median, by more than 90° at 0 %")
    assert summary.score_summary(-truth, truth).startswith("score off by 180°")
    assert "90° in the median" in summary.score_summary(turned, truth)
    assert "median length" in summary.score_summary(truth, None)


def test_a_frame_names_its_step_and_columns() -> None:
    samples = np.tile(np.array([[0.0, 1.0], [0.0, 9.0]], dtype="f4"), (10, 1))
    columns = (ColumnFrame(log_density=gaussian((1.0, 1.0)), sigma2=0.25), ColumnFrame(samples=samples))
    text = summary.frame_summary(Frame("r", 1200, VIEW, columns), ("Vanilla", "Mollified"), Truth(VIEW))
    assert text.startswith("Step 1,200. Vanilla: density peaks at (0.99, 0.99)")
    assert "noise variance 0.25" in text
    assert "Mollified: 20 samples around (0, 5) with deviations 0 and 4, 50 % in view." in text


def test_an_empty_frame_is_its_step_alone() -> None:
    assert summary.frame_summary(Frame("r", 3, VIEW, (ColumnFrame(),)), ("Vanilla",)) == "Step 3."


def test_metrics_are_told_by_their_last_values_and_who_is_better() -> None:
    metrics = [
        Metric(1, 0, "kl", 9.0),
        Metric(2, 0, "kl", 0.25),
        Metric(2, 1, "kl", 0.125),
        Metric(2, 0, "modes", 0.93),
    ]
    text = summary.metrics_summary(metrics, ("Vanilla", "Mollified"))
    assert "KL(truth ‖ model): Vanilla 0.25 nats, Mollified 0.125 nats; Mollified is better." in text
    assert "Modes covered: Vanilla 93 %." in text


def test_more_is_better_for_likelihoods_and_nothing_for_rates() -> None:
    metrics = [Metric(1, c, name, float(c)) for name in ("validation", "rate") for c in range(3)]
    text = summary.metrics_summary(metrics, ("a", "b", "c"))
    assert "Validation log-likelihood: a 0 nats, b 1 nats, c 2 nats; c is best." in text
    assert "Learning rate: a 0, b 1, c 2." in text
