"""The observer: honest pictures, kept budgets, untouched training."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from gmstudio.observation.frame import Frame, View
from gmstudio.observation.observer import ALL_PARTS, Observer
from gmstudio.observation.pace import Pace


def observer_of(stand_in: Any, view: View, clock: Any, wants: frozenset[str] = ALL_PARTS) -> Observer:
    return Observer("r1", stand_in, view, wants, clock=clock)


def direct(stand_in: Any, view: View) -> dict[str, np.ndarray]:
    """Every part of a frame, computed in one go by formulas of the test's own."""
    model = copy.deepcopy(stand_in.model).eval()
    data = stand_in.dataset
    points = torch.from_numpy(view.points(view.grid))
    arrows = torch.from_numpy(view.points(view.arrows))
    with torch.no_grad():
        log_density = model.log_prob(((points - data.shift) / data.scale).expand(2, -1, -1)) - data.log_volume
        z = (arrows - data.shift) / data.scale - model.mean[:, None]
        score = -z / (2 * model.log_sd).exp()[:, None, None] / data.scale
    return {
        "log_density": log_density.reshape(2, view.grid, view.grid).numpy(),
        "score": score.reshape(2, view.arrows, view.arrows, 2).numpy(),
    }


def test_a_complete_frame_equals_direct_evaluation(stand_in: Any, view: View, clock: Any) -> None:
    observer = observer_of(stand_in, view, clock)
    stand_in.advance(3)
    observer.work(1e-4)
    stand_in.advance(4)
    frame = observer.complete()
    expected = direct(stand_in, view)
    for index, column in enumerate(frame.columns):
        assert column.log_density is not None and column.score is not None
        assert np.array_equal(column.log_density, expected["log_density"][index]), "bit for bit"
        assert np.allclose(column.score, expected["score"][index], atol=1e-6)
    assert (frame.run, frame.step, frame.age, frame.view) == ("r1", 7, 0, view)


def test_samples_batch_path_and_noise_are_in_their_units(stand_in: Any, view: View, clock: Any) -> None:
    frame = observer_of(stand_in, view, clock).complete()
    data, model = stand_in.dataset, stand_in.model
    for index, column in enumerate(frame.columns):
        assert column.samples is not None and column.samples.shape == (64, 2)
        standard = (column.samples - data.shift.numpy()) / 2.0 - model.mean[index].detach().numpy()
        assert np.abs(standard.mean(axis=0)).max() < 0.5 and 0.7 < standard.std() < 1.3
        assert column.batch is not None and np.array_equal(column.batch, data.train[:16].numpy())
        assert column.path is not None
        assert np.allclose(column.path[0], (np.array([0.5, 1.0]) - [0.5, -0.25]) / 2.0), "the probe, standardised"
        assert column.path.shape == (2, 2)
        assert column.sigma2 == stand_in.plans[index, 0]


def test_arrays_are_immutable_and_kept_while_they_are_the_same(stand_in: Any, view: View, clock: Any) -> None:
    observer = observer_of(stand_in, view, clock)
    first = observer.complete()
    for column in first.columns:
        for array in (column.log_density, column.score, column.samples, column.batch, column.path):
            assert array is not None and array.dtype == np.float32 and array.flags.c_contiguous
            with pytest.raises(ValueError):
                array[:] = 0
    assert observer.complete().columns[0].log_density is first.columns[0].log_density
    stand_in.advance(1)
    before = first.columns[0].log_density.copy()  # type: ignore[union-attr]
    assert observer.complete().columns[0].log_density is not first.columns[0].log_density
    assert np.array_equal(first.columns[0].log_density, before)  # type: ignore[arg-type]


def test_the_budget_bounds_the_chunks(stand_in: Any, view: View, clock: Any) -> None:
    observer = observer_of(stand_in, replace(view, grid=200, samples=5000), clock)
    clock.per_row = 2e-6
    for budget in (0.001, 0.01, 0.03):
        clock.chunks.clear()
        began = clock.now
        spent = observer.work(budget)
        assert spent == pytest.approx(clock.now - began)
        longest = max(rows for _, rows in clock.chunks) * clock.per_row
        assert budget <= spent < budget + longest, "it stops with the first chunk that ends beyond the budget"
        assert longest <= 2048 * clock.per_row + 1e-9


