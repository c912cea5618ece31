"""What holds for every model whose networks can be convolutional, on images."""

from __future__ import annotations

import json
import math

import pytest
import torch

import gmstudio
from gmstudio import registry, runs
from gmstudio.exporting import folder
from gmstudio.exporting.script import script
from gmstudio.models.layers.members import take
from gmstudio.registry import SpecError
from gmstudio.training.engines.program import Program, trace
from gmstudio.training.trainer import Trainer

NAMES = [c.name for c in registry.components("model") if "network" in {info.name for info in registry.fields(c.spec)}]
FLOWS = [name for name in NAMES if "density" in registry.find("model", name).spec.offers]
VAES = [name for name in NAMES if name not in FLOWS]
#: Sides of two channels that can be halved once, and by flows no further; and sides that can be halved twice.
SHAPES = [(2, 6, 4), (1, 4, 4)]
SMALL = {"network": "convolutional", "hidden": 6}
FIELDS = {"two-stage-vae": {"second_hidden": 6, "second_layers": 1}}


def seeded(*shape, seed=3):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def fields(name):
    return {**SMALL, **({"blocks": 3} if name in FLOWS else {"channels": 3}), **FIELDS.get(name, {})}


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
        for mine, its in zip(ensemble.parameters(), alone.parameters(), strict=True):
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


def jacobian(flow, x):
    """Derivatives of the latent columns of the first member at a point (D,)."""
    return torch.autograd.functional.jacobian(lambda point: flow.forward(point.expand(flow.members, 1, -1))[0][0, 0], x)


