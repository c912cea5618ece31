"""Posteriors that are richer than the encoder's Gaussian, held against quadrature and autograd."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Normal

from gmstudio import registry
from gmstudio.models.layers.inverse_autoregressive import InverseAutoregressiveStep
from gmstudio.models.layers.latent import LatentModel
from gmstudio.models.layers.linear import generators
from gmstudio.objectives.elbo import ELBO
from gmstudio.objectives.implicit import ImplicitObjective
from gmstudio.objectives.iwae import IWAE
from gmstudio.registry import SpecError
from gmstudio.training.trainer import Trainer

FIELDS = {"vae-iaf": {}, "hvae": {}, "two-stage-vae": {"second_hidden": 6, "second_layers": 1}, "implicit-vae": {}}
SMALL = {"hidden": 6, "layers": 1, "gamma_start": 1.0}


def seeded(*shape, seed=3):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def small(name, rough, **fields):
    return rough(name, **{"members": 1, "amount": 0.1, **SMALL, **FIELDS[name], **fields})


def by_quadrature(model, x, latent):
    """log p(x) of points (1, B, D): the integral over the latent space on a grid, without any posterior."""
    ticks = (torch.arange(160, dtype=torch.float64) + 0.5) / 10 - 8.0
    z = torch.cartesian_prod(*[ticks] * latent).view(-1, latent)
    prior = Normal(0.0, 1.0).log_prob(z).sum(-1)
    mean, spread = model.decode(z[None]), model.log_gamma().exp().sqrt()
    return torch.stack(
        [
            (Normal(mean[0], spread[0]).log_prob(point).sum(-1) + prior).logsumexp(0) + latent * math.log(0.1)
            for point in x[0]
        ]
    )


@pytest.mark.parametrize("latent", [1, 2])
@pytest.mark.parametrize("name", ["vae-iaf", "hvae", "implicit-vae"])
def test_the_mean_weight_is_the_density_by_quadrature(name, latent, rough):
    model, x = small(name, rough, latent=latent), seeded(1, 6, 2)
    with torch.no_grad():
        # Draws about as wide as the prior's: else the weights would vary too much to tell anything.
        model.encoder.last.weight.mul_(4.0 if name == "implicit-vae" else 0.3)
        expected = by_quadrature(model, x, latent)
        value, error = model.log_prob_error(x, 20_000, seed=9)
    assert bool((error < 0.05).all())
    assert bool(((value[0] - expected).abs() < 4 * error[0] + 1e-4).all())


def test_two_stages_have_the_density_of_both_decoders(rough):
    model, x = small("two-stage-vae", rough, latent=1), seeded(1, 6, 2)
    # z by quadrature, and its density by quadrature over u: both are one-dimensional here.
    ticks = (torch.arange(400, dtype=torch.float64) + 0.5) / 20 - 10.0
    with torch.no_grad():
        model.encoder.last.weight.mul_(0.3), model.second.encoder.last.weight.mul_(0.3)
        inner = by_quadrature(model.second, ticks.view(1, -1, 1), 1)
        mean, spread = model.decode(ticks.view(1, -1, 1)), model.log_gamma().exp().sqrt()
        given = Normal(mean, spread[:, None]).log_prob(x[0][:, None, :]).sum(-1)
        expected = (given + inner).logsumexp(1) + math.log(0.05)
        value, error = model.log_prob_error(x, 40_000, seed=9)
    assert bool((error < 0.05).all())
    assert bool(((value[0] - expected).abs() < 4 * error[0] + 1e-4).all())


@pytest.mark.parametrize("name", ["vae-iaf", "hvae", "two-stage-vae"])
def test_the_bound_lies_below_the_density_and_more_draws_raise_it(name, rough):
    model, x = small(name, rough), seeded(1, 4, 2)
    with torch.no_grad():
        density, _ = model.log_prob_error(x, 20_000, seed=2)
        terms = [model.terms(x, seeded(1, 4, model.draws, seed=s)) for s in range(400)]
        weights = model.log_weights(x, seeded(1, 4, 4000, model.draws, seed=11)).view(4, 400, 10)
    elbo = torch.stack([reconstruction - divergence for reconstruction, divergence in terms])[:, 0].mean(1)
    five, ten = (weights[:, :, :k].logsumexp(-1) - math.log(k) for k in (5, 10))
    rise = (five.mean(0).mean() - elbo.mean()), (ten - five).mean(0)
    assert float(rise[0]) > 3 * float((elbo.var() / 400 + five.mean(0).var() / 400).sqrt())
    assert float(rise[1].mean()) > 3 * float(rise[1].std()) / 20
    assert float(density.mean() - ten.mean()) > 3 * float(ten.mean(0).std()) / 20


# Inverse autoregressive flow.


@pytest.mark.parametrize("latent", [1, 2, 5])
def test_a_step_has_the_volume_that_it_tells_and_is_autoregressive(latent):
    step = InverseAutoregressiveStep(latent, 3, hidden=12, activation="silu", draws=generators([1])).double()
    with torch.no_grad():
        for parameter in step.parameters():
            parameter += 0.3 * seeded(*parameter.shape, seed=parameter.numel())
    z, context = seeded(latent, seed=1), seeded(1, 3, 1, seed=2)
    jacobian = torch.func.jacrev(lambda z: step(z.view(1, latent, 1), context)[0].flatten())(z)
    _, log_det = step(z.view(1, latent, 1), context)
    torch.testing.assert_close(log_det.squeeze(), torch.linalg.slogdet(jacobian).logabsdet)
    straight = jacobian.flip(0)
    assert torch.equal(straight, straight.tril())
    if latent > 1:
        assert bool((straight.tril(-1) != 0).any())


def test_without_steps_that_bend_it_is_the_plain_vae(rough):
    """Gates that are open let the base through: the bound is the Gaussian one, up to Monte Carlo."""
    model, x = small("vae-iaf", rough, steps=3), seeded(1, 5, 2)
    with torch.no_grad():
        for step in model.steps:
            step.net.last.weight.zero_()
            step.net.last.bias[:, :2] = 60.0
    noise = seeded(1, 5, 7, 2)
    z, log_ratio = model.posterior(x, noise)
    mean, log_variance = model.encode(x)
    plain = mean.unsqueeze(2) + torch.exp(0.5 * log_variance).unsqueeze(2) * noise
    torch.testing.assert_close(z, plain.flip(-1))
    base = Normal(mean.unsqueeze(2), torch.exp(0.5 * log_variance).unsqueeze(2))
    expected = (Normal(0.0, 1.0).log_prob(plain) - base.log_prob(plain)).sum(-1)
    torch.testing.assert_close(log_ratio, expected)


# Hamiltonian steps.


@pytest.mark.parametrize("activation", ["relu", "silu", "tanh"])
def test_the_slope_of_the_joint_density_is_that_of_autograd(activation, rough):
    model = small("hvae", rough, activation=activation, layers=3, gamma="per column")
    x, z = seeded(1, 2, 9), seeded(1, 2, 9, seed=4).requires_grad_(True)
    joint = model.log_likelihood(x.mT, z.mT.unsqueeze(2)).sum() - 0.5 * z.square().sum()
    (slope,) = torch.autograd.grad(joint, z)
    torch.testing.assert_close(model.slope(x, z.detach()), slope)


def test_the_steps_are_leapfrog_with_the_papers_cooling(rough):
    model, x = small("hvae", rough, steps=2, temperature=0.3), seeded(1, 1, 2)
    noise = seeded(1, 1, 1, 4)
    with torch.no_grad():
        mean, log_variance = model.encode(x)
        z = mean + torch.exp(0.5 * log_variance) * noise[..., 0, :2]
        # Equation (9) of the paper: sqrt(beta_k) = 1 / ((1 - 1/sqrt(beta_0)) k^2/K^2 + 1/sqrt(beta_0)).
        root = [1 / ((1 - 0.3**-0.5) * k**2 / 4 + 0.3**-0.5) for k in range(3)]
        assert root[0] == pytest.approx(0.3**0.5) and root[2] == pytest.approx(1.0)
        rho = noise[..., 0, 2:] / root[0]
        size = 0.5 * torch.sigmoid(model.raw_size)
        for k in (1, 2):
            half = rho + size / 2 * model.slope(x.mT, z.mT).mT
            z = z + size * half
            rho = (half + size / 2 * model.slope(x.mT, z.mT).mT) * root[k - 1] / root[k]
        drawn, log_ratio = model.posterior(x, noise)
    torch.testing.assert_close(drawn[:, :, 0], z)
    start = Normal(mean, torch.exp(0.5 * log_variance))
    target = Normal(0.0, 1.0).log_prob(z).sum() + Normal(0.0, 1.0).log_prob(rho).sum()
    # Density of the start, times the volume of the cooling.
    first = start.log_prob(mean + torch.exp(0.5 * log_variance) * noise[..., 0, :2]).sum()
    momentum = Normal(0.0, 1 / root[0]).log_prob(noise[..., 0, 2:] / root[0]).sum() - 2 * math.log(root[0])
    torch.testing.assert_close(log_ratio.squeeze(), target - first - momentum)


def test_untempered_the_weights_keep_the_energy_to_second_order(rough):
    """The exact flow would leave every weight as the encoder's Gaussian has it (Caterini et al., section 3.1)."""
    x, noise = seeded(1, 40, 2), seeded(1, 40, 1, 4)
    errors = []
    for steps, size in ((8, 0.04), (16, 0.02), (32, 0.01)):
        model = small("hvae", rough, steps=steps, temperature=1.0, activation="tanh")
        with torch.no_grad():
            model.raw_size.fill_(math.log(size / (0.5 - size)))
            plain = LatentModel.posterior(model, x, noise[..., :2])
            expected = model.log_likelihood(x, plain.z) + plain.log_ratio
            moved = model.posterior(x, noise)
            assert float((moved.z - plain.z).abs().mean()) > 0.1
            errors.append(float((model.log_weights(x, noise) - expected).abs().mean()))
    assert errors[2] < 1e-2
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.1)
    assert errors[1] / errors[2] == pytest.approx(4.0, rel=0.1)


