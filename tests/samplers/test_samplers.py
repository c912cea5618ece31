"""Samplers against stationary distributions that are known."""

from __future__ import annotations

import math

import pytest
import torch

from gmstudio import registry
from gmstudio.registry import SpecError


def made(name, **fields):
    return registry.find("sampler", name).spec(**fields)


def start(count, dim=1, seed=0):
    return torch.randn(count, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def normal(x):
    return -0.5 * x.square().sum(-1)


def acceptance(dim, step):
    """The stationary acceptance on N(0, I): the mean of min(1, p(y) q(x | y) / p(x) q(y | x)), from exact draws."""
    x = start(1_000_000, dim, seed=5)
    y = (1 - step) * x + math.sqrt(2 * step) * start(1_000_000, dim, seed=6)
    forward = ((y - (1 - step) * x) ** 2).sum(-1) / (4 * step)
    back = ((x - (1 - step) * y) ** 2).sum(-1) / (4 * step)
    return (normal(y) - normal(x) + forward - back).exp().clamp(max=1.0).mean().item()


@pytest.mark.parametrize("step", [0.1, 0.5, 1.0])
def test_langevin_has_the_variance_of_its_step(step):
    chains = 50_000
    sampler = made("langevin", step=step, steps=80)
    x = sampler.run(start(chains), torch.Generator().manual_seed(1), score=lambda x: -x).points
    expected = 1.0 / (1.0 - step / 2.0)
    assert x.var().item() == pytest.approx(expected, abs=5 * expected * math.sqrt(2 / chains))
    assert x.mean().item() == pytest.approx(0.0, abs=5 * math.sqrt(expected / chains))


@pytest.mark.parametrize("dim", [1, 2])
def test_mala_has_no_bias_and_the_exact_acceptance(dim):
    chains = 50_000
    sampler = made("mala", step=0.3, steps=60)
    samples = sampler.run(start(chains, dim), torch.Generator().manual_seed(1), log_prob=normal)
    assert samples.points.var().item() == pytest.approx(1.0, abs=5 * math.sqrt(2 / (dim * chains)))
    assert samples.acceptance.item() == pytest.approx(acceptance(dim, 0.3), abs=0.0015)


def test_the_acceptance_in_the_plane_is_the_known_one():
    assert acceptance(2, 0.3) == pytest.approx(0.942, abs=1e-3)


def test_mala_in_the_plane_reaches_a_correlated_gaussian():
    covariance = torch.tensor([[1.0, 0.6], [0.6, 0.5]], dtype=torch.float64)
    precision = torch.linalg.inv(covariance)
    sampler = made("mala", step=0.1, steps=200)
    x = sampler.run(
        3.0 + start(10_000, 2),
        torch.Generator().manual_seed(1),
        log_prob=lambda x: -0.5 * ((x @ precision) * x).sum(-1),
    ).points
    torch.testing.assert_close(torch.cov(x.T), covariance, atol=0.05, rtol=0)
    torch.testing.assert_close(x.mean(0), torch.zeros(2, dtype=torch.float64), atol=0.05, rtol=0)


def test_mala_refuses_proposals_where_the_density_is_not_a_number():
    def half(x):
        return torch.where(x[..., 0] > 0, normal(x), torch.full_like(x[..., 0], math.nan))

    x = made("mala", step=0.3, steps=50).run(start(1000).abs(), torch.Generator().manual_seed(1), log_prob=half)
    assert bool((x.points > 0).all())


def test_annealing_spreads_chains_over_both_modes():
    def log_prob(x):
        sides = torch.stack((normal((x - 4.0) / 0.5), normal((x + 4.0) / 0.5)))
        return sides.logsumexp(0)

    x0 = torch.full((2000, 1), 4.0, dtype=torch.float64)
    plain = made("langevin", step=0.05, steps=1000).run(x0, torch.Generator().manual_seed(1), log_prob=log_prob)
    annealed = made("annealed-langevin", step=0.05, steps=100, levels=10, hottest=100.0).run(
        x0, torch.Generator().manual_seed(1), log_prob=log_prob
    )
    assert (plain.points < 0).double().mean().item() == 0.0
    assert (annealed.points < 0).double().mean().item() == pytest.approx(0.5, abs=0.1)


def test_the_temperatures_fall_to_one_in_equal_ratios():
    sampler = made("annealed-langevin", levels=4, hottest=8.0)
    assert sampler.temperatures() == pytest.approx((8.0, 4.0, 2.0, 1.0))
    assert made("annealed-langevin", levels=1, hottest=1.0).temperatures() == (1.0,)
    with pytest.raises(SpecError, match="levels or more"):
        made("annealed-langevin", levels=1)


@pytest.mark.parametrize("name", [c.name for c in registry.components("sampler")])
def test_the_same_generator_gives_the_same_bits_and_nothing_else_is_drawn_from(name):
    sampler = made(name, steps=5)
    before = torch.get_rng_state()
    weight = torch.ones((), dtype=torch.float64, requires_grad=True)
    one, two = (
        sampler.run(start(6, 2), torch.Generator().manual_seed(4), log_prob=lambda x: weight * normal(x))
        for _ in range(2)
    )
    assert torch.equal(one.points, two.points)
    assert torch.equal(torch.get_rng_state(), before)
    assert weight.grad is None and not one.points.requires_grad


@pytest.mark.parametrize("name", [c.name for c in registry.components("sampler")])
def test_a_score_or_a_log_density_is_needed(name):
    with pytest.raises(ValueError, match="log_prob="):
        made(name).run(start(3), torch.Generator())


def test_a_sampler_draws_from_a_model_of_several_members():
    model = registry.find("model", "gaussian").spec().build(2, [1, 2])
    with torch.no_grad():
        model.mean += torch.tensor([[2.0, 0.0], [0.0, -2.0]])
    x0 = torch.zeros(2, 4000, 2)
    samples = made("mala", step=0.3, steps=40).run(x0, torch.Generator().manual_seed(0), log_prob=model.log_prob)
    torch.testing.assert_close(samples.points.mean(1), model.mean.data, atol=0.08, rtol=0)
