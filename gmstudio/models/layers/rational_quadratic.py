"""Monotone rational-quadratic splines with linear tails (Durkan et al., "Neural Spline Flows", NeurIPS 2019, 3.1)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

#: A bin's share of the box is its softmax plus this, over the total: nearly this at least.
LEAST = 1e-3
#: Log-slopes at the knots are within +-STEEPEST.
STEEPEST = math.log(1e3)


@dataclass(frozen=True, slots=True)
class Bin:
    """The bin in which each point lies, in units in which the box [-bound, bound]^2 is [0, 1]^2; all (…,).

    Attributes:
        left, bottom: its lower left corner.
        width, height: its size.
        slope, rise: height / width, and the sum of the slopes at both knots minus twice it.
        start, end: the slopes at its two knots.
    """

    left: Tensor
    bottom: Tensor
    width: Tensor
    height: Tensor
    slope: Tensor
    rise: Tensor
    start: Tensor
    end: Tensor


def parameters(bins: int) -> int:
    """How many numbers describe one spline: widths, heights and inner slopes."""
    return 3 * bins - 1


def find_bin(u: Tensor, raw: Tensor, side: int) -> Bin:
    """The bins in which points lie.

    Args:
        u: (…,) in [0, 1].
        raw: (…, 3 K - 1) unbounded numbers: K widths, K heights, K - 1 slopes.
        side: 0 when u is horizontal, 1 when it is vertical.
    """
    bins = (raw.shape[-1] + 1) // 3
    sizes, ends, total, knots = _knots(raw, bins)
    place = (u.unsqueeze(-1) * total[..., side, :]).detach()
    index = torch.searchsorted(ends.detach()[..., side, :-1].contiguous(), place, right=True)
    pair = index.unsqueeze(-2).expand(*index.shape[:-1], 2, 1)
    size = sizes.gather(-1, pair)
    corner = (ends.gather(-1, pair) - size) / total
    width, height = (size / total).squeeze(-1).unbind(-1)
    left, bottom = corner.squeeze(-1).unbind(-1)
    around = knots.gather(-1, torch.cat((index, index + 1), -1))
    start, end = (torch.tanh(around * (1.0 / STEEPEST)) * STEEPEST).exp().unbind(-1)
    slope = height / width
    return Bin(left, bottom, width, height, slope, start + end - 2.0 * slope, start, end)


def _knots(raw: Tensor, bins: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Sizes of the bins, their sums so far (…, 2, K) and their total, and log-slopes at the knots (…, K + 1).

    Not a softmax, which is slow over few numbers: the sizes are divided by their total where they are used.
    """
    logits, inner = raw.split_with_sizes((2 * bins, bins - 1), dim=-1)
    logits = logits.view(*raw.shape[:-1], 2, bins)
    powers = (logits - logits.detach().amax(-1, keepdim=True)).exp()
    total = powers.sum(-1, keepdim=True)
    sizes = torch.add(powers, total, alpha=LEAST)
    return sizes, sizes.cumsum(-1), total * (1.0 + LEAST * bins), functional.pad(inner, (1, 1))


def forward(x: Tensor, raw: Tensor, bound: float) -> tuple[Tensor, Tensor]:
    """The spline's values and log-slopes.

    At the border of the box value and slope of the spline are those of the tail, so that outside a point takes the
    border's and is moved on by what was clamped: no branches, and finite gradients everywhere.

    Args:
        x: (…,).
        raw: (…, 3 K - 1).
        bound: half of the side of the box.

    Returns:
        y (…,) and log dy/dx (…,).
    """
    inside = x.clamp(-bound, bound)
    u = inside * (0.5 / bound) + 0.5
    bin = find_bin(u, raw, 0)
    theta = (u - bin.left) / bin.width
    rest = 1.0 - theta
    cross = theta * rest
    square = theta * theta
    denominator = torch.addcmul(bin.slope, bin.rise, cross)
    value = bin.bottom + bin.height * (bin.slope * square + bin.start * cross) / denominator
    numerator = bin.end * square + 2.0 * bin.slope * cross + bin.start * (rest * rest)
    log_slope = ((bin.slope / denominator).square() * numerator).log()
    return x - inside + (value * (2.0 * bound) - bound), log_slope


def inverse(y: Tensor, raw: Tensor, bound: float) -> Tensor:
    """Undo `forward`'s values: the root of a quadratic in the stable form, its discriminant clamped at 0 or above.

    Args:
        y: (…,).
        raw: (…, 3 K - 1).
        bound: half of the side of the box.
    """
    inside = y.clamp(-bound, bound)
    v = inside * (0.5 / bound) + 0.5
    bin = find_bin(v, raw, 1)
    above = v - bin.bottom
    lift = above * bin.rise
    a = bin.height * (bin.slope - bin.start) + lift
    b = bin.height * bin.start - lift
    c = -bin.slope * above
    # Not exactly 0, where the slope of the root is not finite.
    discriminant = (b * b - 4.0 * a * c).clamp_min(torch.finfo(y.dtype).tiny)
    theta = 2.0 * c / (-b - discriminant.sqrt())
    return y - inside + ((bin.left + theta * bin.width) * (2.0 * bound) - bound)
