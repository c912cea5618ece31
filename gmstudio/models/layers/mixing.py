"""Learned invertible linear maps for all blocks of a flow at once (Kingma and Dhariwal, "Glow", NeurIPS 2018, 3.1-3.2).

The matrices of all blocks are made from their factors in one go, once per pass: a handful of kernels instead of a
handful for each block.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn


class Mixing(nn.Module):
    """L maps z = M x + c with M = P (I + lower) (diag + upper), for each of E members.

    With `actnorm` a scale and a shift of every column come first: M and c take them in.

    Args:
        dim: D.
        blocks: L.
        draws: one generator for each member.
        start: ``rotation`` starts from random rotations, ``identity`` from nothing moved.
        actnorm: whether a scale and a shift come first.
    """

    def __init__(
        self,
        dim: int,
        blocks: int,
        draws: Sequence[torch.Generator],
        *,
        start: Literal["rotation", "identity"],
        actnorm: bool,
    ) -> None:
        super().__init__()
        members = len(draws)
        matrices = torch.eye(dim).expand(members, blocks, dim, dim)
        if start == "rotation":
            normal = [torch.randn(blocks, dim, dim, generator=draw) for draw in draws]
            matrices = torch.stack([torch.linalg.qr(member).Q for member in normal])
        permutation, lower, upper = torch.linalg.lu(matrices)
        diagonal = upper.diagonal(dim1=-2, dim2=-1)
        self.permutation: Tensor
        self.signs: Tensor
        self.register_buffer("permutation", permutation.contiguous())
        self.register_buffer("signs", diagonal.sign())
        self.lower = nn.Parameter(lower.tril(-1))
        self.upper = nn.Parameter(upper.triu(1))
        self.log_diagonal = nn.Parameter(diagonal.abs().log())
        self.actnorm = actnorm
        if actnorm:
            self.log_scale = nn.Parameter(torch.zeros(members, blocks, dim))
            self.shift = nn.Parameter(torch.zeros(members, blocks, dim))

    def maps(self) -> tuple[Tensor, Tensor | None, Tensor]:
        """The maps of all blocks.

        Returns:
            The matrices (E, L, D, D), the shifts (E, L, D) or None, and the sum over the blocks of log |det M|, (E,).
        """
        eye = torch.eye(self.lower.shape[-1], dtype=self.lower.dtype, device=self.lower.device)
        left = self.permutation @ (self.lower.tril(-1) + eye)
        matrices = left @ (self.upper.triu(1) + torch.diag_embed(self.signs * self.log_diagonal.exp()))
        log_det = self.log_diagonal.sum((-2, -1))
        if not self.actnorm:
            return matrices, None, log_det
        shifts = (matrices @ self.shift.unsqueeze(-1)).squeeze(-1)
        return matrices * self.log_scale.exp().unsqueeze(-2), shifts, log_det + self.log_scale.sum((-2, -1))

    def set_actnorm(self, block: int, x: Tensor) -> None:
        """Set the scale and shift of a block so that points x (E, D, B) leave them with mean 0 and variance 1."""
        deviation, mean = torch.std_mean(x, dim=2, correction=0)
        log_scale = -deviation.clamp_min(1e-3).log()
        self.log_scale.data[:, block] = log_scale
        self.shift.data[:, block] = -mean * log_scale.exp()


def mix(x: Tensor, matrix: Tensor, shift: Tensor | None) -> Tensor:
    """Map x of shape (E, D, B) by M (E, D, D) and c (E, D)."""
    return torch.bmm(matrix, x) if shift is None else torch.baddbmm(shift.unsqueeze(2), matrix, x)


def unmix(z: Tensor, matrix: Tensor, shift: Tensor | None) -> Tensor:
    """Undo `mix`. The factors are small and well conditioned, so that solving with M itself is accurate."""
    solution: Tensor = torch.linalg.solve_ex(matrix, z if shift is None else z - shift.unsqueeze(2)).result
    return solution
