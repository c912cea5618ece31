"""A copy of the model in training that observing may use as it likes; everything in the units of the data."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from gmstudio.data.base import Dataset
from gmstudio.models.layers.base import DensityModel
from gmstudio.models.layers.latent import LatentModel
from gmstudio.observation.frame import F32
from gmstudio.observation.plane import Plane

#: What stands for a log-density of minus infinity or NaN: pictures have to be finite.
LOWEST = -1e6
#: Draws of importance sampling for each point of a picture, where the model's likelihoods take more of them: a picture
#: that comes four times as soon is worth more than the third decimal of a colour.
PICTURE_DRAWS = 8


class Shadow:
    """Weights of one step, frozen in evaluation mode, so that looking cannot touch training.

    Args:
        model: the model in training.
        dataset: for the conversion between the units of the data and of the model.
        device: where the model is.
    """

    def __init__(self, model: DensityModel, dataset: Dataset, device: torch.device) -> None:
        self.device = device
        self.step = -1
        self.members = model.members
        self.can = model.can
        self._model = _frozen(model)
        self._shift = dataset.shift.to(device)
        self._scale = dataset.scale.to(device)
        self._log_volume = dataset.log_volume

    def follow(self, model: DensityModel, step: int) -> None:
        """Take the weights of `model`, which stands at `step`; free of charge when they are the present ones."""
        if step == self.step:
            return
        mine, its = _tensors(self._model), _tensors(model)
        if [a.shape for a in mine] != [a.shape for a in its]:
            self._model = _frozen(model)
        else:
            with torch.no_grad():
                torch._foreach_copy_(mine, its)
        self.step = step

    def tensor(self, x: F32) -> Tensor:
        """An array as a tensor on the model's device."""
        return torch.from_numpy(np.ascontiguousarray(x)).to(self.device)

    def _standardised(self, x: Tensor) -> Tensor:
        return ((x - self._shift) / self._scale).expand(self.members, *x.shape)

    @torch.inference_mode()
    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density in nats at points (B, D) or (E, B, D); returns (E, B)."""
        points = self._standardised(x) if x.dim() == 2 else (x - self._shift) / self._scale
        return self._model.log_prob(points) - self._log_volume

    def log_prob_error(self, x: Tensor, draws: int, seed: int) -> tuple[Tensor, Tensor]:
        """Log-density by importance sampling at points (B, D), own draws for each, and its standard error: (E, B)."""
        value, error = self._latent_model.log_prob_error(self._standardised(x), draws, seed)
        return value - self._log_volume, error

    def score(self, x: Tensor) -> Tensor:
        """Gradient of the log-density at points (B, D); returns (E, B, D)."""
        return self._model.score(self._standardised(x)) / self._scale

    def noise(self, size: int, seed: int) -> Tensor:
        """Fixed random numbers for `samples`: (size, K), on the model's device."""
        return self._model.noise(size, torch.Generator().manual_seed(seed)).to(self.device)

    @torch.inference_mode()
    def samples(self, noise: Tensor) -> Tensor:
        """Samples (E, B, D) from noise (B, K)."""
        return self._model.sample(noise) * self._scale + self._shift

    @property
    def latent(self) -> int:
        """L, dimensions of the latent space; 0 where the model has none."""
        return self._latent_model.latent if "encode" in self.can else 0

    @property
    def draws(self) -> int:
        """Standard normal numbers that a draw of the posterior takes."""
        return self._latent_model.draws

    @property
    def _latent_model(self) -> LatentModel:
        assert isinstance(self._model, LatentModel)
        return self._model

    @torch.inference_mode()
    def codes(self, x: Tensor, noise: Tensor) -> Tensor:
        """Means, log-variances and a draw of the posterior at points (B, D), of noise (B, `draws`): (E, B, 3, L)."""
        points = self._standardised(x)
        mean, log_variance = self._latent_model.encode(points)
        drawn = self._latent_model.posterior(points, noise.expand(self.members, *noise.shape).unsqueeze(2)).z
        return torch.stack((mean, log_variance, drawn.squeeze(2)), dim=2)

    @torch.inference_mode()
    def latents(self, noise: Tensor) -> Tensor:
        """Latent points (E, B, L) from which samples are decoded, from noise (B, K)."""
        return self._latent_model.latents(noise)

    @torch.inference_mode()
    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the posterior's base, (E, B, L), at points (B, D)."""
        return self._latent_model.encode(self._standardised(x))

    @torch.inference_mode()
    def decode(self, z: Tensor) -> Tensor:
        """What latent points (E, B, L) become: (E, B, D)."""
        return self._latent_model.decode(z) * self._scale + self._shift

    @torch.inference_mode()
    def rebuilt(self, x: Tensor) -> Tensor:
        """Reconstructions (E, B, D) of points (B, D)."""
        return self._latent_model.reconstruct(self._standardised(x)) * self._scale + self._shift

    @torch.inference_mode()
    def divergence(self, x: Tensor, noise: Tensor) -> Tensor:
        """KL(posterior || prior) in nats, (E, B), at points (B, D), of noise (B, `draws`)."""
        return self._latent_model.divergence(self._standardised(x), noise.expand(self.members, *noise.shape))

    @torch.inference_mode()
    def gamma(self) -> Tensor:
        """(E,) the decoder's variance in standardised units, on average over the columns."""
        return self._latent_model.log_gamma().exp().mean(1)

    def standard(self, x: Tensor) -> Tensor:
        """Points (…, D) in the model's standardised units."""
        return (x - self._shift) / self._scale

    @torch.inference_mode()
    def path(self, point: tuple[float, float]) -> F32:
        """The way of a point through the layers: (E, L + 1, D), in the model's standardised units."""
        x = self._standardised(torch.tensor([point], dtype=torch.float32, device=self.device))
        return finite(self._model.path(x)[:, :, 0].transpose(0, 1))

    @contextmanager
    def coarsely(self) -> Iterator[None]:
        """Where log-densities are estimated, estimate them by no more than `PICTURE_DRAWS` draws in here."""
        model = self._model
        if not isinstance(model, LatentModel):
            yield
            return
        before, model.importance = model.importance, min(model.importance, PICTURE_DRAWS)
        try:
            yield
        finally:
            model.importance = before

    @property
    def pictured(self) -> str:
        """How log-densities of pictures are estimated, where it is otherwise than likelihoods; else empty."""
        with self.coarsely():
            coarse = self._model.estimator
        return "" if coarse == self._model.estimator else coarse

    def density_picture(self, x: Tensor) -> F32:
        """`log_prob` as a finite array."""
        return finite(self.log_prob(x), LOWEST)

    def sheet(self, plane: Plane | None) -> Sheet:
        """How points of a plane become rows of the data; None where the data are points of the plane themselves."""
        return Sheet(plane, self.device)

    def sample_picture(self, noise: Tensor) -> F32:
        """`samples` as a finite array."""
        return finite(self.samples(noise))


