"""What holds for every model with latent variables, whose density is estimated by importance sampling."""

from __future__ import annotations

import pytest
import torch

from gmstudio import registry

#: Small networks: every point has hundreds of draws.
FIELDS = {"hidden": 8, "layers": 1, "gamma_start": 0.5}
MORE = {"two-stage-vae": {"second_hidden": 8, "second_layers": 1}}
NAMES = [c.name for c in registry.components("model") if "elbo" in c.spec().build(2, [1]).can]


def seeded(*shape, seed=3, scale=1.0):
    return scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def grid(half, side):
    ticks = (torch.arange(side, dtype=torch.float64) + 0.5) * (2 * half / side) - half
    return torch.cartesian_prod(ticks, ticks), (2 * half / side) ** 2


def test_the_models_with_latent_variables_are_all_there():
    assert set(NAMES) == {"vae", "vae-iaf", "hvae", "two-stage-vae"}


# The weights of two stages vary too much for it; they are held against quadrature in test_posteriors.py.
@pytest.mark.parametrize("name", [name for name in NAMES if name != "two-stage-vae"])
def test_the_weights_of_a_draw_integrate_to_one_over_the_data(name, rough):
    model = rough(name, amount=0.05, **FIELDS, **MORE.get(name, {}))
    x, area = grid(10.0, 80)
    with torch.no_grad():
        # A posterior near the prior: weights vary too much to tell anything where the two are far apart.
        model.encoder.last.weight.mul_(0.3)
    # The more numbers a draw takes, the more its integral varies.
    draws = 200 * model.draws
    noise = seeded(1, 1, draws, model.draws, seed=4)
    with torch.no_grad():
        total = sum(
            model.log_weights(part.expand(2, -1, -1), noise.expand(2, len(part), -1, -1)).exp().sum(1)
            for part in x.split(1600)
        )
    # One integral for each draw: independent numbers with the expectation 1.
    integrals = total * area
    error = integrals.std(1) / draws**0.5
    assert bool((error < 0.05).all())
    assert bool(((integrals.mean(1) - 1.0).abs() < 3 * error).all())


# The two-stage VAE adds no noise of the first stage to its samples.
@pytest.mark.parametrize("name", [name for name in NAMES if name != "two-stage-vae"])
def test_samples_follow_the_estimated_density(name, rough):
    model = rough(name, members=1, amount=0.05, **FIELDS, **MORE.get(name, {}))
    with torch.no_grad():
        samples = model.sample(model.noise(20_000, torch.Generator().manual_seed(5)).double())[0]
        x, area = grid(8.0, 80)
        value, error = model.log_prob_error(x[None], 400, seed=6)
    # Mass of the 16 x 16 squares of side 1, by quadrature and by counting; both have errors.
    mass = value[0].exp() * area
    variance = (mass * error[0]).square().view(16, 5, 16, 5).sum((1, 3))
    expected = mass.view(16, 5, 16, 5).sum((1, 3))
    cells = (samples + 8.0).floor().long().clamp(0, 15)
    counted = torch.zeros(16, 16, dtype=torch.float64).index_put_(
        (cells[:, 0], cells[:, 1]), torch.ones(len(cells), dtype=torch.float64), accumulate=True
    )
    difference = counted / len(samples) - expected
    deviation = (expected * (1 - expected) / len(samples) + variance).sqrt()
    assert bool((difference.abs() <= 5 * deviation + 1e-3).all())


def test_hidden_layers_begin_as_wide_as_their_activations_need():
    decoder = registry.find("model", "vae").spec(hidden=512, layers=1).build(2, [1]).decoder
    hidden, last = decoder.hiddens[0].weight.detach(), decoder.last.weight.detach()
    assert 0.95 * 3**0.5 < float(hidden.abs().max()) <= 3**0.5
    assert 0.95 / 512**0.5 < float(last.abs().max()) <= 1 / 512**0.5
