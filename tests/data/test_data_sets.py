"""What every data set of the plane owes, tested for every one that is registered."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from functools import cache
from typing import Any, cast

import numpy as np
import pytest
import torch
from scipy import stats

from gmstudio import registry
from gmstudio.data.base import Density, PlaneSpec
from gmstudio.data.sets.drawing import Drawing
from gmstudio.data.sets.picture import from_weights
from gmstudio.registry import SpecError

#: Data sets that are empty until a person gives them something.
GIVEN: dict[str, PlaneSpec] = {
    "drawing": Drawing(points=tuple((3 * math.cos(t), 2 * math.sin(2 * t)) for t in np.linspace(0, 6, 60).tolist())),
    "picture": from_weights(np.linspace(0, 1, 24 * 16).reshape(16, 24), "A ramp"),
}
KINDS = {
    c.name: GIVEN.get(c.name) or cast(PlaneSpec, c.spec())
    for c in registry.components("data")
    if issubclass(c.spec, PlaneSpec)
}
EXACT = {name: spec for name, spec in KINDS.items() if spec.exact}


def _extremes() -> list[Any]:
    """Every data set with each of its own numbers in turn at its least and at its most."""
    made = []
    for name, spec in KINDS.items():
        for info in registry.fields(type(spec)):
            if info.name in ("size", "seed") or info.kind not in ("int", "float") or info.widget:
                continue
            for value in (info.minimum, info.maximum):
                assert value is not None, f"{name}.{info.name} has a limit missing"
                number = int(value) if info.kind == "int" else value
                changed = spec.changed(**{info.name: number, "size": 2000})
                made.append(pytest.param(changed, id=f"{name}-{info.name}-{value:g}"))
    return made


@cache
def _density(name: str) -> Density:
    density = EXACT[name].density()
    assert isinstance(density, Density)
    return density


@cache
def _grid(name: str, side: int = 320) -> tuple[torch.Tensor, torch.Tensor, float]:
    """Midpoints of a fine grid over the bounds widened by half, log-densities there, area of a cell."""
    left, right, bottom, top = EXACT[name].bounds
    ticks = (torch.arange(side, dtype=torch.float64) + 0.5) / side * 1.5 - 0.25
    x, y = left + (right - left) * ticks, bottom + (top - bottom) * ticks
    points = torch.cartesian_prod(x, y)
    return points, _density(name).log_prob(points), float((x[1] - x[0]) * (y[1] - y[0]))


#: Those whose mollified density has a closed form.
CLOSED = [name for name in EXACT if _density(name).mollified(0.6, 0.8) is not None]


@pytest.mark.parametrize("name", EXACT)
def test_the_density_integrates_to_one(name: str) -> None:
    _, logs, area = _grid(name)
    assert float(logs.exp().sum()) * area == pytest.approx(1, abs=2e-5)


@pytest.mark.parametrize("name", EXACT)
def test_the_score_is_the_gradient_of_the_log_density(name: str) -> None:
    left, right, bottom, top = EXACT[name].bounds
    share = torch.rand(300, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    inside = torch.tensor([left, bottom]).double() + share * torch.tensor([right - left, top - bottom]).double()
    samples = _density(name).sample(200, torch.Generator().manual_seed(2))
    x = torch.cat([inside, samples]).requires_grad_(True)
    (gradient,) = torch.autograd.grad(_density(name).log_prob(x).sum(), x)
    score = _density(name).score(x.detach())
    assert float(((score - gradient).norm(dim=1) / (1 + gradient.norm(dim=1))).max()) < 1e-9


@pytest.mark.parametrize("name", EXACT)
def test_samples_follow_the_density(name: str) -> None:
    points, logs, area = _grid(name)
    size, cells = 20_000, 40
    samples = _density(name).sample(size, torch.Generator().manual_seed(3))
    low, high = points.amin(0) - area**0.5 / 2, points.amax(0) + area**0.5 / 2
    edges = [np.linspace(float(low[axis]), float(high[axis]), cells + 1) for axis in (0, 1)]
    counts, _, _ = np.histogram2d(samples[:, 0].numpy(), samples[:, 1].numpy(), bins=edges)
    mass = logs.exp().reshape(cells, 320 // cells, cells, 320 // cells).sum(dim=(1, 3)).numpy() * area
    full = mass * size >= 8
    observed = np.append(counts[full], size - counts[full].sum())
    expected = np.append(mass[full], 1 - mass[full].sum()) * size
    assert full.sum() > 20
    assert stats.chisquare(observed, expected).pvalue > 1e-3


@pytest.mark.parametrize("alpha, sigma", [(0.6, 0.8), (math.sqrt(0.96), 0.2), (1.0, 0.0)])
@pytest.mark.parametrize("name", CLOSED)
def test_the_mollified_density_is_the_convolution(name: str, alpha: float, sigma: float) -> None:
    mollified = _density(name).mollified(alpha, sigma)
    assert mollified is not None
    points, logs, area = _grid(name)
    y = alpha * _density(name).sample(20, torch.Generator().manual_seed(4))
    if sigma == 0:
        expected = _density(name).log_prob(y)
    else:
        y = y + sigma * torch.randn(y.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
        noise = -(y.unsqueeze(1) - alpha * points).square().sum(2) / (2 * sigma**2)
        expected = (noise + logs).logsumexp(1) + math.log(area / (2 * math.pi * sigma**2))
    assert torch.allclose(mollified.log_prob(y), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", CLOSED)
def test_samples_of_the_mollified_density_follow_it(name: str) -> None:
    mollified = _density(name).mollified(0.6, 0.8)
    assert mollified is not None
    size = 20_000
    direct = 0.6 * _density(name).sample(size, torch.Generator().manual_seed(6))
    direct = direct + 0.8 * torch.randn(size, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(7))
    samples = mollified.sample(size, torch.Generator().manual_seed(8))
    for axis in (torch.tensor([1.0, 0.0]), torch.tensor([0.6, 0.8]), torch.tensor([-0.8, 0.6])):
        one, other = direct @ axis.double(), samples @ axis.double()
        assert stats.ks_2samp(one.numpy(), other.numpy()).pvalue > 1e-3


@pytest.mark.parametrize("name", EXACT)
def test_float32_agrees_with_float64(name: str) -> None:
    x = _density(name).sample(500, torch.Generator().manual_seed(9)).float()
    x = torch.cat([x, 3 * x])
    single, double = _density(name).log_prob(x), _density(name).log_prob(x.double())
    assert single.dtype == torch.float32
    assert torch.allclose(single.double(), double, rtol=1e-5, atol=2e-4)
    score, exact = _density(name).score(x), _density(name).score(x.double())
    assert score.dtype == torch.float32
    assert torch.allclose(score.double(), exact, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("spec", [*KINDS.values(), *_extremes()])
def test_the_bounds_hold_the_mass_and_everything_stays_finite_far_beyond_them(spec: PlaneSpec) -> None:
    left, right, bottom, top = spec.bounds
    assert right - left == pytest.approx(top - bottom) and right > left
    points = spec.source().sample(4000, torch.Generator().manual_seed(10))
    inside = (points[:, 0] > left) & (points[:, 0] < right) & (points[:, 1] > bottom) & (points[:, 1] < top)
    assert bool(points.isfinite().all())
    assert float(inside.double().mean()) >= 0.995
    density = spec.density()
    assert (density is not None) == spec.exact
    if density is not None:
        x, y = torch.tensor([left, right]), torch.tensor([bottom, top])
        far = 3 * torch.cartesian_prod(torch.cat([x, x / 3, x * 0]), torch.cat([y, y / 3, y * 0]))
        for dtype in (torch.float32, torch.float64):
            assert bool(density.log_prob(far.to(dtype)).isfinite().all())
            assert bool(density.score(far.to(dtype)).isfinite().all())


@pytest.mark.parametrize("name", KINDS)
def test_the_same_seed_gives_the_same_bits_and_leaves_the_global_generator_alone(name: str) -> None:
    spec = KINDS[name].changed(size=1000)
    state = torch.get_rng_state()
    one, two, other = spec.build(7), spec.build(7), spec.build(8)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(one.train, two.train) and torch.equal(one.validation, two.validation)
    assert not torch.equal(one.train, other.train)
    assert not torch.equal(one.train, one.validation)


@pytest.mark.parametrize("name", KINDS)
def test_a_data_set_has_points_names_and_a_standardisation(name: str) -> None:
    spec = KINDS[name].changed(size=6000)
    data = spec.build(1)
    assert data.train.shape == (6000, 2) and data.train.dtype == torch.float32
    assert data.validation.shape == (1500, 2) and data.validation.dtype == torch.float32
    assert data.name and data.bounds == spec.bounds and data.manifold == spec.manifold
    z = data.to_model(data.train).double()
    assert torch.allclose(z.mean(0), torch.zeros(2, dtype=torch.float64), atol=1e-5)
    assert float(z.var(0, correction=0).mean()) == pytest.approx(1, abs=1e-5)
    assert float(data.scale[0]) == float(data.scale[1])
    assert torch.allclose(data.to_data(data.to_model(data.train)), data.train, atol=1e-5)


@pytest.mark.parametrize("name", KINDS)
def test_standardising_can_be_left_out(name: str) -> None:
    data = KINDS[name].changed(size=10, standardise=False).build(1)
    assert torch.equal(data.to_model(data.train), data.train)
    assert data.log_volume == 0


@pytest.mark.parametrize("size, held_out", [(2, 1000), (4000, 1000), (8000, 2000), (100_000, 20_000)])
def test_a_quarter_is_held_out_but_not_too_few_and_not_too_many(size: int, held_out: int) -> None:
    data = KINDS["eight-gaussians"].changed(size=size).build(1)
    assert (len(data.train), len(data.validation)) == (size, held_out)


@pytest.mark.parametrize("name", KINDS)
def test_modes_stand_where_the_density_is_high(name: str) -> None:
    spec = KINDS[name]
    modes = spec.modes()
    if modes is None:
        assert name not in ("eight-gaussians", "gaussian-grid", "song-ermon")
        return
    density = _density(name)
    assert density.score(modes.centres).abs().max() < 0.05
    near = torch.cdist(density.sample(2000, torch.Generator().manual_seed(1)), modes.centres).amin(1) < modes.radius
    assert float(near.double().mean()) > 0.95
    if len(modes.centres) > 1:
        assert float(torch.pdist(modes.centres).min()) >= 2 * modes.radius - 1e-9


@pytest.mark.parametrize("name", KINDS)
def test_a_data_set_survives_json(name: str) -> None:
    plain = json.loads(json.dumps(registry.to_plain(KINDS[name])))
    assert registry.from_plain("data", plain) == KINDS[name]


@pytest.mark.parametrize("name", KINDS)
def test_a_data_set_is_described_for_people(name: str) -> None:
    component = registry.find("data", name)
    assert component.title and component.summary.endswith((".", "?"))
    for info in registry.fields(component.spec):
        assert info.help.endswith("."), f"{name}.{info.name}"


@pytest.mark.parametrize("name", KINDS)
def test_an_unknown_field_and_a_number_outside_its_limits_are_refused(name: str) -> None:
    with pytest.raises(SpecError, match="unknown field"):
        registry.from_plain("data", {"kind": name, "nonsense": 1})
    with pytest.raises(SpecError) as caught:
        registry.from_plain("data", {"kind": name, "size": 1})
    assert caught.value.where == "data.size" and caught.value.remedy


def test_the_specifications_need_no_torch() -> None:
    code = (
        "import sys; from gmstudio import registry\n"
        "specs = [c.spec() for c in registry.components('data')]\n"
        "assert all(len(s.bounds) == 4 and s.exact in (True, False) and s.name for s in specs)\n"
        "assert not {'torch', 'PySide6', 'scipy', 'sklearn'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_data_set_of_the_workbench_is_there() -> None:
    expected = (
        "two-moons rings spirals pinwheel checkerboard eight-gaussians gaussian-grid swiss-roll song-ermon von-mises "
        "text picture drawing"
    )
    assert set(expected.split()) <= set(KINDS)
