"""Inception-v3 up to its 2048 pooled features, in which FID and KID of photographs are usually measured.

Szegedy, Vanhoucke, Ioffe, Shlens, Wojna, "Rethinking the Inception architecture for computer vision", CVPR 2016, in the
variant of FID's first program: average pools do not count padding, and the last block pools by maximum.  The weights
are a person's own file: nothing is downloaded, and no pickle is opened.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from gmstudio.errors import RefusedError
from gmstudio.training.checkpoint import tensors_from_bytes
from gmstudio.training.errors import CheckpointError

#: Features of an image; pixels of a side that the network sees.
FEATURES, SIDE = 2048, 299
#: Images that are looked at in one go, at most: the first layers take 15 MB for each.
CHUNK = 16
#: Bytes of a file that is read; the whole network has 109 MB.
MAX_BYTES = 200 * 2**20
#: Added to variances before batch normalisation divides by their root.
EPSILON = 1e-3
#: Letters of a file's name that are told.
NAME = 80
#: What follows the trunk, which is left out.
BEYOND = ("fc.", "AuxLogits.")


class Layer(NamedTuple):
    """A convolution without bias, batch normalisation and a rectifier.

    Attributes:
        name: of its weights.
        outputs: channels.
        kernel: height and width.
        stride: in both directions.
        padded: whether the image keeps its size.
    """

    name: str
    outputs: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    padded: bool = True


class Pool(NamedTuple):
    """The mean, or the largest, of 3 x 3 pixels: of every pixel, or of every other without padding."""

    largest: bool
    stride: int = 1


class Fork(NamedTuple):
    """Branches whose channels are put behind each other."""

    branches: tuple[tuple[Step, ...], ...]


Step = Layer | Pool | Fork


def _a(name: str, pooled: int) -> Fork:
    """A block of 35 x 35 pixels."""
    return Fork(
        (
            (Layer(f"{name}.branch1x1", 64),),
            (Layer(f"{name}.branch5x5_1", 48), Layer(f"{name}.branch5x5_2", 64, (5, 5))),
            (
                Layer(f"{name}.branch3x3dbl_1", 64),
                Layer(f"{name}.branch3x3dbl_2", 96, (3, 3)),
                Layer(f"{name}.branch3x3dbl_3", 96, (3, 3)),
            ),
            (Pool(largest=False), Layer(f"{name}.branch_pool", pooled)),
        )
    )


def _b(name: str) -> Fork:
    """From 35 x 35 to 17 x 17 pixels."""
    return Fork(
        (
            (Layer(f"{name}.branch3x3", 384, (3, 3), 2, False),),
            (
                Layer(f"{name}.branch3x3dbl_1", 64),
                Layer(f"{name}.branch3x3dbl_2", 96, (3, 3)),
                Layer(f"{name}.branch3x3dbl_3", 96, (3, 3), 2, False),
            ),
            (Pool(largest=True, stride=2),),
        )
    )


def _c(name: str, width: int) -> Fork:
    """A block of 17 x 17 pixels, whose convolutions are one pixel high or wide."""
    return Fork(
        (
            (Layer(f"{name}.branch1x1", 192),),
            (
                Layer(f"{name}.branch7x7_1", width),
                Layer(f"{name}.branch7x7_2", width, (1, 7)),
                Layer(f"{name}.branch7x7_3", 192, (7, 1)),
            ),
            (
                Layer(f"{name}.branch7x7dbl_1", width),
                Layer(f"{name}.branch7x7dbl_2", width, (7, 1)),
                Layer(f"{name}.branch7x7dbl_3", width, (1, 7)),
                Layer(f"{name}.branch7x7dbl_4", width, (7, 1)),
                Layer(f"{name}.branch7x7dbl_5", 192, (1, 7)),
            ),
            (Pool(largest=False), Layer(f"{name}.branch_pool", 192)),
        )
    )


def _d(name: str) -> Fork:
    """From 17 x 17 to 8 x 8 pixels."""
    return Fork(
        (
            (Layer(f"{name}.branch3x3_1", 192), Layer(f"{name}.branch3x3_2", 320, (3, 3), 2, False)),
            (
                Layer(f"{name}.branch7x7x3_1", 192),
                Layer(f"{name}.branch7x7x3_2", 192, (1, 7)),
                Layer(f"{name}.branch7x7x3_3", 192, (7, 1)),
                Layer(f"{name}.branch7x7x3_4", 192, (3, 3), 2, False),
            ),
            (Pool(largest=True, stride=2),),
        )
    )


def _e(name: str, largest: bool) -> Fork:
    """A block of 8 x 8 pixels."""
    return Fork(
        (
            (Layer(f"{name}.branch1x1", 320),),
            (
                Layer(f"{name}.branch3x3_1", 384),
                Fork(((Layer(f"{name}.branch3x3_2a", 384, (1, 3)),), (Layer(f"{name}.branch3x3_2b", 384, (3, 1)),))),
            ),
            (
                Layer(f"{name}.branch3x3dbl_1", 448),
                Layer(f"{name}.branch3x3dbl_2", 384, (3, 3)),
                Fork(
                    (
                        (Layer(f"{name}.branch3x3dbl_3a", 384, (1, 3)),),
                        (Layer(f"{name}.branch3x3dbl_3b", 384, (3, 1)),),
                    )
                ),
            ),
            (Pool(largest), Layer(f"{name}.branch_pool", 192)),
        )
    )


#: The network, from its input to the last block.
TRUNK: tuple[Step, ...] = (
    Layer("Conv2d_1a_3x3", 32, (3, 3), 2, False),
    Layer("Conv2d_2a_3x3", 32, (3, 3), 1, False),
    Layer("Conv2d_2b_3x3", 64, (3, 3)),
    Pool(largest=True, stride=2),
    Layer("Conv2d_3b_1x1", 80),
    Layer("Conv2d_4a_3x3", 192, (3, 3), 1, False),
    Pool(largest=True, stride=2),
    _a("Mixed_5b", 32),
    _a("Mixed_5c", 64),
    _a("Mixed_5d", 64),
    _b("Mixed_6a"),
    _c("Mixed_6b", 128),
    _c("Mixed_6c", 160),
    _c("Mixed_6d", 160),
    _c("Mixed_6e", 192),
    _d("Mixed_7a"),
    _e("Mixed_7b", largest=False),
    _e("Mixed_7c", largest=True),
)


def kernels(steps: tuple[Step, ...] = TRUNK, inputs: int = 3) -> dict[str, tuple[int, int, int, int]]:
    """The shape of each layer's kernel, (outputs, inputs, height, width), by its name."""
    return {layer.name: (layer.outputs, width, *layer.kernel) for layer, width in _layers(steps, inputs)}


