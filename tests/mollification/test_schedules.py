"""Schedules against the paper's numbers, against its formula in plain terms, and against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import PchipInterpolator
from scipy.special import expit

from gmstudio import registry
from gmstudio.mollification.base import ScheduleSpec
from gmstudio.mollification.pchip import pchip
from gmstudio.mollification.schedules.curve import CurveSchedule, from_schedule
from gmstudio.mollification.schedules.families import Constant, Cosine, Linear, Off, Sigmoid
from gmstudio.registry import SpecError

U = np.linspace(0.0, 1.0, 1001)
EVERY = [c.spec for c in registry.components("schedule")]


def test_the_room_has_the_six_schedules() -> None:
    assert {c.name for c in registry.components("schedule")} == {
        "off",
        "constant",
        "linear",
        "cosine",
        "sigmoid",
        "curve",
    }


@pytest.mark.parametrize(("u", "gamma"), [(0.0, 1.0), (0.5, 0.188), (0.73, 0.059), (0.9, 0.015)])
def test_the_sigmoid_has_the_values_of_the_paper(u: float, gamma: float) -> None:
    assert Sigmoid().gamma(np.array(u)) == pytest.approx(gamma, abs=8e-4)


@pytest.mark.parametrize(
    "spec", [Sigmoid(), Sigmoid(tau=0.1), Sigmoid(tau=10.0), Sigmoid(start=-3.0, end=3.0), Sigmoid(start=1.0, end=2.0)]
)
def test_the_sigmoid_is_the_formula_of_the_paper(spec: Sigmoid) -> None:
    s, e, tau = spec.start, spec.end, spec.tau
    direct = (expit(e / tau) - expit((U * (e - s) + s) / tau)) / (expit(e / tau) - expit(s / tau))
    np.testing.assert_allclose(spec.gamma(U), np.clip(direct, 1e-9, 1.0), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("start", "end"), [(-20.0, -19.0), (19.0, 20.0), (-20.0, 20.0)])
@pytest.mark.parametrize("tau", [0.01, 100.0])
def test_the_sigmoid_is_finite_and_falls_where_the_plain_formula_is_0_by_0(
    start: float, end: float, tau: float
) -> None:
    gamma = Sigmoid(start=start, end=end, tau=tau).gamma(U)
    assert gamma[0] == 1.0
    assert gamma[-1] == 1e-9
    assert np.diff(gamma).max() <= 1e-12


def test_the_sigmoid_never_falls_below_the_smallest_variance_of_the_paper() -> None:
    assert Sigmoid().gamma(U).min() == 1e-9


def test_a_sigmoid_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(SpecError, match="larger than the start"):
        Sigmoid(start=3.0, end=0.0)


def test_linear_and_cosine_have_their_closed_forms() -> None:
    np.testing.assert_allclose(Linear().gamma(U), 1.0 - U, atol=1e-15)
    np.testing.assert_allclose(Cosine().gamma(U), (1.0 + np.cos(np.pi * U)) / 2.0, atol=1e-15)
    np.testing.assert_allclose(Cosine(tau=2.0).gamma(U), np.cos(np.pi * U / 2.0) ** 4, atol=1e-15)
    assert Cosine().gamma(np.array(1.0)) == 0.0


def test_constant_keeps_its_level_until_the_noise_ends() -> None:
    plan = Constant(sigma2=0.3, until=0.5).plan(10)
    assert plan.tolist() == [0.3] * 5 + [0.0] * 5


def test_off_has_no_noise_even_with_a_floor() -> None:
    assert Off(floor=0.5).plan(5).tolist() == [0.0] * 5
    assert Off().off
    assert not Linear().off


@pytest.mark.parametrize("cls", EVERY)
def test_every_schedule_stays_between_floor_and_one(cls: type[ScheduleSpec]) -> None:
    values = cls(floor=0.02, until=0.8).variance(U)
    low = 0.0 if cls is Off else 0.02
    assert values.shape == U.shape
    assert values.min() == low
    assert values.max() <= 1.0


def test_a_plan_per_step_is_gamma_of_the_fraction() -> None:
    assert Linear().plan(4).tolist() == [1.0, 0.75, 0.5, 0.25]


def test_a_plan_per_epoch_falls_once_per_epoch_and_never_ends_clean() -> None:
    assert Linear(per="epoch").plan(7, epoch=2).tolist() == [1.0, 1.0, 0.75, 0.75, 0.5, 0.5, 0.25]


def test_the_noise_ends_where_asked_and_the_floor_stays() -> None:
    plan = Linear(until=0.5, floor=0.1).plan(10)
    np.testing.assert_allclose(plan, [1.0, 0.8, 0.6, 0.4, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1])


@given(st.lists(st.tuples(st.floats(0.001, 1.0), st.floats(0.0, 1.0)), min_size=2, max_size=12))
def test_the_curve_agrees_with_scipy(pairs: list[tuple[float, float]]) -> None:
    x = np.cumsum([width for width, _ in pairs])
    y = np.array([value for _, value in pairs])
    at = np.linspace(x[0], x[-1], 203)
    np.testing.assert_allclose(pchip(x, y, at), PchipInterpolator(x, y)(at), rtol=1e-9, atol=1e-12)


def test_the_curve_goes_through_its_points_and_does_not_overshoot() -> None:
    spec = CurveSchedule(points=((0.0, 1.0), (0.1, 0.2), (0.7, 0.19), (1.0, 0.0)))
    for u, gamma in spec.points:
        assert spec.gamma(np.array(u)) == pytest.approx(gamma, abs=1e-15)
    assert (np.diff(spec.gamma(U)) <= 0.0).all()
    assert spec.decreasing


def test_a_curve_may_rise_and_says_so() -> None:
    spec = CurveSchedule(points=((0.0, 0.1), (0.5, 0.9), (1.0, 0.0)))
    assert not spec.decreasing
    assert spec.gamma(U).max() == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (((0.0, 1.0),), "has 1 points"),
        (tuple((i / 32, 0.5) for i in range(33)), "has 33 points"),
        (((0.0, 1.0), (0.5, 0.5)), "from fraction 0 to 0.5"),
        (((0.1, 1.0), (1.0, 0.5)), "from fraction 0.1"),
        (((0.0, 1.0), (0.5, 0.5), (0.5, 0.4), (1.0, 0.0)), "0.5 and then 0.5"),
        (((0.0, 1.0), (0.6, 0.5), (0.4, 0.4), (1.0, 0.0)), "0.6 and then 0.4"),
        (((0.0, 1.5), (1.0, 0.0)), "1.5"),
        (((0.0, float("nan")), (1.0, 0.0)), "nan"),
        (((0.0, 1.0), (float("nan"), 0.5), (1.0, 0.0)), "nan"),
        ("01", "not a list of pairs"),
    ],
)
def test_a_curve_that_is_none_is_refused_with_its_fault_named(points: object, message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        CurveSchedule(points=points)  # type: ignore[arg-type]
    assert caught.value.where == "points"
    assert caught.value.remedy


@pytest.mark.parametrize("spec", [Sigmoid(), Sigmoid(tau=0.1), Cosine(), Linear(), Constant(sigma2=0.4), Off()])
def test_a_schedule_becomes_a_curve_with_few_handles_that_follows_it(spec: ScheduleSpec) -> None:
    curve = from_schedule(spec.changed(until=0.7, floor=0.01, per="epoch"), 7)
    assert 2 <= len(curve.points) <= 7
    assert (curve.until, curve.floor, curve.per) == (0.7, 0.01, "epoch")
    assert np.abs(curve.gamma(U) - spec.gamma(U)).max() < 0.02


def test_a_line_needs_two_handles_only() -> None:
    assert from_schedule(Linear(), 9).points == ((0.0, 1.0), (1.0, 0.0))


def test_a_curve_with_few_handles_stays_as_it_is_and_one_with_many_is_thinned() -> None:
    few = CurveSchedule()
    assert from_schedule(few, 6) is few
    many = from_schedule(Sigmoid(tau=0.2), 20)
    thin = from_schedule(many, 5)
    assert len(thin.points) == 5
    assert np.abs(thin.gamma(U) - many.gamma(U)).max() < 0.05


@pytest.mark.parametrize("n", [1, 33])
def test_a_curve_of_too_few_or_too_many_handles_is_refused(n: int) -> None:
    with pytest.raises(SpecError, match="Use 2 to 32"):
        from_schedule(Sigmoid(), n)
