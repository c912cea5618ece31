"""Inception-v3 from a person's file: its shape, its arithmetic, and files that are refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch
from torch.nn import functional

from gmstudio.errors import RefusedError
from gmstudio.observation import inception
from gmstudio.observation.inception import TRUNK, Inception

Arrays = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def arrays() -> Arrays:
    """Random weights of all layers, with the classifier behind them as files have it."""
    draw = torch.Generator().manual_seed(1)
    made = {}
    for name, shape in inception.kernels().items():
        made[f"{name}.conv.weight"] = torch.randn(shape, generator=draw) * (2 / np.prod(shape[1:])) ** 0.5
        made[f"{name}.bn.weight"] = 0.5 + torch.rand(shape[0], generator=draw)
        made[f"{name}.bn.bias"] = 0.1 * torch.randn(shape[0], generator=draw)
        made[f"{name}.bn.running_mean"] = 0.1 * torch.randn(shape[0], generator=draw)
        made[f"{name}.bn.running_var"] = 0.5 + torch.rand(shape[0], generator=draw)
        made[f"{name}.bn.num_batches_tracked"] = torch.tensor(7)
    made["fc.weight"], made["AuxLogits.conv0.conv.weight"] = torch.zeros(1008, 2048), torch.zeros(1, 1)
    return {name: tensor.numpy() for name, tensor in made.items()}


@pytest.fixture(scope="module")
def network(arrays: Arrays) -> Inception:
    return Inception(inception.folded(arrays, "weights"), "Inception-v3")


def test_it_has_as_many_parameters_as_the_published_network_without_its_classifiers() -> None:
    # torchvision tells 27,161,264, of which 2,049,000 are the last layer's and 3,326,696 the auxiliary classifier's.
    count = sum(int(np.prod(shape)) + 2 * shape[0] for shape in inception.kernels().values())
    assert count == 27_161_264 - 2_049_000 - 3_326_696
    assert inception.kernels()["Mixed_6c.branch7x7dbl_4"] == (160, 160, 7, 1)
    assert len(inception.kernels()) == 94


def test_images_have_the_published_sizes_on_their_way(network: Inception) -> None:
    x = torch.rand(1, 3, 299, 299, generator=torch.Generator().manual_seed(2))
    sizes = {3: (64, 147), 4: (64, 73), 7: (192, 35), 10: (288, 35), 11: (768, 17), 15: (768, 17), 16: (1280, 8)}
    done = 0
    for until, (channels, side) in sizes.items():
        x, done = network.run(x, TRUNK[done:until]), until
        assert x.shape == (1, channels, side, side)
    x = network.run(x, TRUNK[done:])
    assert x.shape == (1, 2048, 8, 8) and bool(x.isfinite().all())


def test_folded_batch_normalisation_is_batch_normalisation(arrays: Arrays, network: Inception) -> None:
    x = torch.rand(2, 3, 31, 31, generator=torch.Generator().manual_seed(3))
    own = network.run(x, TRUNK[:6])
    of = {name: torch.from_numpy(array) for name, array in arrays.items()}

    def layer(x: torch.Tensor, name: str, stride: int = 1, padding: int = 0) -> torch.Tensor:
        x = functional.conv2d(x, of[f"{name}.conv.weight"], stride=stride, padding=padding)
        mean, variance, factor, bias = (
            of[f"{name}.bn.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return functional.batch_norm(x, mean, variance, factor, bias, eps=0.001).relu()

    x = layer(x, "Conv2d_1a_3x3", stride=2)
    x = layer(layer(x, "Conv2d_2a_3x3"), "Conv2d_2b_3x3", padding=1)
    x = layer(layer(functional.max_pool2d(x, 3, 2), "Conv2d_3b_1x1"), "Conv2d_4a_3x3")
    assert own.shape == x.shape and torch.allclose(own, x, rtol=1e-4, atol=1e-5)


def test_average_pools_do_not_count_padding_and_the_last_block_takes_the_largest(network: Inception) -> None:
    same = torch.ones(1, 192, 7, 7)
    pooled = network.run(same, (TRUNK[7],))[:, -32:]
    assert torch.allclose(pooled, pooled[:, :, 3:4, 3:4].expand_as(pooled), atol=1e-5)
    # A single bright pixel reaches its neighbours whole where the largest is taken.
    one = torch.zeros(1, 2048, 5, 5)
    one[:, :, 2, 2] = 1.0
    spread = network.run(one, (TRUNK[-1],))[0, -192:]
    assert torch.allclose(spread[:, 2, 2], spread[:, 1, 3], atol=1e-5)
    assert not torch.allclose(spread[:, 2, 2], spread[:, 0, 0], atol=1e-2)


def test_grey_images_are_taken_as_colour_and_light_is_scaled(
    network: Inception, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[torch.Tensor] = []

    def run(self: Inception, x: torch.Tensor, steps: tuple[inception.Step, ...]) -> torch.Tensor:
        seen.append(x)
        return torch.ones(len(x), 2048, 8, 8)

    monkeypatch.setattr(Inception, "run", run)
    light = torch.tensor([[0.0, 1.0], [0.0, 1.0]])[None, None]
    found = network.features(light.expand(2, 1, 2, 2))
    assert found.shape == (2, 2048) and not found.requires_grad
    assert seen[0].shape == (2, 3, 299, 299) and torch.equal(seen[0][:, 0], seen[0][:, 2])
    assert float(seen[0].min()) == pytest.approx(-1.0, abs=1e-6) and float(seen[0].max()) == pytest.approx(
        1.0, abs=1e-6
    )
    # The centre of 299 pixels between the two columns.
    assert float(seen[0][0, 0, 10, 149]) == pytest.approx(0.0, abs=1e-6)


def test_a_file_is_read_and_named_with_its_checksum(tmp_path: Path, arrays: Arrays, network: Inception) -> None:
    path = tmp_path / "weights.safetensors"
    safetensors.numpy.save_file(arrays, path)
    found = inception.read(path)
    digits = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    assert found.name == f"Inception-v3, weights.safetensors ({digits})"
    light = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(4))
    assert torch.equal(found.features(light), network.features(light))
    long = tmp_path / f"{'w' * 200}.safetensors"
    path.rename(long)
    assert len(inception.read(long).name) < 120


def _nan(array: np.ndarray) -> np.ndarray:
    return np.full_like(array, np.nan)


NAME = "Mixed_5b.branch1x1.bn.running_var"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda a: a.pop(NAME), f"lacks {NAME}"),
        (lambda a: a.update({"conv1.weight": a[NAME]}), "has 'conv1.weight', which Inception-v3 has not"),
        (lambda a: a.update({NAME: a[NAME][:-1]}), "is of 63; it should be of 64"),
        (lambda a: a.update({NAME: _nan(a[NAME])}), "not finite"),
        (lambda a: a.update({NAME: -a[NAME]}), "a variance below 0"),
        (lambda a: a.update({NAME: a[NAME].astype(np.int32)}), "holds int32"),
    ],
)
def test_other_weights_are_refused_by_name(arrays: Arrays, change: Callable[[Arrays], object], word: str) -> None:
    wrong = dict(arrays)
    change(wrong)
    with pytest.raises(RefusedError, match=word) as refused:
        inception.folded(wrong, "weights")
    assert "torchvision names them" in refused.value.remedy


def test_a_pickle_is_not_opened_but_told_how_to_convert(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"a": torch.arange(6.0).reshape(2, 3).T}, path)
    with pytest.raises(RefusedError, match="is a pickle") as refused:
        inception.read(path)
    lines = refused.value.remedy.partition("\n")[2]
    assert len(lines.splitlines()) == 3
    exec(lines, {})
    made = safetensors.numpy.load_file(path.with_suffix(".safetensors"))
    assert made["a"].tolist() == [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]


def test_what_is_no_file_of_weights_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "weights.safetensors"
    with pytest.raises(RefusedError, match="There is no file"):
        inception.read(path)
    with pytest.raises(RefusedError, match="There is no file"):
        inception.read(tmp_path)
    path.write_bytes(b"\xff" * 100)
    with pytest.raises(RefusedError, match="cannot be read: The header"):
        inception.read(path)
    monkeypatch.setattr(inception, "MAX_BYTES", 99)
    with pytest.raises(RefusedError, match="more than"):
        inception.read(path)
