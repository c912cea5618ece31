"""Gradients by hand against autograd, and when each of the two is taken."""

from __future__ import annotations

import threading

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from gmstudio import registry
from gmstudio.models.layers import gradients

FLOWS = [c.name for c in registry.components("model") if c.spec.__module__.startswith("gmstudio.models.flows")]
ACTIVATIONS = ["relu", "silu", "tanh"]


def seeded(*shape, seed=3):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def weighted(model, x):
    """A scalar that every log-density enters in another way."""
    return (model.log_prob(x) * torch.linspace(-1.0, 2.0, x.shape[1], dtype=x.dtype)).sum()


def found(model, x, *, scalar=weighted):
    """Gradients of the points and of all parameters."""
    x = x.detach().requires_grad_(True)
    return torch.autograd.grad(scalar(model, x), [x, *model.parameters()])


def by_autograd(model, x, *, scalar=weighted):
    with gradients.plain():
        return found(model, x, scalar=scalar)


def assert_close(ours, theirs, tolerance=1e-9):
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.shape == other.shape
        assert float((mine - other).abs().max()) <= tolerance * max(1.0, float(other.abs().max()))


def operations(value):
    """The names of all operations that autograd knows of."""
    names, queue, seen = [], [value.grad_fn], set()
    while queue:
        node = queue.pop()
        if node is not None and node not in seen:
            seen.add(node)
            names.append(node.name())
            queue += [parent for parent, _ in node.next_functions]
    return names


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("dim", "members"), [(2, 1), (2, 3), (3, 2), (11, 2)])
@pytest.mark.parametrize("name", FLOWS)
def test_gradients_by_hand_are_those_of_autograd(name, dim, members, activation, rough):
    model = rough(name, dim=dim, members=members, activation=activation, blocks=3, hidden=33)
    x = 2.0 * seeded(members, 40, dim)
    assert "_LogProbBackward" in operations(model.log_prob(x))
    assert_close(found(model, x), by_autograd(model, x))


@pytest.mark.parametrize("name", FLOWS)
def test_gradients_by_hand_hold_for_one_hidden_layer_and_one_block(name, rough):
    model = rough(name, layers=1, blocks=1, hidden=3)
    x = seeded(2, 20, 2)
    assert_close(found(model, x), by_autograd(model, x))


@pytest.mark.parametrize("name", FLOWS)
def test_single_precision_is_as_exact_by_hand_as_by_autograd(name, rough):
    exact = rough(name, amount=0.05)
    x = seeded(2, 64, 2)
    expected = by_autograd(exact, x)
    single = rough(name, amount=0.05).float()
    assert_close([slope.double() for slope in found(single, x.float())], expected, tolerance=2e-4)


@pytest.mark.parametrize("name", FLOWS)
def test_half_precision_runs(name, rough):
    model = rough(name, amount=0.0).bfloat16()
    assert all(bool(slope.isfinite().all()) for slope in found(model, seeded(2, 16, 2).bfloat16()))