def test_chunks_adapt_to_a_slow_model(stand_in: Any, view: View, clock: Any) -> None:
    observer = observer_of(stand_in, replace(view, grid=200), clock, frozenset({"log_density"}))
    clock.per_row = 2e-5
    # Long enough for the truth and the first metrics, which come before most of the picture.
    observer.work(2.0)
    clock.chunks.clear()
    observer.work(0.2)
    longest = max(rows for what, rows in clock.chunks if what == "log_prob") * clock.per_row
    assert Pace().target / 2 < longest <= Pace().target


def test_nothing_is_computed_for_parts_that_are_not_wanted(make: Any, clock: Any, view: View) -> None:
    stand_in = make(clock=clock, exact=False)
    observer = observer_of(stand_in, view, clock, frozenset({"samples"}))
    observer._meters.round = lambda: iter(())  # type: ignore[method-assign]
    observer.ask(view, frozenset({"samples"}))
    observer.complete()
    assert {what for what, _ in clock.chunks} == {"sample"}
    frame = observer.complete()
    column = frame.columns[0]
    assert column.samples is not None
    assert (column.log_density, column.score, column.batch, column.path) == (None,) * 4


def test_work_ends_when_everything_is_fresh(stand_in: Any, view: View, clock: Any) -> None:
    observer = observer_of(stand_in, view, clock)
    assert observer.work(1000.0) < 10.0
    clock.chunks.clear()
    assert observer.work(1000.0) == 0.0 and not clock.chunks
    frame = observer.frame()
    assert frame is not None and frame.age == 0
    assert observer.frame() is None, "nothing is new"
    stand_in.advance(1)
    observer.work(1e-5)
    assert observer.frame() is not None


def test_parts_of_which_too_little_is_there_make_no_frame(make: Any, view: View, clock: Any) -> None:
    observer = observer_of(make(clock=clock, exact=False), view, clock, frozenset({"samples", "batch"}))
    while observer.frame() is None:
        observer.work(1e-6)
    assert observer.frame() is None, "once the batch is shown, some of the samples are nothing new"
    observer.settle(1e-6)
    assert observer.frame() is None
    observer.settle(1.0)
    frame = observer.frame()
    assert frame is not None and frame.columns[0].samples is not None


def test_settling_computes_pictures_alone_a_little_at_a_time(stand_in: Any, view: View, clock: Any) -> None:
    observer = observer_of(stand_in, view, clock)
    observer.work(1e-4)
    stand_in.advance(3)
    times = 1
    while not observer.settle(1e-4):
        times += 1
    assert times > 3
    frame, expected = observer.frame(), direct(stand_in, view)
    assert frame is not None and (frame.step, frame.age) == (3, 0)
    for index, column in enumerate(frame.columns):
        assert column.log_density is not None and np.array_equal(column.log_density, expected["log_density"][index])
    assert not observer.drain() and observer.new_truth() is None and not observer.idle
    assert observer.settle(0.0) and observer.frame() is None


def test_before_numbers_every_picture_is_there_to_be_shown(stand_in: Any, view: View, clock: Any) -> None:
    observer = observer_of(stand_in, view, clock)
    stand_in.advance(1)
    while "truth" not in [what for what, _ in clock.chunks]:
        observer.work(1e-6)
    frame = observer.frame()
    assert frame is not None
    column = frame.columns[0]
    assert column.log_density is not None and column.samples is not None and column.score is not None


def test_pictures_that_show_nothing_new_since_they_were_asked_for_come_before_numbers(
    stand_in: Any, view: View, clock: Any
) -> None:
    observer = observer_of(stand_in, view, clock)
    observer.complete()
    stand_in.advance(1)
    clock.chunks.clear()
    observer.work(2e-4)
    done = [what for what, _ in clock.chunks]
    assert "truth" in done, "it goes on to what is not urgent"
    before = done[: done.index("truth")]
    assert {"log_prob", "sample", "path"} <= set(before), "one piece of every picture"
    assert sum(count for what, count in clock.chunks if what == "log_prob") < 2 * view.grid**2


