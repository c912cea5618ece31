"""The von Mises law on the unit circle: angles, their exact density, and how well samples follow it."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def angles(x: Tensor) -> Tensor:
    """The angle of points (…, 2) in (-pi, pi]; returns (…)."""
    return torch.atan2(x[..., 1], x[..., 0])


def points(angle: Tensor) -> Tensor:
    """Points (…, 2) of the unit circle at angles (…)."""
    return torch.stack([angle.cos(), angle.sin()], dim=-1)


def log_prob(angle: Tensor, kappa: float, centre: float = 0.0) -> Tensor:
    """Exact log-density in nats per radian of the von Mises law.

    Args:
        angle: (…) radians.
        kappa: concentration, at least 0; 0 is uniform.
        centre: the most likely angle, radians.

    Returns:
        (…).
    """
    log_bessel = torch.special.i0e(torch.tensor(kappa, dtype=torch.float64)).log() + kappa
    return kappa * (angle - centre).cos() - (math.log(2 * math.pi) + float(log_bessel))


def sample(size: int, kappa: float, centre: float, generator: torch.Generator) -> Tensor:
    """Angles (size,) float64 in (-pi, pi], by the exact rejection of Best and Fisher.

    D. J. Best, N. I. Fisher, "Efficient simulation of the von Mises distribution", Applied Statistics 28 (1979).

    Args:
        size: how many.
        kappa: concentration, at least 0.
        centre: the most likely angle, radians.
        generator: a CPU generator.
    """
    found: list[Tensor] = []
    count = 0
    while count < size:
        u = torch.rand(3, max(size - count, 64), dtype=torch.float64, generator=generator)
        accepted = _proposals(u, kappa)
        found.append(accepted)
        count += len(accepted)
    return wrapped(torch.cat(found)[:size] + centre) if found else torch.zeros(0, dtype=torch.float64)


def _proposals(u: Tensor, kappa: float) -> Tensor:
    """Angles around 0 from uniform numbers (3, n): a wrapped Cauchy envelope, thinned."""
    if kappa < 1e-6:
        # The envelope degenerates; the density differs from the uniform by less than a millionth.
        return (2 * u[0] - 1) * math.pi
    tau = 1 + math.sqrt(1 + 4 * kappa**2)
    rho = (tau - math.sqrt(2 * tau)) / (2 * kappa)
    r = (1 + rho**2) / (2 * rho)
    z = (math.pi * u[0]).cos()
    f = (1 + r * z) / (r + z)
    c = kappa * (r - f)
    accepted = (c * (2 - c) > u[1]) | ((c / u[1]).log() + 1 - c >= 0)
    return (u[2] - 0.5).sign()[accepted] * f[accepted].clamp(-1, 1).acos()


def wrapped(angle: Tensor) -> Tensor:
    """Angles (…) brought into [-pi, pi)."""
    return torch.remainder(angle + math.pi, 2 * math.pi) - math.pi


def estimate(angle: Tensor, at: Tensor, concentration: float = 50.0) -> Tensor:
    """Kernel estimate of the log-density of angles, with a von Mises kernel, which knows no edges.

    Args:
        angle: (N,) radians, the sample.
        at: (M,) radians, where the estimate is wanted.
        concentration: of the kernel; its width is about 1 / sqrt(concentration) radians.

    Returns:
        (M,) log-density in nats per radian.
    """
    rows = max(1, 2**20 // len(angle))
    parts: list[Tensor] = []
    for start in range(0, len(at), rows):
        parts.append(log_prob(at[start : start + rows].unsqueeze(1) - angle, concentration).logsumexp(1))
    return torch.cat(parts) - math.log(len(angle))


def divergence(x: Tensor, kappa: float, centre: float = 0.0, concentration: float = 50.0, nodes: int = 256) -> float:
    """KL divergence in nats from the exact angle density to a kernel estimate from the angles of samples.

    Both densities are blurred by the same kernel, so that the divergence of perfect samples tends to 0 as they grow
    in number.

    Args:
        x: (N, 2) samples of a model, in the units of the data, in which the circle has radius 1.
        kappa, centre: of the exact law.
        concentration: of the kernel.
        nodes: angles at which the integral is taken.

    Returns:
        The divergence; infinite where there are no finite samples.
    """
    x = x.double()
    x = x[x.isfinite().all(1)]
    if not len(x):
        return math.inf
    grid = torch.arange(nodes, dtype=torch.float64) * (2 * math.pi / nodes) - math.pi
    exact = log_prob(grid, kappa, centre).exp()
    kernel = log_prob(grid.unsqueeze(1) - grid, concentration).exp()
    blurred = kernel @ exact * (2 * math.pi / nodes)
    model = estimate(angles(x), grid, concentration)
    return float((blurred * (blurred.log() - model)).sum() * (2 * math.pi / nodes))
