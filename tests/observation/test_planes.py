"""Data of more than two columns: planes through them, what is observed of them, and what is kept of it."""

from __future__ import annotations

import copy
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal
from torch import Tensor, nn

from gmstudio.data.base import Dataset, Picture
from gmstudio.models.layers.base import DensityModel
from gmstudio.observation import parts
from gmstudio.observation.baselines import baselines
from gmstudio.observation.frame import View
from gmstudio.observation.observer import ALL_PARTS, Observer
from gmstudio.observation.plane import MOST_COLUMNS, framing
from gmstudio.observation.spaces import first_view, principal_directions, shown_rows, space_of
from gmstudio.observation.summary import density_summary, samples_summary
from gmstudio.training.trainer import Trainer

DIM = 5
NOWHERE = (-4.0, 4.0, -4.0, 4.0)
#: Columns in units that differ by a million.
UNITS = torch.tensor([1e-3, 1.0, 50.0, 2.0, 1e3])
EVERYTHING = ALL_PARTS | {"outliers"}


def table(rows: int = 500, dim: int = DIM, names: tuple[str, ...] = ()) -> Dataset:
    """Correlated columns in units of their own."""
    generator = torch.Generator().manual_seed(11)
    mix = torch.randn(dim, dim, generator=generator) + 2 * torch.eye(dim)
    units = UNITS if dim == DIM else torch.logspace(-1, 1, dim)
    points = (torch.randn(rows, dim, generator=generator) @ mix + torch.linspace(-3, 3, dim)) * units
    held = rows // 5
    train = points[held:]
    return Dataset("table", train, points[:held], train.mean(0), train.std(0), NOWHERE, columns=names)


class Correlated(DensityModel):
    """Members N(mean, L L^T) of the standardised columns."""

    can = frozenset({"log_prob", "score", "sample"})

    def __init__(self, dim: int, members: int = 2) -> None:
        super().__init__(dim, members)
        generator = torch.Generator().manual_seed(4)
        self.mean = nn.Parameter(0.3 * torch.randn(members, dim, generator=generator))
        self.root = nn.Parameter(torch.randn(members, dim, dim, generator=generator).tril(-1) * 0.4 + torch.eye(dim))
        self.asked: list[tuple[str, int]] = []

    def __deepcopy__(self, memo: dict[int, Any]) -> Correlated:
        copied = Correlated(self.dim, self.members)
        copied.load_state_dict(self.state_dict())
        copied.asked = self.asked
        return copied.train(self.training)

    def log_prob(self, x: Tensor) -> Tensor:
        self.asked.append(("log_prob", x.shape[1]))
        normal = torch.distributions.MultivariateNormal(self.mean[:, None], scale_tril=self.root[:, None])
        return normal.log_prob(x)

    def sample(self, noise: Tensor) -> Tensor:
        self.asked.append(("sample", len(noise)))
        return self.mean[:, None] + torch.einsum("eij,bj->ebi", self.root, noise)


class Still:
    """As much of a trainer as an observer may look at; it makes no step."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset, self.model = dataset, Correlated(dataset.dim)
        self.device, self.step, self.steps, self.finished = torch.device("cpu"), 3, 10, False
        self.experiment = SimpleNamespace(columns=(SimpleNamespace(title="a"), SimpleNamespace(title="b")))
        self.plans = np.zeros((2, 10))
        self.sigma2 = np.array([0.0, 0.5])
        self.by = ("noise", "noise")

    def batch(self, size: int) -> Tensor:
        return self.dataset.train[None, :size].repeat(2, 1, 1)

    def logpdf(self, member: int, rows: np.ndarray) -> np.ndarray:
        """The member's log-density at rows of the data, by scipy, in standardised units."""
        z = (rows - self.dataset.shift.double().numpy()) / self.dataset.scale.double().numpy()
        root = self.model.root[member].detach().double().numpy()
        law = multivariate_normal(self.model.mean[member].detach().double().numpy(), root @ root.T)
        return np.asarray(law.logpdf(z)) - float(self.dataset.scale.double().log().sum())


@pytest.fixture
def still() -> Still:
    return Still(table())


def view_of(still: Still, grid: int = 12, arrows: int = 5) -> View:
    return replace(first_view(still.dataset, View(NOWHERE)), grid=grid, arrows=arrows, samples=64, batch=16)


def column_view(still: Still, across: int = 0, up: int = 4, row: int = 7) -> View:
    space = space_of(still.dataset)
    assert space is not None
    plane = space.columns_plane(across, up, still.dataset.train[row].double().numpy(), f"row {row}")
    return replace(view_of(still), plane=plane, bounds=(-2.0, 2.0, -3.0, 1.0))


