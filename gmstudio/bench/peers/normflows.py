"""normflows (Stimper and others), https://vincentstimper.github.io/normalizing-flows: `model.forward_kld(x)`."""

from __future__ import annotations

import normflows as nf
from torch import Tensor, nn

from gmstudio.bench.architecture import BINS, BOUND, Architecture
from gmstudio.bench.peers.model import PeerModel


def build(architecture: Architecture) -> PeerModel | None:
    """Make the model; None for energies."""
    if architecture.family == "energy":
        return None
    chain = [part for _ in range(architecture.blocks) for part in _block(architecture)]
    model = nf.NormalizingFlow(nf.distributions.base.DiagGaussian(architecture.dim, trainable=False), chain)

    def sample(size: int) -> Tensor:
        points: Tensor = model.sample(size)[0]
        return points

    return PeerModel(model, model.forward_kld, model.log_prob, sample)


def _block(architecture: Architecture) -> list[nn.Module]:
    dim, widths = architecture.dim, architecture.widths
    first = (dim + 1) // 2
    if architecture.family == "maf":
        maf = nf.flows.MaskedAffineAutoregressive(
            dim, architecture.hidden, num_blocks=architecture.layers - 1, use_residual_blocks=False
        )
        # The library's own is fast at sampling and takes D passes for a density: for likelihoods it is turned round.
        return [nf.flows.Reverse(maf), nf.flows.Permute(dim, mode="swap")]
    if architecture.family == "spline":
        spline = nf.flows.CoupledRationalQuadraticSpline(dim, 1, architecture.hidden, num_bins=BINS, tail_bound=BOUND)
        coupling = spline.prqct
        # In place of its residual network, so that the work is that of the others.
        outputs = coupling.num_transform_features * (3 * BINS - 1)
        coupling.transform_net = _Net(coupling.num_identity_features, outputs, architecture)
        return [spline, nf.flows.LULinearPermute(dim)]
    affine = nf.flows.AffineCouplingBlock(nf.nets.MLP([first, *widths, 2 * (dim - first)], init_zeros=True))
    if architecture.family == "glow":
        return [affine, nf.flows.InvertibleAffine(dim, use_lu=True), nf.flows.ActNorm(dim)]
    return [affine, nf.flows.Permute(dim, mode="swap")]


class _Net(nn.Module):
    """The library's own network, called with a context that there is not."""

    def __init__(self, inputs: int, outputs: int, architecture: Architecture) -> None:
        super().__init__()
        self.net = nf.nets.MLP([inputs, *architecture.widths, outputs])
        # A spline coupling asks for it, and warns at every step where there is none.
        self.hidden_features = architecture.hidden

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        """Map (B, in) to (B, out)."""
        out: Tensor = self.net(x)
        return out