def test_the_age_is_that_of_the_oldest_part(stand_in: Any, view: View, clock: Any) -> None:
    observer = observer_of(stand_in, replace(view, grid=100), clock)
    stand_in.advance(10)
    observer.complete()
    stand_in.advance(5)
    observer.work(2e-3)
    frame = observer.frame()
    assert frame is not None and (frame.step, frame.age) == (15, 5)
    observer.work(1000.0)
    frame = observer.frame()
    assert frame is not None and (frame.step, frame.age) == (15, 0)


def test_the_age_of_every_part_is_told(stand_in: Any, view: View, clock: Any) -> None:
    observer = observer_of(stand_in, view, clock)
    observer.complete()
    stand_in.advance(7)
    observer.ask(replace(view, probe=(0.1, 0.2)), ALL_PARTS)
    while (frame := observer.frame()) is None or not frame.age_of("samples") or frame.age_of("batch"):
        observer.work(1e-6)
    assert (frame.age, frame.age_of("samples"), frame.age_of("batch"), frame.age_of("batch", "samples")) == (7, 7, 0, 7)
    frame = observer.complete()
    assert frame.ages == () and frame.age_of("samples") == 0


def test_a_coarse_picture_is_never_called_fresh(make: Any, view: View, clock: Any) -> None:
    observer = observer_of(make(clock=clock, exact=False), replace(view, grid=100), clock, frozenset({"log_density"}))
    while (frame := observer.frame()) is None:
        observer.work(1e-5)
    assert frame.age > 0
    assert frame.columns[0].log_density is not None and frame.columns[0].log_density.min() < -1.0


def test_a_new_view_starts_over_and_the_old_one_is_never_shown_again(stand_in: Any, view: View, clock: Any) -> None:
    observer = observer_of(stand_in, view, clock)
    observer.work(2e-4)
    zoomed = replace(view, bounds=(0.0, 1.0, 0.0, 1.0))
    observer.ask(zoomed, ALL_PARTS)
    frame = observer.frame()
    assert frame is None or (frame.view == zoomed and frame.columns[0].log_density is None)
    frame = observer.complete()
    assert frame.view == zoomed
    assert np.array_equal(frame.columns[1].log_density, direct(stand_in, zoomed)["log_density"][1])  # type: ignore[arg-type]


def test_a_moving_probe_keeps_what_is_under_way(stand_in: Any, view: View, clock: Any) -> None:
    observer = observer_of(stand_in, replace(view, grid=100), clock, frozenset({"log_density", "path"}))
    frame: Frame | None = None
    for move in range(400):
        observer.ask(replace(view, grid=100, probe=(move / 400, 0.0)), frozenset({"log_density", "path"}))
        observer.work(1e-6)
        frame = observer.frame() or frame
    assert frame is not None and frame.columns[0].log_density is not None
    done = observer.complete()
    assert done.columns[0].path is not None and done.columns[0].path[0, 0] == pytest.approx((399 / 400 - 0.5) / 2)


def test_chunks_under_way_do_not_come_back_after_a_complete_frame(stand_in: Any, view: View, clock: Any) -> None:
    observer = observer_of(stand_in, replace(view, grid=100), clock, frozenset({"log_density"}))
    for _ in range(9):
        stand_in.advance(1)
        observer.work(1e-6)
    stand_in.advance(1)
    complete = observer.complete()
    observer.work(1e-5)
    assert observer.complete().columns[0].log_density is complete.columns[0].log_density


@pytest.mark.parametrize("exact", [True, False])
def test_observing_changes_no_bit_of_the_training(make: Any, view: View, exact: bool) -> None:
    alone, seen = make(exact=exact), make(exact=exact)
    global_state = torch.get_rng_state()
    observer = Observer("r1", seen, view)
    for step in range(30):
        alone.advance(1)
        seen.advance(1)
        observer.work(1e-3)
        if step % 7 == 0:
            observer.complete()
            observer.truth()
        if step == 11:
            observer.measure()
        observer.ask(replace(view, grid=10 + step), ALL_PARTS)
    for (name, a), (_, b) in zip(alone.model.state_dict().items(), seen.model.state_dict().items(), strict=True):
        assert torch.equal(a, b), name
    for a, b in zip(alone.model.parameters(), seen.model.parameters(), strict=True):
        assert torch.equal(a.grad, b.grad) and b.requires_grad
    assert torch.equal(alone.generator.get_state(), seen.generator.get_state())
    assert torch.equal(global_state, torch.get_rng_state())
    assert seen.model.training and torch.is_grad_enabled()


