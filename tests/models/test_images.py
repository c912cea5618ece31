"""What holds for every model whose networks can be convolutional, on images."""

from __future__ import annotations

import math

import pytest
import torch

from gmstudio import registry
from gmstudio.models.layers.members import take
from gmstudio.registry import SpecError

NAMES = [c.name for c in registry.components("model") if "network" in {info.name for info in registry.fields(c.spec)}]
#: Sides that are odd, of two channels; and sides that can be halved twice.
SHAPES = [(2, 5, 3), (1, 4, 4)]
SMALL = {"network": "convolutional", "hidden": 6}
FIELDS = {"two-stage-vae": {"second_hidden": 6, "second_layers": 1}}


def seeded(*shape, seed=3):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def fields(name):
    return {**SMALL, "channels": 3, **FIELDS.get(name, {})}


def built(name, shape, seeds, **more):
    dim = math.prod(shape)
    return (
        registry.find("model", name)
        .spec(**{**fields(name), **more})
        .build(dim, seeds, seeded(64, dim, seed=9).float(), shape)
    )


def trained(name, model, x):
    """What the model learns by: the loss of its own objective."""
    objective = registry.from_plain("objective", {"kind": registry.find("model", name).spec.objective})
    noise = torch.randn(1, x.shape[1], objective.draws(model), generator=torch.Generator().manual_seed(8))
    return objective.loss(model, x, noise.to(x).expand(len(x), -1, -1)).sum()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", NAMES)
def test_shapes_lead_with_the_ensemble(name, shape, rough):
    model, dim = rough(name, members=3, shape=shape, **fields(name)), math.prod(shape)
    x = seeded(3, 5, dim)
    assert model.log_prob(x).shape == (3, 5)
    assert model.score(x).shape == (3, 5, dim)
    noise = model.noise(7, torch.Generator().manual_seed(1))
    assert model.sample(noise.double()).shape == (3, 7, dim)
    for key, value in model.state_dict().items():
        assert value.shape[0] == 3, key


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", NAMES)
def test_gradients_reach_every_parameter_of_every_member(name, shape, rough):
    model = rough(name, members=2, shape=shape, **fields(name)).train()
    trained(name, model, seeded(2, 16, math.prod(shape))).backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None, key
        assert bool((parameter.grad.flatten(1).abs().sum(1) > 0).all()), key


@pytest.mark.parametrize("shape", [*SHAPES, (5, 6, 6)])
@pytest.mark.parametrize("name", NAMES)
def test_a_member_is_the_model_of_its_seed_alone(name, shape):
    ensemble, x = built(name, shape, [4, 7, 4]), seeded(1, 12, math.prod(shape)).float()
    weights = {key: value.clone() for key, value in ensemble.state_dict().items()}
    trained(name, ensemble, x.expand(3, -1, -1)).backward()
    for index, seed in enumerate([4, 7, 4]):
        alone = built(name, shape, [seed])
        for key, value in alone.state_dict().items():
            assert torch.equal(weights[key][index : index + 1], value), key
        trained(name, alone, x).backward()
        for (key, mine), its in zip(ensemble.named_parameters(), alone.parameters(), strict=True):
            torch.testing.assert_close(mine.grad[index : index + 1], its.grad, atol=1e-4, rtol=1e-4)
        taken = take(ensemble, registry.find("model", name).spec(), index)
        torch.testing.assert_close(taken.log_prob(x), alone.log_prob(x))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", NAMES)
def test_the_score_is_the_gradient_of_the_log_density_also_where_autograd_is_off(name, shape, rough):
    model, x = rough(name, shape=shape, **fields(name)), seeded(2, 3, math.prod(shape))
    score = model.score(x)
    step = 1e-6 * seeded(math.prod(shape), seed=5)
    rise = (model.log_prob(x + step) - model.log_prob(x - step)) / 2
    torch.testing.assert_close((score * step).sum(-1), rise.detach(), atol=1e-9, rtol=1e-4)
    with torch.no_grad():
        assert torch.equal(model.score(x), score)
    expected, samples = model.log_prob(x).detach(), model.noise(4, torch.Generator().manual_seed(1)).double()
    drawn = model.sample(samples).detach()
    with torch.inference_mode():
        torch.testing.assert_close(model.log_prob(x), expected)
        torch.testing.assert_close(model.sample(samples), drawn)


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_state_is_loaded_without_the_data(name, rough):
    model, x = rough(name, members=1, shape=(1, 4, 4), **fields(name)), seeded(1, 9, 16)
    spec = registry.find("model", name).spec(**fields(name))
    loaded = spec.build(16, [77], None, (1, 4, 4)).double().eval()
    loaded.load_state_dict(model.state_dict())
    assert torch.equal(loaded.log_prob(x), model.log_prob(x))


@pytest.mark.parametrize("name", NAMES)
def test_data_that_are_no_images_are_refused_with_a_remedy(name):
    with pytest.raises(SpecError, match="no pixels") as error:
        registry.find("model", name).spec(network="convolutional").build(64, [1])
    assert "mlp" in error.value.remedy
    assert error.value.where == "model.network"


def test_images_that_are_too_small_for_so_many_layers_are_refused():
    spec = registry.find("model", "vae").spec(network="convolutional", layers=4)
    with pytest.raises(SpecError, match="8 × 6 pixels can be halved 3 times, not 4") as error:
        spec.build(48, [1], None, (1, 8, 6))
    assert error.value.where == "model.layers" and "3 layers" in error.value.remedy
    assert spec.changed(layers=3).build(48, [1], None, (1, 8, 6)).dim == 48