# Planes.


def test_the_principal_plane_is_that_of_a_singular_value_decomposition() -> None:
    dataset = table()
    space = space_of(dataset)
    assert space is not None
    rows = dataset.train.double().numpy()
    z = (rows - rows.mean(0)) / rows.std(0)
    _, _, right = np.linalg.svd(z, full_matrices=False)
    for found, expected in zip(space.principal, right[:2], strict=True):
        assert abs(found @ expected) == pytest.approx(1.0, abs=1e-9)
        assert found[np.abs(found).argmax()] > 0
    flat = space.principal_plane().project(dataset.train.numpy())
    assert np.allclose(flat, z @ space.principal.T, atol=1e-4)


def test_points_lifted_from_a_plane_project_to_themselves_wherever_it_passes(still: Still) -> None:
    space = space_of(still.dataset)
    assert space is not None
    points = np.random.default_rng(1).normal(size=(40, 2))
    for centre in (None, space.median, still.dataset.train[9].double().numpy()):
        for plane in (space.principal_plane(centre), space.columns_plane(3, 1, centre)):
            assert np.allclose(plane.project(plane.lift(points)), points, atol=1e-4)


def test_a_plane_of_two_columns_holds_the_others_and_reads_in_the_units_of_the_data(still: Still) -> None:
    view, row = column_view(still), still.dataset.train[7].numpy()
    assert view.plane is not None
    lifted = view.plane.lift(np.array([[1.5, -0.5]]))[0]
    assert np.allclose(lifted[1:4], row[1:4], rtol=1e-5), "the other columns stay at the row"
    assert view.plane.written(1.5, -0.5) == pytest.approx((lifted[0], lifted[4]), rel=1e-5)
    assert (view.plane.column(0), view.plane.column(1), view.plane.names) == (0, 4, ("x1", "x5"))
    principal = first_view(still.dataset, View(NOWHERE)).plane
    assert principal is not None and principal.column(0) is None and principal.units(0) == (0.0, 1.0)


def test_the_first_view_holds_nearly_all_rows_and_a_view_that_fits_stays(still: Still) -> None:
    view = first_view(still.dataset, View(NOWHERE, grid=30))
    assert view.plane is not None and view.grid == 30
    flat = view.plane.project(still.dataset.train.numpy())
    left, right, bottom, top = view.bounds
    inside = (flat[:, 0] > left) & (flat[:, 0] < right) & (flat[:, 1] > bottom) & (flat[:, 1] < top)
    assert inside.mean() > 0.99 and right - left == pytest.approx(top - bottom)
    assert first_view(still.dataset, view) is view
    flat_data = replace(table(dim=3), train=torch.zeros(5, 2))
    assert first_view(flat_data, View(NOWHERE)) == View(NOWHERE)


def test_constant_columns_long_names_and_rows_that_are_not_finite_do_no_harm() -> None:
    dataset = table(names=("a" * 500, "b", "c", "d", "e"))
    dataset.train[:, 2] = 7.0
    space = space_of(dataset)
    assert space is not None and len(space.names[0]) == 80 and space.spread[2] == 1.0
    assert np.isfinite(space.principal).all()
    assert framing(np.full((3, 2), np.nan)) == NOWHERE


def test_of_very_many_columns_the_first_are_kept_and_span_the_principal_plane() -> None:
    dataset = table(rows=60, dim=300)
    space = space_of(dataset)
    assert space is not None and space.dim == 300 and len(space.names) == MOST_COLUMNS
    assert not space.principal[:, MOST_COLUMNS:].any()
    rows = shown_rows(dataset)
    assert rows.shape == (48, MOST_COLUMNS)
    plane = space.principal_plane()
    assert np.allclose(plane.project(rows.numpy()), plane.project(dataset.train.numpy()))


def test_of_pictures_all_columns_are_kept_with_one_spread() -> None:
    dataset = replace(table(rows=60, dim=300), picture=Picture((3, 10, 10)))
    space = space_of(dataset)
    assert space is not None and len(space.names) == 300 and len(set(space.spread)) == 1
    rows = dataset.train.double().numpy()
    _, _, right = np.linalg.svd(rows - rows.mean(0), full_matrices=False)
    assert np.abs((space.principal * right[:2]).sum(1)) == pytest.approx(1.0, abs=1e-9)
    plane = space.principal_plane()
    assert shown_rows(dataset).shape == (48, 300)
    assert plane.takes(300) and not plane.takes(256) and not plane.takes(299)
    assert space.columns_plane(2, 255).takes(256) and not space.columns_plane(2, 256).takes(256)