# Two stages.


def test_no_stage_learns_from_the_others_loss(rough):
    model, x = small("two-stage-vae", rough), seeded(1, 30, 2)
    noise = seeded(1, 30, model.draws)
    first = [model.encoder, model.decoder]
    own = [p for module in first for p in module.parameters()] + [model.raw_gamma]
    ours = torch.autograd.grad(ELBO().loss(model, x, noise).sum(), [*own, *model.second.parameters()])
    mean, log_variance = model.encode(x)
    z, _ = model.drawn(mean, log_variance, noise[..., :2].unsqueeze(2))
    divergence = torch.distributions.kl_divergence(Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0)).sum(-1)
    alone = (divergence - model.log_likelihood(x, z).squeeze(2)).mean()
    expected = torch.autograd.grad(alone, own, retain_graph=True)
    second = ELBO().loss(model.second, z.squeeze(2).detach(), noise[..., 2:]).sum()
    expected += torch.autograd.grad(second, list(model.second.parameters()))
    for mine, other in zip(ours, expected, strict=True):
        torch.testing.assert_close(mine, other)


def test_samples_come_from_the_second_stage_and_have_no_noise_of_the_first(rough):
    model = small("two-stage-vae", rough)
    noise = model.noise(50, torch.Generator().manual_seed(1)).double()
    assert noise.shape == (50, 4)
    torch.testing.assert_close(model.sample(noise), model.decode(model.second.sample(noise)))


