"""Flows as in the mollification paper: batch normalisation, orthogonal weights, two networks, unbounded scales."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch

from gmstudio import registry
from gmstudio.models.layers import gradients
from gmstudio.models.layers.linear import EnsembleLinear, generators
from gmstudio.models.layers.members import take
from gmstudio.models.layers.normalisation import BatchNorm

PAPER: dict[str, dict[str, Any]] = {
    "real-nvp": {"networks": "two", "split": "alternate"},
    "maf": {"order": "shift, scale"},
    "glow": {"networks": "two"},
}
PARTS = [
    ("real-nvp", {"networks": "two"}),
    ("real-nvp", {"split": "alternate"}),
    ("real-nvp", {"limit": 0.0}),
    ("real-nvp", {"normalise": "batch"}),
    ("maf", {"order": "shift, scale"}),
    ("maf", {"limit": 0.0}),
    ("maf", {"normalise": "batch"}),
    ("glow", {"networks": "two"}),
    ("glow", {"normalise": "batch"}),
]
COMMON = {"normalise": "batch", "init": "orthogonal", "limit": 0.0, "blocks": 3, "hidden": 17}


def seeded(*shape, seed=3):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def paper(rough, name, dim=5, members=2, **fields):
    return rough(name, dim=dim, members=members, amount=0.05, **{**COMMON, **PAPER[name], **fields})


def found(model, x):
    x = x.detach().requires_grad_(True)
    scalar = (model.log_prob(x) * torch.linspace(-1.0, 2.0, x.shape[1], dtype=x.dtype)).sum()
    return torch.autograd.grad(scalar, [x, *model.parameters()])


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dim", [2, 5])
@pytest.mark.parametrize(("name", "fields"), [*((n, {**COMMON, **f}) for n, f in PAPER.items()), *PARTS])
def test_gradients_by_hand_are_those_of_autograd(name, fields, dim, training, rough):
    model = rough(name, dim=dim, amount=0.05, **fields).train(training)
    x = 1.5 * seeded(2, 20, dim)
    ours = found(model, x)
    with gradients.plain():
        theirs = found(model, x)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("name", PAPER)
def test_slots_are_filled_through_the_batchs_statistics(name, rough):
    model, x = paper(rough, name).train(), seeded(2, 20, 5)
    places = {parameter: torch.full_like(parameter, 7.0) for parameter in model.parameters()}
    sums = gradients.Slots(places).fill(model.passes, x, 0.3)
    torch.testing.assert_close(sums, 0.3 * model.log_prob(x).sum(1))
    with gradients.plain():
        expected = torch.autograd.grad(0.3 * model.log_prob(x).sum(), list(model.parameters()))
    for mine, other in zip(places.values(), expected, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("name", PAPER)
@pytest.mark.parametrize("dim", [2, 3, 5])
def test_the_log_determinant_is_that_of_the_jacobian_and_the_inverse_undoes_the_map(name, dim, rough):
    model = paper(rough, name, dim=dim, members=1)
    model.refresh(2.0 * seeded(200, dim) + 1.0)
    x = seeded(1, 6, dim)
    z, log_det = model(x)
    for i in range(6):
        jacobian = torch.autograd.functional.jacobian(lambda point: model(point.view(1, 1, dim))[0].view(dim), x[0, i])
        torch.testing.assert_close(log_det[0, i], torch.linalg.slogdet(jacobian).logabsdet)
    torch.testing.assert_close(model.inverse(z), x, atol=1e-7, rtol=1e-7)


@pytest.mark.parametrize("name", PAPER)
def test_evaluation_uses_the_statistics_of_the_points_that_were_shown_last(name, rough):
    model = paper(rough, name)
    points = 2.0 * seeded(150, 5) + 1.0
    shown = points.expand(2, -1, -1)
    before = model.log_prob(shown)
    model.refresh(points)
    evaluated = model.log_prob(shown)
    assert not torch.allclose(before, evaluated)
    # On exactly these points a training pass has the same statistics.
    torch.testing.assert_close(model.train().log_prob(shown), evaluated)


@pytest.mark.parametrize("name", PAPER)
def test_training_leaves_the_statistics_alone_and_refreshing_leaves_the_weights_alone(name, rough):
    model = paper(rough, name).train()
    state = copy.deepcopy(model.state_dict())
    model.log_prob(seeded(2, 30, 5) + 4.0).sum().backward()
    assert all(torch.equal(state[key], value) for key, value in model.state_dict().items())
    model.refresh(seeded(60, 5) + 4.0)
    names = dict(model.named_parameters())
    assert all(torch.equal(state[key], value) for key, value in model.state_dict().items() if key in names)
    changed = [key for key, value in model.state_dict().items() if not torch.equal(state[key], value)]
    assert len(changed) == 2 * 3


def test_a_layer_of_batch_normalisation_leaves_mean_0_and_variance_1():
    layer = BatchNorm(5, 2).double().train()
    z, log_det = layer(3.0 * seeded(2, 5, 400) + 1.0)
    torch.testing.assert_close(z.mean(2), torch.zeros(2, 5, dtype=torch.float64), atol=1e-9, rtol=0)
    torch.testing.assert_close(z.var(2, correction=0), torch.ones(2, 5, dtype=torch.float64), atol=1e-5, rtol=0)
    assert log_det.shape == (2, 400)


@pytest.mark.parametrize("name", PAPER)
def test_members_are_independent_in_values_statistics_and_gradients(name, rough):
    model = paper(rough, name, members=3)
    model.refresh(seeded(90, 5))
    x = seeded(3, 20, 5)
    for key, value in model.state_dict().items():
        assert value.shape[0] == 3, key
    spec: Any = registry.find("model", name).spec(**{**COMMON, **PAPER[name]})
    single = take(model, spec, 1)
    torch.testing.assert_close(single.log_prob(x[1:2])[0], model.log_prob(x)[1])
    torch.testing.assert_close(single.train().log_prob(x[1:2])[0], model.train().log_prob(x)[1])


@pytest.mark.parametrize("name", PAPER)
def test_equal_seeds_give_equal_bits_in_any_company(name):
    spec: Any = registry.find("model", name).spec(**{**COMMON, **PAPER[name]})
    first, again = spec.build(5, [4, 5]).state_dict(), spec.build(5, [5]).state_dict()
    for key, value in first.items():
        assert torch.equal(value[1:], again[key]), key


@pytest.mark.parametrize(("inputs", "outputs"), [(7, 3), (3, 7), (5, 5)])
def test_orthogonal_weights_have_orthonormal_rows_or_columns_and_no_bias(inputs, outputs):
    layer = EnsembleLinear(inputs, outputs, generators([1, 2]), scale=0.1, init="orthogonal")
    short = layer.weight @ layer.weight.mT if outputs <= inputs else layer.weight.mT @ layer.weight
    eye = torch.eye(min(inputs, outputs)).expand(2, -1, -1)
    torch.testing.assert_close(short, eye, atol=1e-5, rtol=0)
    assert not layer.bias.any()


def test_without_a_limit_a_scale_may_be_as_large_as_it_likes(rough):
    model = rough("maf", limit=0.0, blocks=1)
    with torch.no_grad():
        dict(model.named_parameters())["transforms.0.first_scale"].fill_(9.0)
    _, log_det = model(seeded(2, 3, 2))
    assert bool((log_det > 7.0).all())


def test_alternate_couplings_keep_the_odd_columns_first(rough):
    model = rough("real-nvp", dim=5, split="alternate", blocks=1)
    x = seeded(2, 4, 5)
    z = model(x)[0]
    torch.testing.assert_close(z[..., 3:], x[..., 1::2])
    assert not torch.isclose(z[..., :3], x[..., ::2]).any()


# Recorded before these options came: sums of the parameters, and of log-densities.
RECORDED = {
    "real-nvp": (-20.634926372456903, -67.13822236118479),
    "maf": (27.0909817711825, -67.22643373539883),
    "glow": (-16.947286134573357, -68.8033931035327),
}


@pytest.mark.parametrize("name", RECORDED)
def test_what_the_default_models_draw_and_compute_is_as_before(name):
    data = torch.randn(100, 3, generator=torch.Generator().manual_seed(4))
    model = registry.find("model", name).spec().build(3, [1, 2], data).double()
    weights, values = RECORDED[name]
    assert float(sum(parameter.detach().sum() for parameter in model.parameters())) == pytest.approx(weights, abs=1e-4)
    assert float(model.log_prob(seeded(2, 9, 3)).detach().sum()) == pytest.approx(values, rel=1e-5)