def test_principal_directions_of_very_many_columns_are_found_closely_and_the_same_every_time() -> None:
    draw = torch.Generator().manual_seed(4)
    spread = torch.linspace(3, 0.2, 30, dtype=torch.float64)
    z = torch.randn(400, 30, generator=draw, dtype=torch.float64) * spread
    z = z @ torch.randn(30, 1500, generator=draw, dtype=torch.float64)
    z = z + 0.1 * torch.randn(400, 1500, generator=draw, dtype=torch.float64)
    found = principal_directions(z)
    _, _, right = torch.linalg.svd(z - z.mean(0), full_matrices=False)
    assert torch.allclose((found * right[:2]).sum(1).abs(), torch.ones(2, dtype=torch.float64), atol=1e-3)
    assert torch.allclose(found @ found.T, torch.eye(2, dtype=torch.float64), atol=1e-9)
    assert torch.equal(found, principal_directions(z.clone()))


# What is observed.


@pytest.mark.parametrize("which", ["principal", "columns"])
def test_the_density_is_that_of_the_slice_and_the_score_its_gradient_on_the_plane(still: Still, which: str) -> None:
    view = view_of(still) if which == "principal" else column_view(still)
    frame = Observer("r", still, view).complete()  # type: ignore[arg-type]
    assert view.plane is not None
    rows = view.plane.base + view.points(12).astype(np.float64) @ view.plane.axes
    near = view.points(5).astype(np.float64)
    for member, column in enumerate(frame.columns):
        assert column.log_density is not None and column.score is not None
        assert np.allclose(column.log_density.reshape(-1), still.logpdf(member, rows), atol=2e-3)
        for axis in (0, 1):
            step = np.eye(2)[axis] * 1e-4
            ahead, behind = (view.plane.base + (near + side * step) @ view.plane.axes for side in (1, -1))
            slope = (still.logpdf(member, ahead) - still.logpdf(member, behind)) / 2e-4
            assert np.allclose(column.score.reshape(-1, 2)[:, axis], slope, atol=2e-3)


def test_samples_and_batch_have_all_columns(still: Still) -> None:
    frame = Observer("r", still, view_of(still)).complete()  # type: ignore[arg-type]
    for member, column in enumerate(frame.columns):
        assert column.samples is not None and column.samples.shape == (64, DIM)
        assert column.batch is not None and np.array_equal(column.batch, still.dataset.train[:16].numpy())
        law, data = still.model, still.dataset
        z = (torch.tensor(column.samples) - data.shift) / data.scale - law.mean[member].detach()
        noise = torch.linalg.solve_triangular(law.root[member].detach(), z.T, upper=False)
        assert noise.mean(1).abs().max() < 0.6 and noise.std(1).min() > 0.6 and noise.std(1).max() < 1.4
        assert column.path is None, "a path is followed through two columns only"


def test_a_frame_of_many_columns_keeps_fewer_rows() -> None:
    assert parts.fitting(5000, 2) == 5000 and parts.fitting(5000, 11) == 5000
    assert parts.fitting(5000, 43) == 2976 and parts.fitting(5000, 4000) == 500
    still = Still(table(rows=60, dim=300))
    frame = Observer("r", still, replace(view_of(still), samples=5000)).complete()  # type: ignore[arg-type]
    samples = frame.columns[0].samples
    assert samples is not None and samples.shape == (500, MOST_COLUMNS)


def test_outliers_are_the_rows_of_lowest_likelihood_lowest_first(still: Still) -> None:
    frame = Observer("r", still, view_of(still), frozenset({"outliers"})).complete()  # type: ignore[arg-type]
    every = torch.cat([still.dataset.train, still.dataset.validation]).double().numpy()
    for member, column in enumerate(frame.columns):
        assert column.outliers is not None and column.outliers.shape == (100, 3 + DIM)
        levels = still.logpdf(member, every)
        lowest = np.sort(levels)[:100]
        assert np.allclose(column.outliers[:, 2], lowest, atol=5e-3)
        number, held = column.outliers[:, 0].astype(int), column.outliers[:, 1] > 0
        assert np.allclose(column.outliers[:, 3:], every[number + np.where(held, 400, 0)], rtol=1e-6)
        assert 0 < held.sum() < 100, "both of training and of validation rows"


