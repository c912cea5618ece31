"""What holds for every registered model."""

from __future__ import annotations

import math

import pytest
import torch

from gmstudio import registry

NAMES = [c.name for c in registry.components("model")]
#: Whose `log_prob` is the log-density itself; the others estimate it, and are held to that in `test_latent.py`.
EXACT = [name for name in NAMES if "density" in registry.find("model", name).spec.offers]
DATA = torch.randn(300, 2, generator=torch.Generator().manual_seed(9))


def seeded(*shape, seed=3, scale=1.0):
    return scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def grid(half, side):
    ticks = (torch.arange(side, dtype=torch.float64) + 0.5) * (2 * half / side) - half
    return torch.cartesian_prod(ticks, ticks), (2 * half / side) ** 2


def trained(name, model, x):
    """What the model learns by: the loss of its own objective, and the log-density."""
    objective = registry.from_plain("objective", {"kind": registry.find("model", name).spec.objective})
    noise = torch.randn(*x.shape[:2], objective.draws(model), generator=torch.Generator().manual_seed(8)).to(x)
    return objective.loss(model, x, noise).sum() + model.log_prob(x).sum()


def test_the_models_of_the_workbench_are_all_there():
    assert {"real-nvp", "maf", "glow", "spline", "gaussian", "mixture", "kde"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_shapes_lead_with_the_ensemble(name, rough):
    model = rough(name, members=3)
    assert (model.members, model.dim) == (3, 2)
    x = seeded(3, 5, 2)
    assert model.log_prob(x).shape == (3, 5)
    assert model.score(x).shape == (3, 5, 2)
    noise = model.noise(7, torch.Generator().manual_seed(1))
    assert noise.dtype == torch.float32 and noise.shape[0] == 7
    assert model.sample(noise.double()).shape == (3, 7, 2)
    for key, value in {**dict(model.named_parameters()), **dict(model.named_buffers())}.items():
        assert value.shape[0] == 3, key


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dim", [2, 5])
def test_what_a_model_holds_can_be_overwritten(name, dim, rough):
    model, other = rough(name, dim=dim, members=3), rough(name, dim=dim, members=3, amount=0.2)
    x = seeded(3, 5, dim)
    with torch.no_grad():
        for mine, its in zip(
            [*model.parameters(), *model.buffers()], [*other.parameters(), *other.buffers()], strict=True
        ):
            mine.copy_(its)
    assert torch.equal(model.log_prob(x), other.log_prob(x))


@pytest.mark.parametrize("name", EXACT)
def test_the_density_integrates_to_one(name, rough):
    model = rough(name, members=2, amount=0.05, **({"centres": 50} if name == "kde" else {}))
    x, area = grid(8.0, 240)
    with torch.no_grad():
        total = sum(model.log_prob(part.expand(2, -1, -1)).exp().sum(1) for part in x.split(20_000)) * area
    torch.testing.assert_close(total, torch.ones_like(total), atol=2e-3, rtol=0)


@pytest.mark.parametrize("name", EXACT)
def test_samples_follow_the_density(name, rough):
    model = rough(name, members=1, amount=0.05)
    with torch.no_grad():
        samples = model.sample(model.noise(20_000, torch.Generator().manual_seed(5)).double())[0]
        x, area = grid(8.0, 320)
        mass = torch.cat([model.log_prob(part.expand(1, -1, -1))[0].exp() for part in x.split(20_000)]) * area
    # Mass of the 16 x 16 squares of side 1, by quadrature and by counting.
    expected = mass.view(16, 20, 16, 20).sum((1, 3))
    cells = (samples + 8.0).floor().long().clamp(0, 15)
    counted = torch.zeros(16, 16, dtype=torch.float64).index_put_(
        (cells[:, 0], cells[:, 1]), torch.ones(len(cells), dtype=torch.float64), accumulate=True
    )
    error = counted / len(samples) - expected
    deviation = (expected * (1 - expected) / len(samples)).sqrt()
    assert bool((error.abs() <= 5 * deviation + 5e-4).all())


@pytest.mark.parametrize("name", NAMES)
def test_the_score_is_the_gradient_of_the_log_density(name, rough):
    model = rough(name)
    x = seeded(2, 6, 2)
    score = model.score(x)
    assert not score.requires_grad
    step = 1e-6
    for column in range(2):
        shift = torch.zeros(2, dtype=torch.float64)
        shift[column] = step
        slope = (model.log_prob(x + shift) - model.log_prob(x - shift)) / (2 * step)
        torch.testing.assert_close(score[..., column], slope.detach(), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_score_is_the_same_under_inference(name, rough):
    model = rough(name)
    x = seeded(2, 6, 2)
    expected = model.score(x)
    with torch.no_grad():
        assert torch.equal(model.score(x), expected)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dim", [2, 5])
def test_gradients_reach_every_parameter_of_every_member(name, dim, rough):
    model = rough(name, dim=dim, members=2).train()
    trained(name, model, seeded(2, 64, dim)).backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None, key
        assert bool(parameter.grad.isfinite().all()), key
        assert bool((parameter.grad.flatten(1).abs().sum(1) > 0).all()), key


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_values_and_gradients_are_finite_far_away(name, mode):
    model = registry.find("model", name).spec().build(2, [1], DATA).train(mode == "train")
    ticks = torch.tensor([-50.0, -5.0, -1e-3, 0.0, 5.0, 20.0, 50.0])
    x = torch.cartesian_prod(ticks, ticks).unsqueeze(0).requires_grad_(True)
    log_prob = model.log_prob(x)
    assert bool(log_prob.isfinite().all())
    trained(name, model, x).backward()
    assert bool(x.grad.isfinite().all())
    assert all(bool(p.grad.isfinite().all()) for p in model.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_equal_seeds_give_equal_bits_and_others_do_not(name):
    spec = registry.find("model", name).spec()
    torch.manual_seed(1)
    first = spec.build(2, [4, 4, 5], DATA).state_dict()
    torch.manual_seed(2)
    again = spec.build(2, [4], DATA).state_dict()
    for key, value in first.items():
        assert torch.equal(value[0], value[1]), key
        assert torch.equal(value[:1], again[key]), key
    if name != "gaussian":
        assert any(not torch.equal(value[0], value[2]) for value in first.values())


@pytest.mark.parametrize("name", NAMES)
def test_nothing_draws_from_the_global_generator(name):
    spec = registry.find("model", name).spec()
    before = torch.get_rng_state()
    model = spec.build(2, [1], DATA)
    noise = model.noise(8, torch.Generator().manual_seed(1))
    model.sample(noise)
    model.log_prob(noise[:, :2].unsqueeze(0))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_state_is_loaded_without_the_data(name, rough):
    spec = registry.find("model", name).spec()
    model = rough(name, members=1)
    loaded = spec.build(2, [77]).double().eval()
    loaded.load_state_dict(model.state_dict())
    x = seeded(1, 9, 2)
    assert torch.equal(loaded.log_prob(x), model.log_prob(x))


@pytest.mark.parametrize("name", NAMES)
def test_a_few_steps_of_maximum_likelihood_raise_the_likelihood(name):
    draw = torch.Generator().manual_seed(0)
    angle = 2 * math.pi * torch.rand(256, generator=draw)
    x = torch.stack((angle.cos(), angle.sin()), -1) * 1.4 + 0.05 * torch.randn(256, 2, generator=draw)
    x = (x - 0.5).unsqueeze(0)
    model = registry.find("model", name).spec().build(2, [1], x[0])
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
    before = model.log_prob(x).mean().item()
    for _ in range(30):
        optimiser.zero_grad()
        (-model.log_prob(x).mean()).backward()
        optimiser.step()
    assert model.log_prob(x).mean().item() > before + 0.01
