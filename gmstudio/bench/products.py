"""What the matrix products of a model's hidden layers take alone: no way of evaluating the model can be faster."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gmstudio.bench.architecture import Architecture
from gmstudio.bench.race import Work

if TYPE_CHECKING:
    from torch import Tensor

#: Points of one product: the fastest of the powers of two where it was tried.
CHUNK = 2048


def limits(architecture: Architecture, points: Tensor) -> dict[str, Work]:
    """The hidden layers' products for so many points, by who computes them; what is not there is left out.

    Args:
        architecture: a chain of networks.
        points: (N, D) on the device to be measured; only number and device count.
    """
    import torch

    width, device = architecture.hidden, points.device
    products = architecture.blocks * (architecture.layers - 1) * -(-len(points) // CHUNK)
    weight = torch.randn(width, width, device=device)
    bias, columns = torch.zeros(width, 1, device=device), torch.randn(width, CHUNK, device=device)
    found = {"limit, BLAS": _repeated(lambda: torch.addmm(bias, weight, columns), products)}
    fused = _fused(weight, columns.mT.contiguous())
    return {**found, "limit, oneDNN": _repeated(fused, products)} if fused is not None else found


def _fused(weight: Tensor, rows: Tensor) -> Callable[[], Tensor] | None:
    """oneDNN's product with bias and ReLU in one; None where this torch or this device lacks it, or where it errs."""
    import torch

    bias = torch.zeros(len(weight))
    try:
        operation = torch.ops.mkldnn._linear_pointwise
        found = operation(rows, weight, bias, "relu", [], "")
    except (AttributeError, RuntimeError, NotImplementedError):
        return None
    if not torch.allclose(found, torch.relu(rows @ weight.mT), rtol=1e-3, atol=1e-3):
        return None
    return lambda: operation(rows, weight, bias, "relu", [], "")


def _repeated(product: Callable[[], Tensor], products: int) -> Work:
    import torch

    def work(times: int) -> None:
        with torch.inference_mode():
            for _ in range(times * products):
                product()

    return work
