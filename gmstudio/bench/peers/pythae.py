"""pythae (Chadebec, Vincent, Allassonnière, NeurIPS 2022), https://pythae.readthedocs.io: `model({"data": x}).loss`.

It is no requirement of anything here, since it asks for much besides; `INSTALL` says how to have it beside.
"""

from __future__ import annotations

import importlib.util
import itertools
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from gmstudio.bench.race import Work

Kind = Literal["VAE", "IWAE", "VAE-IAF"]

#: What installs it where nothing else is touched; then PYTHONPATH has to name the folder.
INSTALL = (
    "pip install --target FOLDER pydantic && "
    "pip install --target FOLDER --no-deps pythae==0.1.2 cloudpickle imageio tqdm, then PYTHONPATH=FOLDER"
)


def installed() -> bool:
    """Whether it can be imported here."""
    return importlib.util.find_spec("pythae") is not None


def build(kind: Kind, dim: int, latent: int, widths: list[int], *, draws: int, flows: int) -> nn.Module:
    """Make a model with networks of ReLU layers and a Gaussian decoder of variance 1, on the CPU.

    Args:
        kind: which.
        dim, latent: D and L.
        widths: of the hidden layers of the encoder; the decoder has them in reverse.
        draws: of the posterior for each point, of an IWAE.
        flows: of the posterior, of a VAE-IAF; each has one hidden layer as wide as the encoder's last.
    """
    from pythae import models

    common = {"input_dim": (dim,), "latent_dim": latent, "reconstruction_loss": "mse"}
    networks = {"encoder": _encoder(dim, latent, widths), "decoder": _decoder(dim, latent, widths)}
    if kind == "VAE":
        made = models.VAE(models.VAEConfig(**common), **networks)
    elif kind == "IWAE":
        made = models.IWAE(models.IWAEConfig(number_samples=draws, **common), **networks)
    else:
        config = models.VAE_IAF_Config(n_made_blocks=flows, n_hidden_in_made=1, hidden_size=widths[-1], **common)
        made = models.VAE_IAF(config, **networks)
    module: nn.Module = made
    return module


def loop(model: nn.Module, points: Tensor, batch: int) -> Work:
    """A training loop as people write it: a random batch, the gradient, a step of Adam.

    Adam is asked for its fused kernel, which is not its default.  The library's own trainer does the same through a
    data loader, which only costs.

    Args:
        model: on the device of `points`.
        points: (N, D) standardised.
        batch: B.
    """
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    model.train()

    def work(steps: int) -> None:
        for _ in range(steps):
            x = points[torch.randint(len(points), (batch,), device=points.device)]
            optimiser.zero_grad()
            loss = model({"data": x}).loss
            loss.backward()
            optimiser.step()

    return work


def _layers(sizes: list[int]) -> nn.Sequential:
    return nn.Sequential(*(part for a, b in itertools.pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU())))


def _encoder(dim: int, latent: int, widths: list[int]) -> Any:
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseEncoder

    class Encoder(BaseEncoder):  # type: ignore[misc]
        """As the library's own, of any depth."""

        def __init__(self) -> None:
            super().__init__()
            self.layers = _layers([dim, *widths])
            self.embedding, self.log_var = nn.Linear(widths[-1], latent), nn.Linear(widths[-1], latent)

        def forward(self, x: Tensor) -> Any:
            hidden = self.layers(x)
            return ModelOutput(embedding=self.embedding(hidden), log_covariance=self.log_var(hidden))

    return Encoder()


def _decoder(dim: int, latent: int, widths: list[int]) -> Any:
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder

    class Decoder(BaseDecoder):  # type: ignore[misc]
        """As the library's own, of any depth, and without a sigmoid at its end: the points are standardised."""

        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(_layers([latent, *reversed(widths)]), nn.Linear(widths[0], dim))

        def forward(self, z: Tensor) -> Any:
            return ModelOutput(reconstruction=self.layers(z))

    return Decoder()
