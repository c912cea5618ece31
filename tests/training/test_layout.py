"""All gradients in one buffer, however a model comes by them."""

from __future__ import annotations

import pytest
import torch
from small import SmallModel
from torch import Tensor

from gmstudio import registry
from gmstudio.models.layers import gradients
from gmstudio.models.layers.base import DensityModel
from gmstudio.objectives.base import ObjectiveSpec
from gmstudio.objectives.maximum_likelihood import MaximumLikelihood
from gmstudio.training.layout import Layout

POINTS = torch.randn(2, 40, 2, generator=torch.Generator().manual_seed(4))
LIKELIHOOD = MaximumLikelihood()


class Squares(ObjectiveSpec, frozen=True, kw_only=True, tag="squares"):
    """A loss that is no sum of log-densities."""

    def loss(self, model: DensityModel, x: Tensor, noise: Tensor | None = None) -> Tensor:
        return model.log_prob(x).square().mean(1)


class MeanAlone(ObjectiveSpec, frozen=True, kw_only=True, tag="mean-alone"):
    """A loss that depends on one of the parameters only."""

    def loss(self, model: DensityModel, x: Tensor, noise: Tensor | None = None) -> Tensor:
        return model.get_parameter("mean").sum(1)


def check(layout: Layout, objective: ObjectiveSpec, model: DensityModel) -> None:
    """What comes into the buffer is what autograd gives, and nothing stands between the parameters."""
    layout.gradients.fill_(7.0)
    for view in layout.unpack(layout.gradients).values():
        view.zero_()
    between = layout.gradients.clone()
    losses = layout.differentiate(objective, model, POINTS)
    assert not losses.requires_grad
    with gradients.plain():
        expected = objective.loss(model, POINTS)
        slopes = torch.autograd.grad(
            expected.sum(), list(model.parameters()), allow_unused=True, materialize_grads=True
        )
    torch.testing.assert_close(losses, expected.detach(), atol=1e-5, rtol=1e-5)
    views = layout.unpack(layout.gradients)
    for (name, parameter), slope in zip(model.named_parameters(), slopes, strict=True):
        assert parameter.grad is None
        torch.testing.assert_close(views[name], slope, atol=1e-5, rtol=1e-4)
        views[name].zero_()
    assert torch.equal(layout.gradients, between)


@pytest.mark.parametrize("objective", [LIKELIHOOD, Squares()])
@pytest.mark.parametrize("name", ["real-nvp", "maf", "glow", "spline"])
def test_the_gradients_of_flows_are_gathered(name: str, objective: ObjectiveSpec) -> None:
    spec = registry.find("model", name).spec(blocks=2, hidden=9)
    model = spec.build(2, [1, 2], POINTS[0])  # type: ignore[attr-defined]
    layout = Layout(model)
    check(layout, objective, model)
    with gradients.plain():
        check(layout, objective, model)


@pytest.mark.parametrize("objective", [LIKELIHOOD, MeanAlone()])
def test_the_gradients_of_a_model_that_autograd_alone_knows_are_gathered(objective: ObjectiveSpec) -> None:
    model = SmallModel(2, [1, 2], 8)
    assert model.passes is None
    check(Layout(model), objective, model)


@pytest.mark.parametrize("component", registry.components("objective"), ids=lambda component: component.name)
def test_an_objectives_weight_is_that_of_its_loss(component: registry.Component) -> None:
    objective, model = component.spec(), SmallModel(2, [1, 2], 8)
    weight = objective.weight(40)  # type: ignore[attr-defined]
    if weight is not None:
        expected = weight * model.log_prob(POINTS).sum(1)
        torch.testing.assert_close(objective.loss(model, POINTS), expected)  # type: ignore[attr-defined]