def _layers(steps: tuple[Step, ...], inputs: int) -> Iterator[tuple[Layer, int]]:
    """Each layer and its channels."""
    for step in steps:
        if isinstance(step, Layer):
            yield step, inputs
        elif isinstance(step, Fork):
            for branch in step.branches:
                yield from _layers(branch, inputs)
        inputs = _channels(step, inputs)


def _channels(step: Step, inputs: int) -> int:
    if isinstance(step, Pool):
        return inputs
    if isinstance(step, Layer):
        return step.outputs
    total = 0
    for branch in step.branches:
        width = inputs
        for one in branch:
            width = _channels(one, width)
        total += width
    return total


class Inception:
    """The network, for evaluation only: batch normalisation is part of the convolutions' weights.

    Args:
        weights: kernel and bias of each of `kernels`.
        name: what it is, for results.
    """

    def __init__(self, weights: dict[str, tuple[Tensor, Tensor]], name: str) -> None:
        self.name = name
        self.device = torch.device("cpu")
        self._weights = weights

    def to(self, device: torch.device) -> Inception:
        """Move its weights; returns itself."""
        self._weights = {name: (kernel.to(device), bias.to(device)) for name, (kernel, bias) in self._weights.items()}
        self.device = device
        return self

    @torch.no_grad()
    def features(self, light: Tensor) -> Tensor:
        """Features (N, 2048), float32, on the CPU, of images (N, C, H, W) of shares of light from 0 to 1."""
        x = light.to(self.device, torch.float32)
        x = x.expand(-1, 3, -1, -1) if x.shape[1] == 1 else x
        x = functional.interpolate(x, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
        return self.run(2.0 * x - 1.0, TRUNK).mean(dim=(2, 3)).cpu()

    def run(self, x: Tensor, steps: tuple[Step, ...]) -> Tensor:
        """What some steps of the network make of images or channels (N, C, H, W)."""
        for step in steps:
            if isinstance(step, Layer):
                kernel, bias = self._weights[step.name]
                padding = (step.kernel[0] // 2, step.kernel[1] // 2) if step.padded else 0
                x = functional.conv2d(x, kernel, bias, stride=step.stride, padding=padding).relu_()
            elif isinstance(step, Fork):
                x = torch.cat([self.run(x, branch) for branch in step.branches], dim=1)
            elif step.largest:
                x = functional.max_pool2d(x, 3, step.stride, padding=1 if step.stride == 1 else 0)
            else:
                x = functional.avg_pool2d(x, 3, step.stride, padding=1, count_include_pad=False)
        return x


def read(path: Path) -> Inception:
    """The network with the weights of a safetensors file, named as in torchvision's ``inception_v3``.

    Raises:
        RefusedError: when there is no such file, it is no safetensors file, or other weights than these are in it.
    """
    data = _bytes(path)
    try:
        arrays = tensors_from_bytes(data)
    except CheckpointError as error:
        raise RefusedError(f"“{path.name}” cannot be read: {error.message}", _REMEDY) from error
    name = path.name if len(path.name) <= NAME else f"{path.name[: NAME - 1]}…"
    return Inception(folded(arrays, path.name), f"Inception-v3, {name} ({hashlib.sha256(data).hexdigest()[:8]})")


def convert(path: Path) -> str:
    """Three lines of Python that make a safetensors file of weights in a pickle."""
    out = str(path.with_suffix(".safetensors"))
    return (
        "import torch, safetensors.torch\n"
        f"weights = torch.load({str(path)!r}, weights_only=True)\n"
        f"safetensors.torch.save_file({{n: w.contiguous() for n, w in weights.items()}}, {out!r})"
    )


_REMEDY = "Give a safetensors file with the weights of Inception-v3, named as torchvision names them."


def _bytes(path: Path) -> bytes:
    if path.suffix.lower() in (".pth", ".pt", ".pkl", ".bin"):
        raise RefusedError(
            f"“{path.name}” is a pickle, which could run code and is not opened.", f"Convert it first:\n{convert(path)}"
        )
    try:
        # A pipe or a device could give bytes without end.
        if not path.is_file():
            raise RefusedError(f"There is no file “{path}”.", "Choose the file of features again.")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise RefusedError(f"“{path}” cannot be read: {error.strerror or error}.", "Choose another file.") from error
    if len(data) > MAX_BYTES:
        raise RefusedError(f"“{path.name}” has more than {MAX_BYTES // 2**20} MB.", _REMEDY)
    return data


def folded(arrays: dict[str, np.ndarray[Any, Any]], file: str) -> dict[str, tuple[Tensor, Tensor]]:
    """Kernels and biases into which batch normalisation is folded.

    Args:
        arrays: of a file, by name; each layer has ``conv.weight``, ``bn.weight``, ``bn.bias``, ``bn.running_mean`` and
            ``bn.running_var``; ``fc`` and ``AuxLogits`` are left out.
        file: its name, for messages.

    Raises:
        RefusedError: when names are missing or unknown, shapes differ, or numbers are not finite.
    """
    wanted: dict[str, tuple[int, ...]] = {}
    for name, shape in kernels().items():
        wanted[f"{name}.conv.weight"] = shape
        wanted |= {f"{name}.bn.{part}": shape[:1] for part in ("weight", "bias", "running_mean", "running_var")}
    for name in wanted:
        if name not in arrays:
            raise RefusedError(f"“{file}” lacks {name}.", _REMEDY)
    for name in arrays:
        if name not in wanted and not name.startswith(BEYOND) and not name.endswith(".bn.num_batches_tracked"):
            raise RefusedError(f"“{file}” has {name[:80]!r}, which Inception-v3 has not.", _REMEDY)
    found = {name: _checked(arrays[name], shape, name, file) for name, shape in wanted.items()}
    weights = {}
    for name in kernels():
        variance = found[f"{name}.bn.running_var"]
        if bool((variance < 0).any()):
            raise RefusedError(f"“{file}” has a variance below 0 in {name}.", _REMEDY)
        factor = found[f"{name}.bn.weight"] / (variance + EPSILON).sqrt()
        bias = found[f"{name}.bn.bias"] - found[f"{name}.bn.running_mean"] * factor
        kernel = (found[f"{name}.conv.weight"] * factor[:, None, None, None]).float()
        # In this order of numbers processors take a quarter less time.
        weights[name] = kernel.contiguous(memory_format=torch.channels_last), bias.float()
    return weights


def _checked(array: np.ndarray[Any, Any], shape: tuple[int, ...], name: str, file: str) -> Tensor:
    if array.shape != shape:
        has, should = (" × ".join(map(str, one)) or "no dimensions" for one in (array.shape, shape))
        raise RefusedError(f"{name} of “{file}” is of {has}; it should be of {should}.", _REMEDY)
    if array.dtype not in (np.float32, np.float64):
        raise RefusedError(f"{name} of “{file}” holds {array.dtype}; floats of 32 or 64 bits are read.", _REMEDY)
    found = torch.from_numpy(array).double()
    if not math.isfinite(float(found.abs().sum())):
        raise RefusedError(f"{name} of “{file}” has numbers that are not finite.", _REMEDY)
    return found
