"""A posterior made flexible by inverse autoregressive flow.

Kingma, Salimans, Jozefowicz, Chen, Sutskever, Welling, "Improved variational inference with inverse autoregressive
flow", NeurIPS 2016, algorithm 1.  The way back is never needed: draws and their density are made together.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from gmstudio.models.layers.gradients import tensors_of
from gmstudio.models.layers.latent import BOUND, LEARNED, Draw, LatentModel, Through, Variance
from gmstudio.models.layers.linear import Activation, EnsembleLinear, activated, linear, push
from gmstudio.models.layers.made import MaskedMLP, masked

#: Added to the gates before the logistic function: steps begin near the identity (section 4 of the paper).
OPEN = 2.0


class InverseAutoregressiveStep(nn.Module):
    """z'_k = s_k z_k + (1 - s_k) m_k, s and m functions of the context and of z_0, …, z_{k-1}; then the order turns.

    Args:
        latent: L.
        context: C, columns of the context.
        hidden: width of the network.
        activation: between its layers.
        draws: one generator for each member.
    """

    def __init__(
        self, latent: int, context: int, *, hidden: int, activation: Activation, draws: Sequence[torch.Generator]
    ) -> None:
        super().__init__()
        self.context = EnsembleLinear(context, hidden, draws)
        # Its input k is column k - 1, so that its output k depends on the columns before k; input 0 is nothing.
        self.net = MaskedMLP(latent, 2, hidden=hidden, layers=1, activation=activation, draws=draws)

    def forward(self, z: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Move z (E, L, N) given the context (E, C, N).

        Returns:
            The moved columns (E, L, N), and log |det dz'/dz| (E, N).
        """
        (weight, bias, *last) = masked([self.net], [tensors_of(self.net.sources())])[0]
        before = torch.cat((torch.zeros_like(z[:, :1]), z[:, :-1]), dim=1)
        inner = linear(before, weight, bias) + self.context(context)
        numbers, _ = push(activated(inner, self.net.activation), last, self.net.activation, keep=False)
        gate, shift = numbers.chunk(2, dim=1)
        gate = gate + OPEN
        share = torch.sigmoid(gate)
        moved = share * z + (1.0 - share) * shift
        return moved.flip(1), functional.logsigmoid(gate).sum(1)


class InverseAutoregressiveModel(LatentModel):
    """Latent variables with a posterior by inverse autoregressive flow.

    Args:
        dim, latent, decoder, members, variance: as for `LatentModel`.
        encoder: maps (E, D, B) to (E, 2 L + C, B): mean and log-variance of the base, and the context.
        steps: at least one, from the base to the posterior.
    """

    def __init__(
        self,
        dim: int,
        latent: int,
        encoder: nn.Module,
        decoder: nn.Module,
        members: int,
        steps: Sequence[InverseAutoregressiveStep],
        variance: Variance = LEARNED,
    ) -> None:
        super().__init__(dim, latent, encoder, decoder, members, variance)
        self.steps = nn.ModuleList(steps)

    def _base(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mean and log-variance of the base, (E, L, B), and the context (E, C, B)."""
        numbers: Tensor = self.encoder(x.mT)
        mean, raw = numbers[:, : self.latent], numbers[:, self.latent : 2 * self.latent]
        return mean, BOUND * torch.tanh(raw / BOUND), numbers[:, 2 * self.latent :]

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the base; see `LatentModel.encode`."""
        mean, log_variance, _ = self._base(x)
        return mean.mT, log_variance.mT

    def posterior(self, x: Tensor, noise: Tensor, through: Through | None = None) -> Draw:
        """Draws by flow; see `LatentModel.posterior`."""
        if through is not None:
            raise NotImplementedError("the density of a draw is known only together with the draw")
        mean, log_variance, context = self._base(x)
        members, points, count = noise.shape[:3]
        numbers = noise.permute(0, 3, 1, 2)
        z = torch.addcmul(mean.unsqueeze(-1), torch.exp(0.5 * log_variance).unsqueeze(-1), numbers)
        z = z.reshape(members, self.latent, points * count)
        given = context.unsqueeze(-1).expand(-1, -1, -1, count).reshape(members, -1, points * count)
        log_det = torch.zeros_like(z[:, 0])
        for step in self.steps:
            z, log_slope = step(z, given)
            log_det = log_det + log_slope
        log_ratio = 0.5 * (numbers.square().sum(1) + log_variance.sum(1).unsqueeze(-1))
        moved = (log_det - 0.5 * z.square().sum(1)).reshape(members, points, count)
        return Draw(z.reshape(members, self.latent, points, count).permute(0, 2, 3, 1), log_ratio + moved)

    terms = LatentModel.terms_of_draw

    def reconstruct(self, x: Tensor) -> Tensor:
        """What the decoder makes of where the base's mean is moved to."""
        nothing = x.new_zeros(*x.shape[:2], 1, self.latent)
        return self.decode(self.posterior(x, nothing).z.squeeze(2))
