"""Heavy tails at the end of a flow."""

from __future__ import annotations

import pytest
import torch

from gmstudio import registry
from gmstudio.models.layers import gradients, tails

FLOWS = [c.name for c in registry.components("model") if c.spec.__module__.startswith("gmstudio.models.flows")]


def seeded(*shape, seed=3):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("name", FLOWS)
@pytest.mark.parametrize("dim", [2, 5])
def test_the_log_density_is_that_of_the_change_of_variables(name, dim, rough):
    model, x = rough(name, dim=dim, members=1, tails="heavy"), 2.0 * seeded(6, dim)
    assert model.heavy
    jacobian = torch.func.vmap(torch.func.jacrev(lambda point: model.forward(point.view(1, 1, dim))[0].view(dim)))(x)
    z, log_det = model.forward(x[None])
    torch.testing.assert_close(log_det[0], torch.linalg.slogdet(jacobian).logabsdet, atol=1e-9, rtol=1e-9)
    expected = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1) + log_det
    torch.testing.assert_close(model.log_prob(x[None]), expected, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("name", FLOWS)
def test_gradients_by_hand_are_those_of_autograd(name, rough):
    model, x = rough(name, dim=3, tails="heavy"), 3.0 * seeded(2, 40, 3)
    weights = torch.linspace(-1.0, 2.0, 40, dtype=torch.float64)
    asked = [x.requires_grad_(True), *model.parameters()]
    ours = torch.autograd.grad((model.log_prob(x) * weights).sum(), asked)
    with gradients.plain():
        theirs = torch.autograd.grad((model.log_prob(x) * weights).sum(), asked)
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("name", FLOWS)
def test_the_way_back_and_the_path_know_of_the_tails(name, rough):
    model, x = rough(name, dim=3, tails="heavy"), 2.0 * seeded(2, 30, 3)
    z, _ = model.forward(x)
    torch.testing.assert_close(model.inverse(z), x, atol=1e-8, rtol=1e-8)
    torch.testing.assert_close(model.path(x)[-1], z)
    torch.testing.assert_close(model.path(x)[0], x)


def test_the_bend_has_the_slope_that_it_tells():
    y = torch.tensor([-1e6, -40.0, -3.0, -0.1, 0.0, 0.2, 5.0, 1e5], dtype=torch.float64, requires_grad=True)
    z, _ = tails.bend(y.view(1, 1, -1))
    (slope,) = torch.autograd.grad(z.sum(), y)
    torch.testing.assert_close(tails.bend(y.detach().view(1, 1, -1))[1][0], slope.log(), atol=1e-12, rtol=1e-12)
    torch.testing.assert_close(tails.unbend(z).flatten(), y, rtol=1e-9, atol=1e-12)


def test_an_outlier_costs_some_nats_and_not_its_square():
    spec = registry.find("model", "real-nvp").spec
    x = torch.tensor([[[1000.0, 0.0]]])
    normal, heavy = (spec(blocks=1, tails=kind).build(2, [1]) for kind in ("normal", "heavy"))
    assert normal.log_prob(x).item() < -1e5
    assert heavy.log_prob(x).item() > -400.0


def test_single_precision_stays_finite_where_a_flow_has_blown_up():
    y = torch.tensor([1e18, -1e18, 0.0]).view(1, 1, 3).requires_grad_(True)
    z, log = tails.bend(y)
    slope = tails.pull(y.detach(), -z.detach(), torch.ones(1, 3))
    assert bool(z.isfinite().all() and log.isfinite().all() and slope.isfinite().all())
