"""The importance-weighted bound, with two estimators of its gradient."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal, cast

from gmstudio.objectives.base import ObjectiveSpec
from gmstudio.registry import component, describe

if TYPE_CHECKING:
    from torch import Tensor

    from gmstudio.models.layers.base import DensityModel
    from gmstudio.models.layers.latent import LatentModel


@component(
    "objective",
    title="IWAE bound",
    summary="Maximises the log of the mean of k importance weights, a bound that is the tighter the larger k is.",
    reference="Burda, Grosse, Salakhutdinov, Importance weighted autoencoders, ICLR 2016; DReG: Tucker et al., "
    "Doubly reparameterized gradient estimators for Monte Carlo objectives, ICLR 2019",
    order=20,
)
class IWAE(ObjectiveSpec, frozen=True, kw_only=True, tag="iwae"):
    """Mean over the batch of log k - logsumexp_k(log w), in nats per point."""

    k: Annotated[
        int,
        describe("Draws of the posterior for each point; with 1 the bound is the ELBO.", ge=1, le=256, label="Draws k"),
    ] = 5
    gradient: Annotated[
        Literal["plain", "DReG"],
        describe(
            "How the encoder learns: by the bound's own gradient, or by the doubly reparameterised one, which agrees "
            "with it on average and varies less, the more so the larger k is.",
        ),
    ] = "plain"

    @property
    def needs(self) -> frozenset[str]:
        """Importance weights."""
        return frozenset({"weights", "path gradient"} if self.gradient == "DReG" else {"weights"})

    def draws(self, model: DensityModel) -> int:
        """The numbers of k draws of the posterior."""
        return self.k * cast("LatentModel", model).draws

    def loss(self, model: DensityModel, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """Minus the mean bound of the batch (E, B, D); returns (E,)."""
        assert noise is not None
        latent = cast("LatentModel", model)
        noise = noise.reshape(*noise.shape[:2], self.k, latent.draws)
        if self.gradient == "plain":
            log_weights = latent.log_weights(x, noise)
        else:
            log_weights = _doubly_reparameterised(latent, x, noise)
        return math.log(self.k) - log_weights.logsumexp(-1).mean(dim=1)


def _doubly_reparameterised(model: LatentModel, x: Tensor, noise: Tensor) -> Tensor:
    """Log-weights (E, B, K) of which logsumexp has the DReG gradient (Tucker et al. 2019, eq. 8).

    With normalised weights w~, logsumexp gives the decoder sum_k w~_k d log w_k, as it should be.  The encoder is to
    get sum_k w~_k^2 d log w_k / dz_k dz_k / dphi: slopes are multiplied by w~ once more on their way back through z.
    """
    from gmstudio.models.layers.latent import slopes_scaled

    scale: list[Tensor] = []
    log_weights = model.log_weights(x, noise, through=lambda z: slopes_scaled(z, scale))
    scale.append(log_weights.detach().softmax(-1).unsqueeze(-1))
    return log_weights