@pytest.mark.parametrize("fields", [{}, {"tails": "heavy", "blocks": 1}, {"layers": 1, "activation": "silu"}])
@pytest.mark.parametrize("shape", [(1, 2, 2), (2, 6, 4), (1, 4, 4), (1, 8, 8)])
@pytest.mark.parametrize("name", FLOWS)
def test_the_log_density_is_that_of_the_change_of_variables(name, shape, fields, rough):
    flow, x = rough(name, shape=shape, **{**SMALL, "blocks": 3, **fields}), seeded(2, 4, math.prod(shape))
    z, _ = flow.forward(x)
    normal = -0.5 * (z[0].square() + math.log(2 * math.pi)).sum(-1)
    volumes = torch.stack([torch.linalg.slogdet(jacobian(flow, point)).logabsdet for point in x[0]])
    torch.testing.assert_close(flow.log_prob(x)[0], normal + volumes, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("tails", ["normal", "heavy"])
@pytest.mark.parametrize("shape", [*SHAPES, (3, 8, 8)])
@pytest.mark.parametrize("name", FLOWS)
def test_the_inverse_undoes_the_flow_and_samples_are_its_values(name, shape, tails, rough):
    flow = rough(name, shape=shape, amount=0.05, tails=tails, **fields(name))
    x = 2.0 * seeded(2, 700, math.prod(shape))
    torch.testing.assert_close(flow.inverse(flow.forward(x)[0]), x, atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(flow.forward(flow.inverse(x))[0], x, atol=1e-9, rtol=1e-9)
    noise = flow.noise(700, torch.Generator().manual_seed(2)).double()
    assert noise.shape == (700, math.prod(shape))
    with torch.no_grad():
        drawn, expected = flow.sample(noise), flow.log_prob(x)
    torch.testing.assert_close(flow.forward(drawn)[0], noise.expand(2, -1, -1), atol=1e-9, rtol=1e-9)
    # In portions, and in one go.
    torch.testing.assert_close(flow.log_prob(x), expected, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("tails", ["normal", "heavy"])
@pytest.mark.parametrize("name", FLOWS)
def test_the_path_leads_from_the_images_to_the_latent(name, tails, rough):
    flow = rough(name, shape=(1, 8, 8), tails=tails, **fields(name))
    x = seeded(2, 3, 64)
    way = flow.path(x)
    assert len(way) == len(flow.path_titles) == 2 * 3 + 1
    assert flow.path_titles[1] == "level 1, coupling 1" and flow.path_titles[-1] == "latent"
    assert torch.equal(way[0], x)
    torch.testing.assert_close(way[-1], flow.forward(x)[0])


def test_of_a_checkerboard_one_colour_moves_the_other():
    """With two steps, the first two couplings are: black moves white; and halves of the channels."""
    spec = registry.find("model", "real-nvp").spec(network="convolutional", blocks=2, hidden=4, levels=1)
    flow = spec.build(16, [1], None, (1, 4, 4)).double()
    with torch.no_grad():
        for coupling in flow.levels[0].couplings:
            coupling.last.bias.fill_(0.7)
    x = seeded(1, 1, 16)
    black = torch.tensor([[(i + j) % 2 == 0 for j in range(4)] for i in range(4)]).flatten()
    first = flow.path(x)[1, 0, 0]
    kept = [bool((first == value).any()) for value in x[0, 0]]
    assert kept == black.tolist()


def test_half_of_the_channels_leave_at_each_level():
    spec = registry.find("model", "glow").spec(network="convolutional", blocks=1, hidden=4, levels=8)
    flow = spec.build(1 * 8 * 8, [1], None, (1, 8, 8)).double()
    assert [level.mixing.lower.shape[-1] for level in flow.levels] == [4, 8, 16]
    # What left at the first level is not moved by the couplings of later ones.
    x = seeded(1, 3, 64)
    before = flow.forward(x)[0]
    with torch.no_grad():
        flow.levels[1].couplings[0].last.bias.add_(1.0)
    after = flow.forward(x)[0]
    assert torch.equal(after[..., :32], before[..., :32])
    assert bool((after[..., 32:] != before[..., 32:]).any())


def test_glow_starts_with_channels_of_mean_zero_and_variance_one():
    spec = registry.find("model", "glow").spec(network="convolutional", blocks=1, hidden=4, levels=1)
    data = 3.0 + 0.5 * seeded(200, 64).float()
    flow = spec.build(64, [1, 2], data, (1, 8, 8))
    with torch.no_grad():
        for coupling in (flow.levels[0].couplings[0],):
            coupling.last.weight.zero_()
        z = flow.forward(data.expand(2, -1, -1))[0].view(2, 200 * 16, 4)
    torch.testing.assert_close(z.mean(1), torch.zeros(2, 4), atol=1e-4, rtol=0)
    torch.testing.assert_close(z.square().mean((1, 2)), torch.ones(2), atol=1e-3, rtol=0)


@pytest.mark.parametrize("name", FLOWS)
def test_what_a_flow_of_images_cannot_have_is_refused(name):
    spec = registry.find("model", name).spec(network="convolutional")
    for changes, shape, words in [
        ({}, (1, 5, 4), "5 × 4 pixels not both are even"),
        ({"networks": "two"}, (1, 4, 4), "one network"),
        ({"normalise": "batch"}, (1, 4, 4), "batch normalisation"),
    ]:
        with pytest.raises(SpecError, match=words) as error:
            spec.changed(**changes).build(math.prod(shape), [1], None, shape)
        assert error.value.remedy


@pytest.mark.parametrize("name", NAMES)
def test_images_are_trained_on_exported_and_read_back_without_the_data(name, tmp_path, monkeypatch):
    plain = {
        "data": {"kind": "images"},
        "model": {"kind": name, **fields(name)},
        "training": {"steps": 4, "batch": 16, "evaluate_every": 0},
    }
    experiment = runs.twins(runs.run_from_plain(plain))
    trainer = Trainer(experiment)
    trainer.advance(4)
    small = trainer.dataset.validation[:3]
    with monkeypatch.context() as patch:
        # The card's figure is made from all points, which takes long.
        patch.setattr(folder, "_likelihood", lambda model, points: None)
        made = folder.export(trainer.checkpoint(), experiment, 1, tmp_path / "model")
    assert json.loads((made / "config.json").read_text("utf-8"))["shape"] == [1, 8, 8]
    monkeypatch.setattr("gmstudio.data.sets.images.ImagesSpec.build", None)
    loaded = gmstudio.load(made)
    with torch.no_grad():
        x = trainer.dataset.to_model(small).expand(2, -1, -1)
        expected = trainer.model.eval().log_prob(x)[1] - trainer.dataset.log_volume
        torch.testing.assert_close(loaded.log_prob(small), expected, rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("name", ["vae", "real-nvp", "glow"])
def test_the_traced_step_of_images_is_that_of_the_model_itself(name):
    """What is compiled is traced: it must not hold numbers of the model it was traced with."""
    spec = registry.find("model", name).spec(**fields(name))
    objective = registry.from_plain("objective", {"kind": spec.objective})
    program = Program(spec.build(16, [1, 2], None, (1, 4, 4)).train(), objective, runs.TrainingSpec(batch=8))
    inputs = program.example(8, 16)
    traced = trace(program, inputs)
    inputs[0].add_(0.1)
    mine, its = ([tensor.clone() for tensor in inputs] for _ in range(2))
    torch.testing.assert_close(traced(*mine), program(*its))
    torch.testing.assert_close(mine[0], its[0])


def test_a_script_of_images_builds_the_convolutional_model(monkeypatch, capsys):
    plain = {
        "data": {"kind": "images", "most": 100},
        "model": {"kind": "vae", **fields("vae")},
        "training": {"steps": 2, "batch": 16},
    }
    with torch.random.fork_rng():
        exec(compile(script(runs.single(runs.run_from_plain(plain))), "train.py", "exec"), {"__name__": "__main__"})
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["steps"] == 2


def test_images_that_are_too_small_for_so_many_layers_are_refused():
    spec = registry.find("model", "vae").spec(network="convolutional", layers=4)
    with pytest.raises(SpecError, match="8 × 6 pixels can be halved 3 times, not 4") as error:
        spec.build(48, [1], None, (1, 8, 6))
    assert error.value.where == "model.layers" and "3 layers" in error.value.remedy
    assert spec.changed(layers=3).build(48, [1], None, (1, 8, 6)).dim == 48