def test_the_truth_is_exact_and_computed_once(stand_in: Any, view: View, clock: Any) -> None:
    observer = observer_of(stand_in, view, clock)
    truth = observer.truth()
    points = view.points(view.grid).astype(np.float64)
    expected = (-0.5 * (points**2).sum(-1) - np.log(2 * np.pi)).astype(np.float32).reshape(22, 22)
    assert truth.view == view and np.array_equal(truth.log_density, expected)  # type: ignore[arg-type]
    assert np.allclose(truth.score, -view.points(5).reshape(5, 5, 2))  # type: ignore[arg-type]
    clock.chunks.clear()
    moved = replace(view, probe=None)
    observer.ask(moved, ALL_PARTS)
    again = observer.truth()
    assert again.log_density is truth.log_density and again.view == moved and not clock.chunks


def test_work_computes_the_truth_too_and_tells_it_once(stand_in: Any, view: View, clock: Any) -> None:
    observer = observer_of(stand_in, view, clock)
    assert observer.new_truth() is None
    observer.work(1000.0)
    news = observer.new_truth()
    assert news is not None and news.log_density is not None
    assert observer.new_truth() is None


def test_data_without_a_density_have_no_truth(make: Any, view: View, clock: Any) -> None:
    truth = observer_of(make(exact=False), view, clock).truth()
    assert (truth.log_density, truth.score) == (None, None)


def test_metrics_are_those_of_one_step_and_near_their_closed_forms(stand_in: Any, view: View, clock: Any) -> None:
    observer = observer_of(stand_in, view, clock)
    stand_in.advance(5)
    frozen = copy.deepcopy(stand_in.model)
    while not (found := observer.drain()):
        observer.work(1e-4)
        stand_in.advance(0)
    for _ in range(1000):
        observer.work(1e-4)
    found += observer.drain()
    assert {m.name for m in found} == {"kl", "fisher", "mmd", "sliced_wasserstein", "modes"}
    assert {m.step for m in found} == {5}
    mean = frozen.mean.detach() * 2.0 + stand_in.dataset.shift
    variance = (2 * frozen.log_sd.detach()).exp() * 4.0
    for column in range(2):
        exact = float(variance[column].log() - 1 + (1 + mean[column].square().sum() / 2) / variance[column])
        (kl,) = [m.value for m in found if m.name == "kl" and m.column == column]
        assert kl == pytest.approx(exact, rel=0.1)


def test_measure_uses_the_full_sets_and_leaves_the_curve_alone(stand_in: Any, view: View, clock: Any) -> None:
    observer = observer_of(stand_in, view, clock)
    observer.work(1e-4)
    found = observer.measure()
    assert sorted({m.name for m in found}) == ["fisher", "kl", "mmd", "modes", "sliced_wasserstein"]
    assert len(found) == 10 and observer.drain() == []
    assert sum(rows for what, rows in clock.chunks if what == "truth") >= 40_000


def test_without_a_density_metrics_of_samples_use_the_validation_points(make: Any, view: View, clock: Any) -> None:
    found = observer_of(make(exact=False), view, clock).measure()
    assert {m.name for m in found} == {"mmd", "sliced_wasserstein", "modes"}


def test_a_broken_model_gives_finite_pictures_and_no_numbers(stand_in: Any, view: View, clock: Any) -> None:
    with torch.no_grad():
        stand_in.model.mean[0] = float("nan")
    observer = observer_of(stand_in, view, clock)
    frame = observer.complete()
    for array in (frame.columns[0].log_density, frame.columns[0].score, frame.columns[0].samples):
        assert array is not None and np.isfinite(array).all()
    assert {m.name for m in observer.measure() if m.column == 0} <= {"modes"}, "no sample lies in any mode"


def test_the_info_tells_panels_what_they_need(stand_in: Any, view: View, clock: Any) -> None:
    info = observer_of(stand_in, view, clock).info()
    assert info.titles == ("column 0", "column 1") and info.steps == 100 and info.device == "cpu"
    assert info.data.shape == (500, 2) and info.plans.shape == (2, 100)
    assert info.path_titles == ("data", "latent") and info.mode_centres is not None