# The implicit posterior.


def test_the_critics_loss_is_that_of_sliced_score_matching(rough):
    model, x = small("implicit-vae", rough, layers=2), seeded(1, 7, 2)
    noise, direction = seeded(1, 7, 4, seed=1), seeded(1, 7, 2, seed=2)
    _, _, loss = model.entropy_loss(x, noise, direction)
    z = model.implicit(x.mT, noise.mT).detach().requires_grad_(True)
    score = model.critic(torch.cat((x.mT, z), dim=1))
    along = (score * direction.mT).sum()
    (slope,) = torch.autograd.grad(along, z)
    torch.testing.assert_close(loss, (slope * direction.mT).sum(1) + 0.5 * score.square().sum(1))


def test_critic_and_autoencoder_have_no_gradients_of_each_others_losses(rough):
    model, x = small("implicit-vae", rough), seeded(1, 7, 2)
    noise = seeded(1, 7, 6)
    reconstruction, divergence, loss = model.entropy_loss(x, noise[..., :4], noise[..., 4:])
    others = [p for name, p in model.named_parameters() if not name.startswith("critic")]
    critic = list(model.critic.parameters())
    of_critic = torch.autograd.grad(loss.sum(), [*critic, *others], allow_unused=True, retain_graph=True)
    assert all(slope is None for slope in of_critic[len(critic) :])
    of_rest = torch.autograd.grad((divergence - reconstruction).sum(), [*critic, *others], allow_unused=True)
    assert all(slope is None for slope in of_rest[: len(critic)])


