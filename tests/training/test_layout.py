"""All gradients in one buffer, however a model comes by them."""

from __future__ import annotations

import pytest
import torch
from small import SmallModel
from torch import Tensor

from gmstudio import registry
from gmstudio.models.layers import gradients
from gmstudio.training.layout import Layout

POINTS = torch.randn(2, 40, 2, generator=torch.Generator().manual_seed(4))


def loss_of(model: torch.nn.Module) -> Tensor:
    value: Tensor = -model.log_prob(POINTS).mean(1).sum()  # type: ignore[operator]
    return value


def check(layout: Layout, model: torch.nn.Module) -> None:
    """What is in the buffer is what autograd gives, and nothing stands between the parameters."""
    with gradients.plain():
        expected = torch.autograd.grad(loss_of(model), list(model.parameters()))
    views = layout.unpack(layout.gradients)
    for (name, parameter), slope in zip(model.named_parameters(), expected, strict=True):
        assert parameter.grad is None
        torch.testing.assert_close(views[name], slope, atol=1e-5, rtol=1e-4)
    held = sum(float(view.square().sum()) for view in views.values())
    assert float(layout.gradients.square().sum()) == pytest.approx(held, rel=1e-5)


@pytest.mark.parametrize("name", ["real-nvp", "maf", "glow", "spline"])
@pytest.mark.parametrize("inside", [True, False])
def test_the_gradients_of_flows_are_gathered(name: str, inside: bool) -> None:
    spec = registry.find("model", name).spec(blocks=2, hidden=9)
    model = spec.build(2, [1, 2], POINTS[0])  # type: ignore[attr-defined]
    layout = Layout(model)
    for _ in range(2):
        if inside:
            with layout.differentiating():
                layout.differentiate(loss_of(model))
        else:
            layout.differentiate(loss_of(model))
        check(layout, model)


def test_the_gradients_of_a_model_that_autograd_alone_knows_are_gathered() -> None:
    model = SmallModel(2, [1, 2], 8)
    layout = Layout(model)
    with layout.differentiating():
        layout.differentiate(loss_of(model))
    check(layout, model)


def test_a_parameter_that_a_loss_does_not_depend_on_gets_none() -> None:
    model = SmallModel(2, [1, 2], 8)
    layout = Layout(model)
    layout.differentiate(loss_of(model))
    layout.differentiate(model.mean.sum())
    views = layout.unpack(layout.gradients)
    assert bool((views["mean"] == 1.0).all())
    assert not any(bool(view.any()) for name, view in views.items() if name != "mean")
