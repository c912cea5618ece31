"""What holds for every flow."""

from __future__ import annotations

import math

import pytest
import torch
import zuko

from gmstudio import registry
from gmstudio.models.layers import affine, made, rational_quadratic
from gmstudio.registry import SpecError

FLOWS = [c.name for c in registry.components("model") if c.spec.__module__.startswith("gmstudio.models.flows")]
FIELDS = [
    {},
    {"blocks": 1},
    {"blocks": 2, "layers": 1, "activation": "silu"},
    {"blocks": 3, "hidden": 5, "activation": "tanh"},
]


def seeded(*shape, seed=3):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def jacobian(flow, x):
    """The (E, B, D, D) derivative of the latent, by autograd, one row after the other."""
    x = x.clone().requires_grad_(True)
    z, _ = flow.forward(x)
    rows = [torch.autograd.grad(z[..., i].sum(), x, retain_graph=True)[0] for i in range(x.shape[-1])]
    return torch.stack(rows, dim=-2)


@pytest.mark.parametrize("fields", FIELDS)
@pytest.mark.parametrize("dim", [2, 3, 6])
@pytest.mark.parametrize("name", FLOWS)
def test_the_log_density_is_that_of_the_change_of_variables(name, dim, fields, rough):
    flow = rough(name, dim=dim, amount=0.05, **fields)
    x = seeded(2, 8, dim)
    z, _ = flow.forward(x)
    expected = -0.5 * (z**2).sum(-1) - 0.5 * dim * math.log(2 * math.pi) + jacobian(flow, x).det().abs().log()
    torch.testing.assert_close(flow.log_prob(x), expected, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("dim", [2, 3, 6])
@pytest.mark.parametrize("name", FLOWS)
def test_the_inverse_undoes_the_flow(name, dim, rough):
    flow = rough(name, dim=dim, amount=0.05)
    x = 2.5 * seeded(2, 64, dim)
    torch.testing.assert_close(flow.inverse(flow.forward(x)[0]), x, atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(flow.forward(flow.inverse(x))[0], x, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("name", FLOWS)
def test_samples_in_single_precision_come_back_to_their_noise(name):
    flow = registry.find("model", name).spec().build(2, [1, 2], torch.randn(50, 2, generator=torch.Generator()))
    noise = flow.noise(500, torch.Generator().manual_seed(1))
    torch.testing.assert_close(flow.forward(flow.sample(noise))[0], noise.expand(2, -1, -1), atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize("name", FLOWS)
def test_the_path_leads_from_the_data_to_the_latent(name, rough):
    flow = rough(name)
    x = seeded(2, 5, 2)
    way = flow.path(x)
    assert "path" in flow.can
    assert len(way) == len(flow.path_titles)
    assert flow.path_titles[0] == "data" and flow.path_titles[-1] == "latent"
    assert torch.equal(way[0], x)
    torch.testing.assert_close(way[-1], flow.forward(x)[0])


@pytest.mark.parametrize("name", FLOWS)
def test_one_column_is_refused_with_a_remedy(name):
    with pytest.raises(SpecError, match=r"cannot be built for data with 1 column.* at least 2 columns"):
        registry.find("model", name).spec().build(1, [0])


@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_starts_near_the_identity_or_a_whitening(name):
    data = torch.randn(4096, 2, generator=torch.Generator().manual_seed(0))
    flow = registry.find("model", name).spec().build(2, [1], data)
    mean = flow.log_prob(data.unsqueeze(0)).mean().item()
    assert mean == pytest.approx(-math.log(2 * math.pi) - 1.0, abs=0.1)


def test_glow_starts_with_latents_of_mean_zero_and_variance_one():
    data = 3.0 + 0.5 * torch.randn(2000, 3, generator=torch.Generator().manual_seed(0))
    spec = registry.find("model", "glow").spec
    flow = spec(blocks=1).build(3, [1, 2], data)
    way = flow.path(data.expand(2, -1, -1))
    torch.testing.assert_close(way[1].mean(1), torch.zeros(2, 3), atol=1e-4, rtol=0)
    rotated = way[1].mT @ way[1] / 2000
    torch.testing.assert_close(rotated.diagonal(dim1=-2, dim2=-1).sum(-1), torch.full((2,), 3.0), atol=1e-2, rtol=0)


def test_glow_rotates_at_the_start():
    flow = registry.find("model", "glow").spec().build(3, [1])
    matrices = flow.mixing.maps()[0]
    torch.testing.assert_close(matrices @ matrices.mT, torch.eye(3).expand(matrices.shape), atol=1e-5, rtol=0)


def test_maf_is_autoregressive(rough):
    flow = rough("maf", dim=5, blocks=1)
    derivative = jacobian(flow, seeded(2, 4, 5)).flip(-2)
    assert bool((derivative.triu(1) == 0).all())
    assert bool((derivative.tril(-1).abs().sum((0, 1)) > 0).sum() == 10)


def test_a_masked_network_sees_the_columns_before_only():
    draws = [torch.Generator().manual_seed(1)]
    net = made.MaskedMLP(4, 2, hidden=13, layers=2, activation="tanh", draws=draws).double()
    x = seeded(1, 4, 1).requires_grad_(True)
    out = net(x)
    for j in range(8):
        (gradient,) = torch.autograd.grad(out[0, j, 0], x, retain_graph=True)
        assert (gradient[0, :, 0] != 0).tolist() == [k <= j % 4 for k in range(4)]


def softclip(raw, limit):
    """The other library's bound on log-scales, in the place of a tanh and its multiple."""
    return raw, raw / (1 + abs(raw / math.log(1e-3)))


def test_real_nvp_agrees_with_zuko_given_the_same_weights(rough, monkeypatch):
    monkeypatch.setattr(affine, "bounded", softclip)
    ours = rough("real-nvp", members=1, blocks=4, hidden=16)
    theirs = zuko.flows.RealNVP(2, transforms=4, hidden_features=(16, 16), randmask=False).double()
    for block, transform in zip(ours.transforms, theirs.transform.transforms, strict=True):
        linears = [m for m in transform.hyper if hasattr(m, "weight")]
        for mine, other in zip([*block.net.hiddens, block.net.last], linears, strict=True):
            other.weight.data, other.bias.data = mine.weight[0].data, mine.bias[0].data
        # Here the log-scale comes first, there the shift.
        linears[-1].weight.data = linears[-1].weight.data.flip(0)
        linears[-1].bias.data = linears[-1].bias.data.flip(0)
    moved = [int(t.mask[1]) for t in theirs.transform.transforms]
    x = seeded(50, 2)
    x_ours = x if moved[0] == 0 else x.flip(-1)
    torch.testing.assert_close(ours.log_prob(x_ours[None])[0], theirs().log_prob(x), atol=1e-9, rtol=1e-9)


def test_maf_agrees_with_zuko_given_the_same_weights(rough, monkeypatch):
    monkeypatch.setattr(affine, "bounded", softclip)
    ours = rough("maf", members=1, blocks=3, hidden=16)
    theirs = zuko.flows.MAF(2, transforms=3, hidden_features=(16, 16)).double()
    for i, (block, transform) in enumerate(zip(ours.transforms, theirs.transform.transforms, strict=True)):
        first, last = (0, 1) if i % 2 == 0 else (1, 0)
        linears = [m for m in transform.hyper if hasattr(m, "weight")]
        for mine, other in zip(block.net.hiddens, linears[:-1], strict=True):
            other.mask.fill_(True)
            other.bias.data = mine.bias[0].data
        linears[0].weight.data = torch.zeros(16, 2, dtype=torch.float64)
        linears[0].weight.data[:, first] = block.net.hiddens[0].weight.data[0, :, 0]
        linears[1].weight.data = block.net.hiddens[1].weight.data[0]
        weight, bias = torch.zeros(4, 16, dtype=torch.float64), torch.zeros(4, dtype=torch.float64)
        weight[2 * last : 2 * last + 2] = block.net.last.weight.data[0].flip(0)
        bias[2 * last : 2 * last + 2] = block.net.last.bias.data[0].flip(0)
        bias[2 * first : 2 * first + 2] = torch.cat((block.first_shift.data[0], block.first_scale.data[0]))
        linears[-1].mask.fill_(True)
        linears[-1].weight.data, linears[-1].bias.data = weight, bias
    x = seeded(50, 2)
    torch.testing.assert_close(ours.log_prob(x[None])[0], theirs().log_prob(x), atol=1e-9, rtol=1e-9)


def as_raw(spline):
    """Numbers from which our spline makes the knots and slopes of one of zuko's."""
    least, bins = rational_quadratic.LEAST, spline.bins

    def logits(knots):
        shares = knots.diff(dim=-1) / (knots[..., -1:] - knots[..., :1])
        return (shares * (1 + least * bins) - least).log()

    steepest = rational_quadratic.STEEPEST
    slopes = steepest * torch.atanh(spline.derivatives[..., 1:-1].log() / steepest)
    return torch.cat((logits(spline.horizontal), logits(spline.vertical), slopes), dim=-1).mT.unsqueeze(0)


def test_the_spline_agrees_with_zuko_given_the_same_knots():
    bins, bound = 6, 3.0
    spline = zuko.transforms.MonotonicRQSTransform(
        seeded(400, bins, seed=1), seeded(400, bins, seed=2), seeded(400, bins - 1, seed=4), bound=bound
    )
    raw = as_raw(spline)
    x = 2.5 * seeded(1, 400, seed=5)
    assert bool((x.abs() > bound).any())
    table = rational_quadratic.table(bins, bound, torch.float64)
    y, log_slope, _ = rational_quadratic.push(x, raw, table)
    expected, expected_slope = (found.unsqueeze(0) for found in spline.call_and_ladj(x[0]))
    torch.testing.assert_close(y, expected, atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(log_slope, expected_slope, atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(rational_quadratic.inverse(y, raw, table), x, atol=1e-9, rtol=1e-9)


def test_the_spline_is_the_identity_outside_its_box():
    raw = seeded(1, 23, 4)
    x = torch.tensor([[-50.0, -5.0, 5.0, 8.0]], dtype=torch.float64)
    y, log_slope, _ = rational_quadratic.push(x, raw, rational_quadratic.table(8, 5.0, torch.float64))
    torch.testing.assert_close(y, x)
    torch.testing.assert_close(log_slope, torch.zeros(1, 4, dtype=torch.float64), atol=1e-12, rtol=0)


def test_the_spline_is_sound_with_wild_numbers_in_single_precision():
    draw = torch.Generator().manual_seed(0)
    raw = (30.0 * torch.randn(1, 23, 5000, generator=draw)).requires_grad_(True)
    x = (4.0 * torch.randn(1, 5000, generator=draw)).requires_grad_(True)
    table = rational_quadratic.table(8, 5.0)
    y, log_slope, _ = rational_quadratic.push(x, raw, table)
    (y.sum() + log_slope.sum()).backward()
    back = rational_quadratic.inverse(y.detach().requires_grad_(True), raw, table)
    back.sum().backward()
    for value in (y, log_slope, back, raw.grad, x.grad):
        assert bool(value.isfinite().all())


def test_the_hessian_of_a_spline_flow_is_the_slope_of_its_score(rough):
    flow = rough("spline", members=1, activation="tanh")
    x = seeded(1, 6, 2).requires_grad_(True)
    (score,) = torch.autograd.grad(flow.log_prob(x).sum(), x, create_graph=True)
    (row,) = torch.autograd.grad(score[..., 0].sum(), x)
    step = torch.tensor([1e-6, 0.0], dtype=torch.float64)
    slope = (flow.score(x + step) - flow.score(x - step)) / 2e-6
    torch.testing.assert_close(row, slope, atol=1e-4, rtol=1e-4)
