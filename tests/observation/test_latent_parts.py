"""What frames show of latent spaces, against affine models whose every number is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from linear_latent import LatentStandIn, affine, dataset_of, linear_model

from gmstudio.data.base import Picture
from gmstudio.models.layers.latent import LatentModel
from gmstudio.models.layers.two_stage import TwoStageModel
from gmstudio.observation.frame import WARP, ColumnFrame, Frame, View
from gmstudio.observation.latent_parts import chosen, divergences, lines
from gmstudio.observation.observer import IMAGE_GRID, Observer
from gmstudio.observation.parts import fitting
from gmstudio.observation.shadow import PICTURE_DRAWS
from gmstudio.observation.spaces import rows_shown

WANTS = frozenset({"codes", "rebuilt", "warp"})
VIEW = View((-3.0, 3.0, -3.0, 3.0), samples=50, codes=40, rebuilt=30, warp=5)
DIM, LATENT = 2, 3


@pytest.fixture
def still() -> LatentStandIn:
    return LatentStandIn(dataset_of(DIM), linear_model(DIM, LATENT))


def observer_of(still: LatentStandIn, view: View = VIEW, wants: frozenset[str] = WANTS) -> Observer:
    return Observer("r", still, view, wants)  # type: ignore[arg-type]


def standard(still: LatentStandIn, rows: int) -> np.ndarray:
    return still.dataset.to_model(still.dataset.train[:rows]).double().numpy()


def in_units(still: LatentStandIn, points: np.ndarray) -> np.ndarray:
    return points * still.dataset.scale.numpy() + still.dataset.shift.numpy()


def columns_of(frame: Frame) -> list[tuple[int, ColumnFrame]]:
    return list(enumerate(frame.columns))


def test_codes_are_means_log_variances_and_one_draw_each(still: LatentStandIn) -> None:
    for member, column in columns_of(observer_of(still).complete()):
        assert column.codes is not None and column.codes.shape == (40, 3, LATENT)
        numbers = affine(still.model.encoder, member, standard(still, 40))
        assert np.allclose(column.codes[:, 0], numbers[:, :LATENT], atol=1e-5)
        assert np.allclose(column.codes[:, 1], 30 * np.tanh(numbers[:, LATENT:] / 30), atol=1e-5)
        noise = (column.codes[:, 2] - column.codes[:, 0]) * np.exp(-0.5 * column.codes[:, 1])
        assert np.abs(noise.mean(0)).max() < 0.6 and 0.7 < noise.std() < 1.3
    assert np.array_equal(
        observer_of(still).complete().columns[0].codes, observer_of(still).complete().columns[0].codes
    )


def test_the_prior_is_what_samples_are_decoded_from(still: LatentStandIn) -> None:
    frame = observer_of(still, replace(VIEW, codes=50), WANTS | {"samples"}).complete()
    for member, column in columns_of(frame):
        assert column.prior is not None and column.samples is not None
        assert np.array_equal(column.prior, frame.columns[0].prior), "the same for all members: N(0, I)"
        decoded = in_units(still, affine(still.model.decoder, member, column.prior))
        away = (column.samples - decoded) / still.dataset.scale.numpy()
        assert 0.35 < away.std() < 0.65, "beside them, the decoder's noise, of standard deviation 0.5"


def test_the_prior_of_two_stages_is_what_the_second_one_samples() -> None:
    first, second = linear_model(DIM, LATENT), linear_model(LATENT, LATENT, seed=8, gamma=1e-6)
    model = TwoStageModel(DIM, LATENT, first.encoder, first.decoder, 2, second)
    still = LatentStandIn(dataset_of(DIM), model)
    frame = observer_of(still, replace(VIEW, codes=4000)).complete()
    for member, column in columns_of(frame):
        assert column.prior is not None and column.prior.shape == (4000, LATENT)
        assert isinstance(second, LatentModel)
        weight = second.decoder.weight[member].detach().numpy()  # type: ignore[union-attr, index]
        mean = second.decoder.bias[member].detach().numpy()  # type: ignore[union-attr, index]
        assert np.allclose(column.prior.mean(0), mean, atol=0.2)
        assert np.allclose(np.cov(column.prior.T), weight @ weight.T, atol=0.5)


def test_there_are_as_many_points_of_the_prior_as_asked_for_however_few_data_there_are() -> None:
    still = LatentStandIn(dataset_of(DIM, rows=12), linear_model(DIM, LATENT))
    column = observer_of(still).complete().columns[0]
    assert column.codes is not None and column.codes.shape == (12, 3, LATENT)
    assert column.prior is not None and column.prior.shape == (40, LATENT)


def test_reconstructions_are_decoded_means_of_the_first_rows(still: LatentStandIn) -> None:
    for member, column in columns_of(observer_of(still).complete()):
        means = affine(still.model.encoder, member, standard(still, 30))[:, :LATENT]
        assert column.rebuilt is not None
        assert np.allclose(column.rebuilt, in_units(still, affine(still.model.decoder, member, means)), atol=1e-4)


@pytest.mark.parametrize("asked", [None, (2, 0), (1, 1)])
def test_the_grid_is_decoded_along_its_axes(still: LatentStandIn, asked: tuple[int, int] | None) -> None:
    along = np.linspace(-WARP, WARP, 5)
    for member, column in columns_of(observer_of(still, replace(VIEW, latent=asked)).complete()):
        assert column.warp is not None and column.warp.shape == (5, 5, DIM) and column.warp_axes is not None
        across, up = column.warp_axes.astype(int)
        assert asked is None or (across, up) == asked
        for row, column_ in ((0, 0), (1, 3), (4, 2)):
            z = np.zeros(LATENT)
            z[up] = along[row]
            z[across] = along[column_]
            expected = in_units(still, affine(still.model.decoder, member, z[None]))
            assert np.allclose(column.warp[row, column_], expected[0], atol=1e-4)


def test_the_axes_are_those_of_highest_divergence_of_each_member(still: LatentStandIn) -> None:
    for member, column in columns_of(observer_of(still).complete()):
        numbers = affine(still.model.encoder, member, standard(still, 256))
        mean, log_variance = numbers[:, :LATENT], 30 * np.tanh(numbers[:, LATENT:] / 30)
        levels = 0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance).mean(0)
        assert column.warp_axes is not None
        assert column.warp_axes.tolist() == np.argsort(-levels)[:2].tolist()


def test_axes_stay_until_another_is_better_by_a_tenth() -> None:
    levels = np.array([1.0, 3.0, 2.0, 0.5])
    assert chosen(levels, None).tolist() == [1, 2]
    assert chosen(np.array([2.1, 3.0, 2.0, 0.5]), np.array([1, 2])).tolist() == [1, 2]
    assert chosen(np.array([2.3, 3.0, 2.0, 0.5]), np.array([1, 2])).tolist() == [1, 0]
    assert chosen(np.array([2.3, 1.0, 2.0, 5.0]), np.array([2, 1])).tolist() == [0, 3], "both are beaten"
    assert chosen(np.array([1.0, 9.0]), np.array([0, 1])).tolist() == [0, 1]
    assert chosen(np.zeros(3), None).tolist() == [0, 1]


def test_the_divergence_of_a_coordinate_is_that_of_two_normals() -> None:
    mean, log_variance = torch.tensor([0.5, -2.0]), torch.tensor([0.3, -1.0])
    normal = torch.distributions.Normal
    expected = torch.distributions.kl_divergence(normal(mean, (0.5 * log_variance).exp()), normal(0.0, 1.0))
    assert torch.allclose(divergences(mean, log_variance), expected, atol=1e-6)


def test_one_latent_dimension_gives_a_curve() -> None:
    still = LatentStandIn(dataset_of(DIM), linear_model(DIM, 1))
    column = observer_of(still, replace(VIEW, latent=(0, 1))).complete().columns[0]
    assert column.warp is not None and column.warp_axes is not None
    assert column.warp_axes.tolist() == [0, 0]
    assert np.array_equal(column.warp[0], column.warp[4]) and np.ptp(column.warp[0], axis=0).min() > 0


def test_a_model_without_latent_variables_has_none_of_it(make: type, clock: object) -> None:
    observer = Observer("r", make(), VIEW, WANTS | {"samples", "neighbours"})
    column = observer.complete().columns[0]
    assert column.samples is not None
    assert (column.codes, column.prior, column.rebuilt, column.warp, column.neighbours) == (None,) * 5
    assert observer.info().latent == 0 and observer.info().picture is None


def test_little_work_at_a_time_leads_to_the_same_picture(still: LatentStandIn) -> None:
    slow, fast = observer_of(still, wants=WANTS | {"samples"}), observer_of(still, wants=WANTS | {"samples"})
    while not slow.idle:
        slow.work(1e-3)
    little, whole = slow.frame(), fast.complete()
    assert little is not None and little.age == 0
    for a, b in zip(little.columns, whole.columns, strict=True):
        for part in ("codes", "prior", "rebuilt", "warp", "warp_axes", "samples"):
            assert np.array_equal(getattr(a, part), getattr(b, part)), part


# Densities.


def test_pictures_take_fewer_draws_than_likelihoods_and_say_so(still: LatentStandIn, make: type) -> None:
    view = replace(VIEW, grid=6, arrows=3)
    info = observer_of(still).info()
    assert info.estimator == "importance sampling, 32 draws"
    assert info.pictured == f"importance sampling, {PICTURE_DRAWS} draws"
    frame = observer_of(still, view, frozenset({"log_density", "outliers"})).complete()
    points = still.dataset.to_model(torch.from_numpy(view.points(6))).expand(2, -1, -1)
    train = still.dataset.to_model(still.dataset.train).expand(2, -1, -1)
    with torch.no_grad():
        likelihood = still.model.log_prob(train) - still.dataset.log_volume
        still.model.importance = PICTURE_DRAWS
        density = still.model.log_prob(points) - still.dataset.log_volume
    for member, column in columns_of(frame):
        assert column.log_density is not None and column.outliers is not None
        assert np.allclose(column.log_density.ravel(), density[member].numpy(), atol=1e-4)
        rows = column.outliers[column.outliers[:, 1] == 0]
        assert np.allclose(rows[:, 2], likelihood[member].numpy()[rows[:, 0].astype(int)], atol=1e-4)
    exact = Observer("r", make(), VIEW).info()
    assert exact.estimator == exact.pictured == ""


# Images.


def images(count: int = 500, side: int = 20, **more: object) -> LatentStandIn:
    data = dataset_of(side * side, rows=count, picture=Picture((1, side, side)), **more)
    return LatentStandIn(data, linear_model(side * side, 4))


def test_frames_of_images_keep_all_columns_and_fewer_rows() -> None:
    still = images()
    view = replace(VIEW, samples=5000, batch=5000, rebuilt=5000)
    observer = observer_of(still, view, WANTS | {"samples", "batch", "neighbours"})
    column, info = observer.complete().columns[0], observer.info()
    assert fitting(5000, 784, picture=True) == 163 and fitting(5000, 3072, picture=True) == 64
    for part in ("samples", "batch", "rebuilt"):
        assert getattr(column, part).shape == (320, 400), part
    assert column.warp is not None and column.warp.shape == (5, 5, 400)
    assert info.data.shape == (500, 400) and info.space is not None and len(info.space.names) == 400
    assert (info.latent, info.picture) == (4, Picture((1, 20, 20)))
    assert info.plane is not None and info.plane.takes(400) and not info.plane.takes(256), "its axes need all columns"


def test_the_density_of_images_is_drawn_on_fewer_points_of_the_same_window() -> None:
    still = images(300, 4)
    plane = observer_of(still).info().plane
    assert plane is not None
    for asked, side in ((100, IMAGE_GRID), (8, 8)):
        view = replace(VIEW, grid=asked, plane=plane)
        observer = observer_of(still, view, frozenset({"log_density"}))
        column = observer.complete().columns[0]
        points = torch.from_numpy(plane.lift(view.points(side)[:side]))
        still.model.importance = PICTURE_DRAWS
        lowest = still.model.log_prob(still.dataset.to_model(points).expand(2, -1, -1))[0] - still.dataset.log_volume
        still.model.importance = 32
        assert column.log_density is not None and column.log_density.shape == (side, side)
        assert np.allclose(column.log_density[0], lowest.detach().numpy(), rtol=1e-4, atol=1e-2)


def test_classes_are_those_of_the_rows_that_panels_get() -> None:
    labels = torch.arange(4500) % 7 - 1
    still = images(4500, 12, labels=labels, label_names=tuple("abcdef"))
    info = observer_of(still).info()
    assert len(info.data) == 1500 and info.labels is not None and info.labels.dtype == np.int64
    assert np.array_equal(info.labels, labels[rows_shown(still.dataset)].numpy())
    assert np.array_equal(info.data, still.dataset.train[::3].numpy())
    assert info.label_names == tuple("abcdef")


def test_a_grid_of_many_columns_has_fewer_lines_and_one_in_the_middle() -> None:
    assert (lines(21, 2), lines(20, 64), lines(21, 784), lines(21, 3072), lines(4, 3072)) == (21, 20, 17, 9, 4)


def test_neighbours_are_the_nearest_training_images_of_the_first_samples() -> None:
    still = images(900, 4)
    view = replace(VIEW, neighbours=10)
    for column in observer_of(still, view, frozenset({"samples", "neighbours"})).complete().columns:
        assert column.neighbours is not None and column.neighbours.shape == (10, 17) and column.samples is not None
        numbers = column.neighbours[:, 0].astype(int)
        assert np.array_equal(column.neighbours[:, 1:], still.dataset.train[numbers].numpy())
        scale = still.dataset.scale.double().numpy()
        away = (column.samples[:10, None] - still.dataset.train[None].double().numpy()) / scale
        assert np.array_equal(numbers, (away**2).sum(-1).argmin(1))


def test_a_sample_that_is_a_training_image_is_its_own_neighbour() -> None:
    still = images(300, 4)
    with torch.no_grad():
        frame = observer_of(still, replace(VIEW, neighbours=5), frozenset({"samples"})).complete()
        assert frame.columns[1].samples is not None
        still.dataset.train[[7, 250]] = torch.from_numpy(frame.columns[1].samples[[3, 0]].copy())
    found = observer_of(still, replace(VIEW, neighbours=5), frozenset({"neighbours"})).complete().columns[1].neighbours
    assert found is not None and found[3, 0] == 7 and found[0, 0] == 250
