"""The bounds of latent-variable models, held against a linear-Gaussian problem, whose log-density is known."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from gmstudio import registry
from gmstudio.models.layers.latent import BOUND, LatentModel, Variance, estimate, gaussian_divergence, sobol_normal
from gmstudio.models.layers.linear import EnsembleLinear, generators
from gmstudio.objectives.elbo import ELBO
from gmstudio.objectives.iwae import IWAE

GAMMA = 0.3
# The columns are orthogonal, so that the true posterior is Gaussian with a diagonal covariance.
W = torch.tensor([[1.0, 0.5], [0.8, -0.4], [-0.4, 0.45]], dtype=torch.float64)
OFFSET = torch.tensor([0.2, -0.1, 0.4], dtype=torch.float64)
TRUTH = MultivariateNormal(OFFSET, W @ W.T + GAMMA * torch.eye(3, dtype=torch.float64))


def seeded(*shape, seed=3):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def points(count, seed=1):
    return OFFSET + seeded(count, 3, seed=seed) @ torch.linalg.cholesky(TRUTH.covariance_matrix).T


def linear_model(members=1, shift=0.0, wider=0.0, gamma="fixed"):
    """A linear decoder, and the encoder of the true posterior; moved and widened where asked for."""
    draws = generators([0] * members)
    encoder, decoder = EnsembleLinear(3, 4, draws), EnsembleLinear(2, 3, draws)
    model = LatentModel(3, 2, encoder, decoder, members, Variance(gamma, GAMMA)).double()
    covariance = torch.linalg.inv(torch.eye(2, dtype=torch.float64) + W.T @ W / GAMMA)
    assert abs(covariance[0, 1]) < 1e-12
    weight = covariance @ W.T / GAMMA
    spread = covariance.diagonal().log() + wider
    with torch.no_grad():
        model.raw_gamma.copy_(torch.full_like(model.raw_gamma, math.log(GAMMA) / 10))
        decoder.weight.copy_(W.expand(members, -1, -1))
        decoder.bias.copy_(OFFSET.expand(members, -1))
        encoder.weight.zero_()
        encoder.weight[:, :2] = weight
        encoder.bias[:, :2] = shift - weight @ OFFSET
        encoder.bias[:, 2:] = BOUND * torch.atanh(spread / BOUND)
    return model


def bounds(model, x, k, repeats, seed=5):
    """-loss of IWAE with k draws, `repeats` independent estimates: (repeats,)."""
    objective, own = IWAE(k=k), torch.Generator().manual_seed(seed)
    numbers = [torch.randn(1, len(x), 2 * k, generator=own, dtype=torch.float64) for _ in range(repeats)]
    with torch.no_grad():
        return torch.cat([-objective.loss(model, x[None], noise) for noise in numbers])


def test_with_the_exact_posterior_every_weight_is_the_density():
    model, x = linear_model(), points(20)
    weights = model.log_weights(x[None], seeded(1, 20, 7, 2))
    torch.testing.assert_close(weights[0], TRUTH.log_prob(x)[:, None].expand(-1, 7), atol=1e-10, rtol=0)


def test_the_bounds_rise_towards_the_density_with_the_number_of_draws():
    model, x = linear_model(shift=0.25, wider=0.4), points(500)
    exact = TRUTH.log_prob(x).mean()
    found = [bounds(model, x, k, 40) for k in (1, 5, 50)]
    means = [values.mean() for values in found]
    errors = [values.std() / 40**0.5 for values in found]
    for lower, higher, error in zip(means, [*means[1:], exact], errors, strict=True):
        assert lower + 4 * error < higher
    gaps = [float(exact - mean) for mean in means]
    assert gaps[1] < gaps[0] / 2 and gaps[2] < gaps[1] / 4


def test_the_elbo_is_the_bound_of_one_draw_on_average_and_falls_short_by_the_divergence_from_the_posterior():
    model, x = linear_model(shift=0.25, wider=0.4), points(500)
    noise = seeded(60, 1, 500, 2, seed=8)
    with torch.no_grad():
        elbo = torch.cat([-ELBO().loss(model, x[None], own) for own in noise])
        one = torch.cat([-IWAE(k=1).loss(model, x[None], own) for own in noise])
        mean, log_variance = model.encode(x[None])
        true_mean, true_log_variance = linear_model().encode(x[None])
    difference = elbo - one
    assert abs(difference.mean()) < 3 * difference.std() / 60**0.5
    q = Independent(Normal(mean, (0.5 * log_variance).exp()), 1)
    posterior = Independent(Normal(true_mean, (0.5 * true_log_variance).exp()), 1)
    exact = (TRUTH.log_prob(x) - kl_divergence(q, posterior)[0]).mean()
    assert abs(elbo.mean() - exact) < 3 * elbo.std() / 60**0.5


def test_the_divergence_is_that_of_torch():
    mean, log_variance = seeded(2, 9, 4), 2 * seeded(2, 9, 4, seed=4)
    q = Independent(Normal(mean, (0.5 * log_variance).exp()), 1)
    p = Independent(Normal(torch.zeros_like(mean), torch.ones_like(mean)), 1)
    torch.testing.assert_close(gaussian_divergence(mean, log_variance), kl_divergence(q, p))


def test_the_terms_and_the_divergence_are_those_of_the_draw():
    model, x, noise = linear_model(shift=0.3), points(6)[None], seeded(1, 6, 2)
    reconstruction, divergence = model.terms(x, noise)
    z = model.posterior(x, noise[:, :, None]).z
    expected = Independent(Normal(model.decode(z[:, :, 0]), GAMMA**0.5), 1).log_prob(x)
    torch.testing.assert_close(reconstruction, expected)
    torch.testing.assert_close(divergence, model.divergence(x, noise))
    torch.testing.assert_close(model.reconstruct(x), model.decode(model.encode(x)[0]))


def test_beta_weighs_the_divergence_as_a_larger_fixed_variance_does():
    model, x, noise = linear_model(shift=0.3, wider=0.2), points(30)[None], seeded(1, 30, 2)
    beta = 4.0
    weighed = ELBO(beta=beta).loss(model, x, noise)
    constant = 0.5 * 3 * math.log(2 * math.pi * GAMMA)
    with torch.no_grad():
        model.raw_gamma += math.log(beta) / 10
    larger = ELBO().loss(model, x, noise)
    larger_constant = 0.5 * 3 * math.log(2 * math.pi * GAMMA * beta)
    torch.testing.assert_close(weighed - constant, beta * (larger - larger_constant))


def test_the_estimated_density_is_within_its_standard_errors():
    model, x = linear_model(shift=0.25, wider=0.4), points(400)
    value, error = model.log_prob_error(x[None], 1000, seed=2)
    off = (value - TRUTH.log_prob(x))[0] / error[0]
    assert abs(off.mean()) < 3 / 400**0.5
    # They have a mean square of 1 if the errors are what they say; the fourth moment gives 0.07 for its own error.
    assert abs(off.square().mean() - 1) < 0.21


def test_the_density_of_the_panels_is_close_and_the_same_every_time():
    model, x = linear_model(shift=0.1, wider=0.1), points(300)[None]
    value = model.log_prob(x)
    assert torch.equal(value, model.log_prob(x))
    parts = torch.cat([model.log_prob(part) for part in torch.split(x, 70, dim=1)], dim=1)
    torch.testing.assert_close(parts, value)
    off = value[0] - TRUTH.log_prob(x[0])
    assert abs(off.mean()) < 0.02 and off.abs().max() < 0.3


def test_the_mean_weight_and_its_error_are_those_of_the_weights():
    weights = seeded(5, 50).exp()
    value, error = estimate(weights.log() + 700.0)
    torch.testing.assert_close(value, weights.mean(1).log() + 700.0)
    torch.testing.assert_close(error, weights.std(1) / 50**0.5 / weights.mean(1))


def test_sobol_points_are_standard_normal_and_touch_no_global_generator():
    before = torch.get_rng_state()
    numbers = sobol_normal(4096, 5, 1).double()
    assert torch.equal(torch.get_rng_state(), before)
    assert bool(numbers.isfinite().all())
    torch.testing.assert_close(numbers.T @ numbers / 4096, torch.eye(5, dtype=torch.float64), atol=0.01, rtol=0)


def gradients(objective, x, noise, **changes):
    """Gradient of each member by the names of the parameters, all members alike but for their noise."""
    model = linear_model(members=len(noise), gamma="learned", **changes)
    loss = objective.loss(model, x.expand(len(noise), -1, -1), noise.flatten(2))
    parameters = dict(model.named_parameters())
    found = torch.autograd.grad(loss.sum(), list(parameters.values()))
    return {name: gradient.flatten(1) for name, gradient in zip(parameters, found, strict=True)}


def test_dreg_agrees_in_mean_with_the_plain_gradient_and_varies_less():
    repeats, x = 4000, points(3)
    noise = seeded(repeats, 3, 16, 2, seed=6)
    plain, doubly = (
        gradients(IWAE(k=16, gradient=name), x, noise, shift=0.25, wider=0.4) for name in ("plain", "DReG")
    )
    for name in ("encoder.weight", "encoder.bias"):
        difference = plain[name] - doubly[name]
        error = difference.std(0) / repeats**0.5
        assert bool((difference.mean(0).abs() < 4 * error).all())
        assert float(doubly[name].var(0).sum()) < 0.5 * float(plain[name].var(0).sum())
    for name in ("decoder.weight", "decoder.bias", "raw_gamma"):
        torch.testing.assert_close(plain[name], doubly[name])


def test_dreg_is_the_formula_of_the_paper():
    x, noise = points(1), seeded(1, 1, 6, 2, seed=6)
    model = linear_model(shift=0.25, wider=0.4)
    mean, log_variance = (value[0, 0] for value in model.encode(x[None]))
    own = list(model.encoder.parameters())
    held = Independent(Normal(mean.detach(), (0.5 * log_variance.detach()).exp()), 1)
    prior = Independent(Normal(torch.zeros(2).double(), torch.ones(2).double()), 1)
    weights, slopes = [], []
    for numbers in noise[0, 0]:
        z = mean + (0.5 * log_variance).exp() * numbers
        likelihood = Independent(Normal(model.decode(z[None, None])[0, 0], GAMMA**0.5), 1).log_prob(x[0])
        log_weight = likelihood + prior.log_prob(z) - held.log_prob(z)
        weights.append(log_weight.detach())
        slopes.append(torch.autograd.grad(log_weight, own, retain_graph=True))
    share = torch.stack(weights).softmax(0)
    expected = [-sum(w**2 * slope[i] for w, slope in zip(share, slopes, strict=True)) for i in range(2)]
    loss = IWAE(k=6, gradient="DReG").loss(model, x[None], noise.flatten(2))
    torch.testing.assert_close(loss[0], -torch.stack(weights).logsumexp(0) + math.log(6))
    torch.testing.assert_close(list(torch.autograd.grad(loss.sum(), own)), expected)


@pytest.mark.parametrize("objective", [ELBO(beta=2.0), IWAE(k=3)], ids=["elbo", "iwae"])
def test_gradients_are_slopes_of_the_loss(objective):
    model = registry.find("model", "vae").spec(hidden=4, layers=1, gamma="per column").build(2, [1]).double()
    x, noise = seeded(1, 5, 2), seeded(1, 5, objective.draws(model), seed=4)
    parameters = list(model.parameters())
    found = torch.autograd.grad(objective.loss(model, x, noise).sum(), parameters)
    for parameter, gradient in zip(parameters, found, strict=True):
        direction = seeded(*parameter.shape, seed=9)
        with torch.no_grad():
            parameter += 1e-6 * direction
            above = objective.loss(model, x, noise)
            parameter -= 2e-6 * direction
            below = objective.loss(model, x, noise)
            parameter += 1e-6 * direction
        torch.testing.assert_close((above - below)[0] / 2e-6, (gradient * direction).sum(), atol=1e-7, rtol=1e-5)


def test_a_fixed_variance_is_no_parameter_and_a_variance_of_every_column_has_as_many():
    spec = registry.find("model", "vae").spec
    fixed, columns = spec(gamma="fixed", gamma_start=0.5).build(2, [1]), spec(gamma="per column").build(2, [1, 2])
    assert "raw_gamma" not in dict(fixed.named_parameters())
    torch.testing.assert_close(fixed.log_gamma(), torch.full((1, 2), math.log(0.5)))
    assert columns.raw_gamma.shape == (2, 2) and columns.log_gamma().shape == (2, 2)