@pytest.mark.parametrize("name", FLOWS)
def test_going_back_twice_gives_the_same_bits(name, rough):
    model, x = rough(name), seeded(2, 20, 2).requires_grad_(True)
    scalar = weighted(model, x)
    asked = [x, *model.parameters()]
    first = [slope.clone() for slope in torch.autograd.grad(scalar, asked, retain_graph=True)]
    for a, b in zip(first, torch.autograd.grad(scalar, asked), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("name", FLOWS)
def test_only_what_learns_gets_a_gradient(name, rough):
    model = rough(name)
    model.requires_grad_(False)
    x = seeded(2, 20, 2).requires_grad_(True)
    (slope,) = torch.autograd.grad(weighted(model, x), x)
    torch.testing.assert_close(slope, by_autograd(rough(name), x)[0], atol=1e-9, rtol=1e-9)
    last = list(model.parameters())[-1].requires_grad_(True)
    (slope,) = torch.autograd.grad(weighted(model, x.detach()), last)
    torch.testing.assert_close(slope, by_autograd(rough(name), x)[-1], atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("name", FLOWS)
def test_scores_by_hand_are_those_of_autograd(name, rough):
    model, x = rough(name, dim=3), seeded(2, 30, 3)
    expected = by_autograd(model, x, scalar=lambda model, x: model.log_prob(x).sum())[0]
    torch.testing.assert_close(model.score(x), expected, atol=1e-9, rtol=1e-9)
    with torch.inference_mode():
        assert torch.equal(model.score(x), model.score(x))


def squared_score(model, x):
    """What score matching differentiates: a scalar of a gradient."""
    (score,) = torch.autograd.grad(model.log_prob(x).sum(), x, create_graph=True)
    return (score.square() * torch.linspace(0.5, 1.5, x.shape[1], dtype=x.dtype)[:, None]).sum() + score[..., 0].sum()


@pytest.mark.parametrize("name", FLOWS)
def test_gradients_of_gradients_are_those_of_autograd(name, rough):
    model, x = rough(name, dim=3, activation="tanh"), seeded(2, 12, 3).requires_grad_(True)
    asked = [x, *model.parameters()]
    ours = torch.autograd.grad(squared_score(model, x), asked, allow_unused=True, materialize_grads=True)
    with gradients.plain():
        theirs = torch.autograd.grad(squared_score(model, x), asked, allow_unused=True, materialize_grads=True)
    assert_close(ours, theirs)


def test_an_input_that_depends_on_another_is_not_counted_twice(rough):
    model = rough("real-nvp", activation="tanh")

    def scalar(x):
        shifted = x + 0.3 * dict(model.named_parameters())["transforms.0.net.last.bias"].unsqueeze(1)
        (score,) = torch.autograd.grad(model.log_prob(shifted).sum(), shifted, create_graph=True)
        return score.square().sum()

    x = seeded(2, 12, 2)
    asked = list(model.parameters())
    ours = torch.autograd.grad(scalar(x), asked, allow_unused=True, materialize_grads=True)
    with gradients.plain():
        theirs = torch.autograd.grad(scalar(x), asked, allow_unused=True, materialize_grads=True)
    assert_close(ours, theirs)


# Who follows operations gets to see them.


@pytest.mark.parametrize("name", FLOWS)
def test_tracers_see_every_operation(name, rough):
    model, x = rough(name), seeded(2, 8, 2)
    parameters = dict(model.named_parameters())

    def gradient(parameters, x):
        leaves = {key: value.detach().requires_grad_(True) for key, value in parameters.items()}
        value = torch.func.functional_call(_Weighted(model), {f"model.{key}": leaf for key, leaf in leaves.items()}, x)
        return torch.autograd.grad(value, list(leaves.values()))

    graph = make_fx(gradient)(parameters, x)
    assert_close(graph(parameters, x), by_autograd(model, x)[1:])


class _Weighted(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return weighted(self.model, x)


@pytest.mark.parametrize("name", ["real-nvp", "maf"])
def test_transforms_of_functions_work(name, rough):
    model, x = rough(name, members=1, activation="tanh"), seeded(5, 2)

    def log_prob(point):
        return model.log_prob(point.view(1, 1, 2)).squeeze()

    slopes = torch.func.vmap(torch.func.grad(log_prob))(x)
    torch.testing.assert_close(slopes, model.score(x.unsqueeze(0))[0], atol=1e-9, rtol=1e-9)


def test_autocast_takes_the_ordinary_way(rough):
    model = rough("real-nvp").float()
    with torch.autocast("cpu", torch.bfloat16):
        assert "_LogProbBackward" not in operations(model.log_prob(seeded(2, 8, 2).float()))


def test_plain_is_a_matter_of_one_thread(rough):
    model, x = rough("real-nvp"), seeded(2, 8, 2)
    other = []
    with gradients.plain():
        thread = threading.Thread(target=lambda: other.extend(operations(model.log_prob(x))))
        thread.start()
        thread.join()
        assert "_LogProbBackward" not in operations(model.log_prob(x))
    assert "_LogProbBackward" in other


# Slots.


def slots_of(model):
    places = {parameter: torch.full_like(parameter, 7.0) for parameter in model.parameters()}
    return gradients.Slots(places), list(places.values())


@pytest.mark.parametrize("dim", [2, 5])
@pytest.mark.parametrize("name", FLOWS)
def test_slots_are_filled_with_the_gradient_of_a_weighted_sum(name, dim, rough):
    model, x = rough(name, dim=dim), seeded(2, 20, dim)
    slots, places = slots_of(model)
    sums = slots.fill(model.passes, x, 0.3)
    torch.testing.assert_close(sums, 0.3 * model.log_prob(x).sum(1), atol=1e-9, rtol=1e-9)
    expected = by_autograd(model, x, scalar=lambda model, x: 0.3 * model.log_prob(x).sum())[1:]
    assert_close(places, expected)


@pytest.mark.parametrize("name", FLOWS)
def test_parameters_that_do_not_learn_need_no_slots(name, rough):
    model, x = rough(name), seeded(2, 20, 2)
    expected = by_autograd(model, x, scalar=lambda model, x: model.log_prob(x).sum())[1:]
    parameters = list(model.parameters())
    for parameter in parameters[1::2]:
        parameter.requires_grad_(False)
    places = {parameter: torch.full_like(parameter, 7.0) for parameter in parameters[::2]}
    gradients.Slots(places).fill(model.passes, x, 1.0)
    assert_close(places.values(), expected[::2])
