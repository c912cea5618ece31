"""Monotone rational-quadratic splines with linear tails (Durkan et al., "Neural Spline Flows", NeurIPS 2019, 3.1)."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

#: A bin's share of the box is its softmax plus this, over the total: nearly this at least.
LEAST = 1e-3
#: Log-slopes at the knots are within +-STEEPEST.
STEEPEST = math.log(1e3)


class Table(NamedTuple):
    """How the knots of splines follow from their numbers: the same for all, with a leading dimension of any size.

    Attributes:
        matrix, constant: from shares and inner log-slopes to K + 1 horizontal and K + 1 vertical places of knots and
            K + 1 log-slopes, (…, 3 K + 3, 3 K - 1) and (…, 3 K + 3, 1).
        offsets: from a bin's number to the rows of its two knots, (…, 6, 1).
        bound: half of the side of the box.
    """

    matrix: Tensor
    constant: Tensor
    offsets: Tensor
    bound: float

    def of(self, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """Matrix, constant and offsets for as many splines."""
        if self.matrix.shape[0] == count:
            return self.matrix, self.constant, self.offsets
        return self.matrix[:1].expand(count, -1, -1), self.constant[:1], self.offsets[:1]


class Bin(NamedTuple):
    """The bin in which each point lies; all (J, B).

    Attributes:
        left, right, bottom: where it begins and ends, and where its curve begins.
        width, height: its size.
        slope, rise: height / width, and the sum of the slopes at both knots minus twice it.
        start, end: the slopes at its two knots.
        around: how its knots came from the spline's numbers.
    """

    left: Tensor
    right: Tensor
    bottom: Tensor
    width: Tensor
    height: Tensor
    slope: Tensor
    rise: Tensor
    start: Tensor
    end: Tensor
    around: Knots


class Knots(NamedTuple):
    """The two knots of the bin of each point, as what they came from.

    Attributes:
        shares: softmax of the widths and of the heights, (J, 2, K, B).
        rows: of the table of knots, (J, 6, B).
        bent: tanh of the log-slopes over `STEEPEST`, (J, 2, B).
        slopes: the slopes, (J, 2, B).
    """

    shares: Tensor
    rows: Tensor
    bent: Tensor
    slopes: Tensor


class Saved(NamedTuple):
    """What `pull` needs; all (J, B) but for the bin."""

    bin: Bin
    inside: Tensor
    theta: Tensor
    rest: Tensor
    cross: Tensor
    denominator: Tensor
    numerator: Tensor
    value: Tensor
    gain: Tensor


def parameters(bins: int) -> int:
    """How many numbers describe one spline: widths, heights and inner slopes."""
    return 3 * bins - 1


def table(bins: int, bound: float, dtype: torch.dtype = torch.float32) -> Table:
    """The table for splines of as many bins, on the CPU, with leading dimension 1."""
    scale = 2.0 * bound / (1.0 + LEAST * bins)
    matrix = torch.zeros(1, 3 * bins + 3, parameters(bins), dtype=dtype)
    constant = torch.zeros(1, 3 * bins + 3, 1, dtype=dtype)
    for side in range(2):
        first = side * (bins + 1)
        for knot in range(bins):
            matrix[0, first + knot, side * bins : side * bins + knot] = scale
            constant[0, first + knot] = scale * LEAST * knot - bound
        constant[0, first + bins] = bound
    inner = torch.arange(bins - 1)
    matrix[0, 2 * bins + 3 + inner, 2 * bins + inner] = 1.0
    starts = torch.tensor([0, bins + 1, 2 * bins + 2])
    return Table(matrix, constant, torch.cat((starts, starts + 1)).view(1, 6, 1), bound)


def find_bin(u: Tensor, raw: Tensor, table: Table, side: int) -> Bin:
    """The bins in which points lie.

    Args:
        u: (J, B) within the box.
        raw: (J, 3 K - 1, B) unbounded numbers: K widths, K heights, K - 1 slopes.
        table: how knots follow from them.
        side: 0 when u is horizontal, 1 when it is vertical.
    """
    count, numbers, rows = raw.shape
    bins = (numbers + 1) // 3
    shares = raw[:, : 2 * bins].reshape(count, 2, bins, rows).softmax(2)
    matrix, constant, offsets = table.of(count)
    parts = torch.cat((shares.view(count, 2 * bins, rows), raw[:, 2 * bins :]), dim=1)
    knots = torch.baddbmm(constant, matrix, parts)
    first = side * (bins + 1) + 1
    # By the very numbers that are subtracted below, so that no point is outside its bin.
    inner = knots.detach()[:, first : first + bins - 1]
    index = (inner <= u.detach().unsqueeze(1)).sum(1, keepdim=True) + offsets
    found = knots.gather(1, index)
    low, high = found[:, :3], found[:, 3:]
    left, bottom, _ = low.unbind(1)
    width, height, _ = (high - low).unbind(1)
    bent = torch.tanh(found[:, 2::3] * (1.0 / STEEPEST))
    slopes = (bent * STEEPEST).exp()
    start, end = slopes.unbind(1)
    slope = height / width
    rise = torch.sub(start + end, slope, alpha=2.0)
    around = Knots(shares, index, bent, slopes)
    return Bin(left, high[:, 0], bottom, width, height, slope, rise, start, end, around)


def push(x: Tensor, raw: Tensor, table: Table) -> tuple[Tensor, Tensor, Saved]:
    """The spline's values and log-slopes, in operations that autograd can follow.

    At the border of the box value and slope of the spline are those of the tail, so that outside a point takes the
    border's and is moved on by what was clamped: no branches, and finite gradients everywhere.

    Args:
        x: (J, B).
        raw: (J, 3 K - 1, B).
        table: how knots follow from raw.

    Returns:
        y (J, B), log dy/dx (J, B), and what `pull` needs.
    """
    inside = x.clamp(-table.bound, table.bound)
    bin = find_bin(inside, raw, table, 0)
    theta, rest = (inside - bin.left) / bin.width, (bin.right - inside) / bin.width
    cross = theta * rest
    denominator = torch.addcmul(bin.slope, bin.rise, cross)
    value = torch.addcmul(bin.slope * theta, bin.start, rest) * theta / denominator
    numerator = torch.addcmul(bin.end * theta, bin.slope, rest, value=2.0) * theta
    numerator = torch.addcmul(numerator, bin.start * rest, rest)
    gain = (bin.slope / denominator).square() * numerator
    y = torch.addcmul(bin.bottom, bin.height, value) + (x - inside)
    return y, gain.log(), Saved(bin, x == inside, theta, rest, cross, denominator, numerator, value, gain)


def pull(saved: Saved, slope: Tensor, of_log: Tensor, table: Table) -> tuple[Tensor, Tensor]:
    """Carry slopes back through `push`, without autograd.

    Args:
        saved, table: from and of `push`.
        slope: of a scalar with respect to y, (J, B).
        of_log: with respect to log dy/dx, (J, B).

    Returns:
        Slopes of x, (J, B), and of raw, (J, 3 K - 1, B).
    """
    bin, theta, rest, cross = saved.bin, saved.theta, saved.rest, saved.cross
    # With respect to the numerator of the slope, to that of the value, and to the denominator of both.
    by_numerator, half = of_log / saved.numerator, of_log / saved.denominator
    by_top = slope * bin.height / saved.denominator
    by_denominator = torch.add(by_top * saved.value, half, alpha=2.0).neg_()
    by_slope = torch.addcmul(by_denominator, by_top * theta, theta)
    by_slope.addcmul_(cross, by_numerator - by_denominator, value=2.0).add_(of_log / bin.slope, alpha=2.0)
    by_start = (by_numerator * rest).mul_(rest).addcmul_(cross, by_top + by_denominator)
    by_end = (by_numerator * theta).mul_(theta).addcmul_(cross, by_denominator)
    # With respect to the place in the bin; the slope's part is half of it.
    falling = rest - theta
    turn = torch.addcmul(bin.end * theta, bin.slope, falling).addcmul_(bin.start, rest, value=-1.0)
    bend = (turn * by_numerator).addcmul_(bin.rise * falling, half, value=-1.0)
    by_place = torch.add(slope * saved.gain, bend / bin.width, alpha=2.0)
    by_height = torch.addcmul(by_slope / bin.width, slope, saved.value)
    by_width = (by_place * theta).addcmul_(by_slope / bin.width, bin.slope).neg_()
    of_slopes = torch.stack((by_start, by_end), dim=1)
    of_raw = _pull_knots(bin.around, (-by_place - by_width, slope - by_height), (by_width, by_height), of_slopes, table)
    return torch.where(saved.inside, by_place, slope), of_raw


def _pull_knots(
    knots: Knots, low: tuple[Tensor, Tensor], high: tuple[Tensor, Tensor], of_slopes: Tensor, table: Table
) -> Tensor:
    """Slopes of a spline's numbers from those of the two knots of each point's bin: places (J, B), slopes (J, 2, B)."""
    count, _, bins, rows = knots.shares.shape
    start, end = torch.ops.aten.tanh_backward(of_slopes * knots.slopes, knots.bent).unbind(1)
    matrix, _, _ = table.of(count)
    found = start.new_zeros(count, matrix.shape[1], rows)
    found.scatter_(1, knots.rows, torch.stack((*low, start, *high, end), dim=1))
    parts = torch.bmm(matrix.mT, found)
    of_shares = parts[:, : 2 * bins].view(count, 2, bins, rows)
    of_logits = torch.ops.aten._softmax_backward_data(of_shares, knots.shares, 2, start.dtype)
    return torch.cat((of_logits.view(count, 2 * bins, rows), parts[:, 2 * bins :]), dim=1)


def inverse(y: Tensor, raw: Tensor, table: Table) -> Tensor:
    """Undo `forward`'s values: the root of a quadratic in the stable form, its discriminant clamped at 0 or above.

    Args:
        y: (J, B).
        raw: (J, 3 K - 1, B).
        table: how knots follow from raw.
    """
    inside = y.clamp(-table.bound, table.bound)
    bin = find_bin(inside, raw, table, 1)
    above = inside - bin.bottom
    lift = above * bin.rise
    a = bin.height * (bin.slope - bin.start) + lift
    b = bin.height * bin.start - lift
    c = -bin.slope * above
    # Not exactly 0, where the slope of the root is not finite.
    discriminant = (b * b - 4.0 * a * c).clamp_min(torch.finfo(y.dtype).tiny)
    theta = 2.0 * c / (-b - discriminant.sqrt())
    return y - inside + torch.addcmul(bin.left, theta, bin.width)