def test_with_the_true_score_the_gradient_is_that_of_the_divergence(rough):
    """A linear encoder has a Gaussian posterior, whose score and divergence are known."""
    model, x = small("implicit-vae", rough, noise=2, latent=2), seeded(1, 4000, 2)
    scale = torch.tensor([[0.7, 0.0], [0.3, 0.5]], dtype=torch.float64, requires_grad=True)
    shift = torch.tensor([0.4, -0.2], dtype=torch.float64, requires_grad=True)
    covariance = (scale @ scale.T).detach()

    def score(columns, z, direction):
        return -torch.linalg.solve(covariance, z - shift.detach()[:, None]), z.sum(1)

    model.implicit = lambda columns, noise: scale @ noise + shift[:, None]
    model._critic = score
    _, divergence, _ = model.entropy_loss(x, seeded(1, 4000, 2, seed=6), seeded(1, 4000, 2, seed=7))
    slopes = torch.autograd.grad(divergence.mean(), [scale, shift], retain_graph=True)
    posterior = torch.distributions.MultivariateNormal(shift, scale @ scale.T)
    normal = torch.distributions.MultivariateNormal(torch.zeros(2).double(), torch.eye(2).double())
    expected = torch.autograd.grad(torch.distributions.kl_divergence(posterior, normal), [scale, shift])
    for mine, other in zip(slopes, expected, strict=True):
        # Means over 4,000 draws of products of normals, whose deviations are a few units at most.
        assert float((mine - other).abs().max()) < 0.25
    assert float(expected[0].abs().max()) > 1.0


def test_its_proposal_has_the_mean_and_the_spread_of_its_draws(rough):
    model, x = small("implicit-vae", rough), seeded(1, 3, 2)
    noise = seeded(1, 4, 3 * 20_000)
    z = model.implicit(x.mT.repeat_interleave(20_000, dim=2), noise).view(2, 3, 20_000)
    mean, log_variance = model.encode(x)
    torch.testing.assert_close(mean[0], z.mean(-1).T, atol=0.1, rtol=0.1)
    torch.testing.assert_close((0.5 * log_variance).exp()[0], z.std(-1).T, atol=0.05, rtol=0.25)


# What fits what.


@pytest.mark.parametrize("name", ["vae-iaf", "hvae", "two-stage-vae", "implicit-vae"])
def test_what_makes_no_sense_is_refused_with_a_reason(name):
    from gmstudio import runs

    run = runs.run_from_plain({"data": {"kind": "two-moons"}, "model": {"kind": name}})
    objective = IWAE(gradient="DReG")
    with pytest.raises(SpecError, match=r"needs .*(posterior|weights)"):
        Trainer(runs.single(run.changed(objective=objective)))
    with pytest.raises(SpecError, match="needs"):
        Trainer(runs.single(run.changed(objective=ELBO() if name == "implicit-vae" else ImplicitObjective())))


@pytest.mark.parametrize("name", list(FIELDS))
def test_it_trains_under_mollification_and_gets_better(name):
    from gmstudio import runs

    plain = {
        "data": {"kind": "two-moons", "size": 500},
        "model": {"kind": name, "hidden": 16, **FIELDS[name]},
        "mollification": {"kind": "sigmoid", "until": 0.5},
        "training": {"steps": 300, "batch": 64, "rate": 3e-3, "evaluate_every": 50},
    }
    trainer = Trainer(runs.twins(runs.run_from_plain(plain)))
    while not trainer.finished:
        trainer.advance(100)
    told = [metric for metric in trainer.drain() if metric.name == "validation"]
    for column in (0, 1):
        values = [metric.value for metric in told if metric.column == column]
        assert values[-1] > values[0] + 1.0
    assert registry.of(trainer.experiment.run.objective).name == ("implicit" if name == "implicit-vae" else "elbo")