class Sheet:
    """A plane as tensors on a device.

    Args:
        plane: None where the data are points of the plane themselves, which then stay as they are.
        device: where the model is.
    """

    def __init__(self, plane: Plane | None, device: torch.device) -> None:
        self._base = self._axes = None
        if plane is not None:
            self._base = torch.tensor(plane.base, dtype=torch.float32, device=device)
            self._axes = torch.tensor(plane.axes, dtype=torch.float32, device=device)

    def rows(self, points: Tensor) -> Tensor:
        """Points (B, 2) of the plane as rows of the data (B, D)."""
        if self._base is None or self._axes is None:
            return points
        return torch.addcmul(self._base + points[:, :1] * self._axes[0], points[:, 1:], self._axes[1])

    def along(self, scores: Tensor) -> Tensor:
        """Gradients (E, B, D) with respect to the data as gradients along the plane (E, B, 2), in its units."""
        return scores if self._axes is None else scores @ self._axes.T


@torch.inference_mode()
def finite(values: Tensor, nothing: float = 0.0) -> F32:
    """Values as an array, clipped to a million either way; NaN becomes `nothing`."""
    bounded = values.float().nan_to_num(nothing, -LOWEST, LOWEST).clamp_(LOWEST, -LOWEST)
    array: F32 = _on_host(bounded).numpy()
    return array


def _on_host(values: Tensor) -> Tensor:
    """The values in memory that numpy can read; from CUDA through pinned memory, which the device writes by itself."""
    if values.device.type != "cuda":
        return values.cpu()
    # Torch keeps pinned blocks for the next time: only the first of a size has to be made.
    host = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
    host.copy_(values, non_blocking=True)
    torch.cuda.current_stream(values.device).synchronize()
    return host


def sealed(values: F32) -> F32:
    """An immutable copy, C-contiguous."""
    copied = np.array(values, dtype=np.float32, order="C")
    copied.setflags(write=False)
    return copied


def _frozen(model: DensityModel) -> DensityModel:
    return copy.deepcopy(model).eval().requires_grad_(False)


def _tensors(model: DensityModel) -> list[Tensor]:
    return [*model.parameters(), *model.buffers()]