def test_outliers_of_a_large_table_are_sought_among_rows_spread_over_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "MOST_ROWS", (50, 20))
    still = Still(table())
    frame = Observer("r", still, view_of(still), frozenset({"outliers"})).complete()  # type: ignore[arg-type]
    found = frame.columns[0].outliers
    assert found is not None and len(found) == 70
    assert set(found[found[:, 1] == 0, 0]) == set(range(0, 400, 8))
    assert set(found[found[:, 1] == 1, 0]) == set(range(0, 100, 5))


def test_nothing_is_computed_for_parts_that_nobody_sees(still: Still) -> None:
    observer = Observer("r", still, view_of(still), frozenset({"samples"}))  # type: ignore[arg-type]
    still.model.asked.clear()
    observer.complete()
    assert {what for what, _ in still.model.asked} == {"sample"}
    column = observer.complete().columns[0]
    assert (column.log_density, column.score, column.batch, column.outliers) == (None,) * 4
    assert Observer("r", still, view_of(still)).complete().columns[0].outliers is None  # type: ignore[arg-type]


def test_outliers_are_sought_in_chunks_and_another_plane_keeps_them_and_the_samples(still: Still) -> None:
    observer = Observer("r", still, view_of(still), EVERYTHING)  # type: ignore[arg-type]
    first = observer.complete()
    assert max(rows for what, rows in still.model.asked if what == "log_prob") <= 500 // parts.SLICES + 1
    observer.ask(column_view(still), EVERYTHING)
    second = observer.complete()
    for before, after in zip(first.columns, second.columns, strict=True):
        assert after.samples is before.samples and after.outliers is before.outliers
        assert after.log_density is not before.log_density and after.score is not before.score


def test_without_a_plane_there_are_no_grids_of_many_columns(still: Still) -> None:
    column = Observer("r", still, View(NOWHERE, samples=64, batch=16)).complete().columns[0]  # type: ignore[arg-type]
    assert column.log_density is None and column.score is None and column.samples is not None


def test_distances_of_tables_are_measured_in_standard_deviations(still: Still) -> None:
    found = {m.name: m.value for m in Observer("r", still, view_of(still)).measure() if m.column == 0}  # type: ignore[arg-type]
    assert 0 < found["sliced_wasserstein"] < 5, "in the units of the data the largest column would make it thousands"
    assert "kl" not in found


def test_baselines_know_columns_in_any_unit() -> None:
    dataset = table(rows=1500)
    other = replace(dataset, train=dataset.train / UNITS, validation=dataset.validation / UNITS)
    here, there = dict(baselines(dataset)), dict(baselines(other))
    volume = float(UNITS.log().sum())
    assert set(here) == set(there) and "Gaussian" in here
    for title, level in here.items():
        assert level == pytest.approx(there[title] - volume, abs=0.01)
    law = multivariate_normal(other.train.double().mean(0), np.cov(other.train.double().T, bias=True))
    assert there["Gaussian"] == pytest.approx(law.logpdf(other.validation.double()).mean(), abs=1e-6)


def test_of_very_many_columns_there_is_no_mixture_for_want_of_memory() -> None:
    assert [title for title, _ in baselines(table(rows=900, dim=120))] == ["Gaussian"]


def test_what_is_seen_on_a_plane_is_told_with_the_names_of_its_axes(still: Still) -> None:
    view = column_view(still)
    column = Observer("r", still, view).complete().columns[0]  # type: ignore[arg-type]
    assert "on the plane of x1 and x5 the density peaks at" in density_summary(column.log_density, view)
    assert "64 samples around" in samples_summary(column.samples, view)


def test_a_real_training_is_observed_and_untouched() -> None:
    from gmstudio import runs

    plain = {
        "data": {"kind": "two-moons"},
        "model": {"kind": "real-nvp", "blocks": 2, "hidden": 8, "layers": 1},
        "training": {"steps": 20, "batch": 32, "threads": 1},
    }
    experiment = runs.twins(runs.run_from_plain(plain))
    seen, unseen = (Trainer(experiment, table(names=tuple("abcde"))) for _ in range(2))
    observer = Observer("r", seen, first_view(seen.dataset, View(NOWHERE, grid=16)), EVERYTHING)
    for _ in range(4):
        seen.advance(5)
        unseen.advance(5)
        observer.work(0.01)
    frame = observer.complete()
    for one, other in zip(seen.model.state_dict().values(), unseen.model.state_dict().values(), strict=True):
        assert torch.equal(one, other)
    info = observer.info()
    assert info.space is not None and info.space.names == tuple("abcde") and info.data.shape == (400, DIM)
    assert info.plane == frame.view.plane and info.bounds == frame.view.bounds
    assert copy.copy(info.space).same(info.space) and not info.space.same(space_of(table(dim=3)))
