"""Images as a data set: columns, noise, logits, parts; and what a likelihood of columns says of grey values."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn import datasets

from gmstudio import registry
from gmstudio.data.base import Dataset
from gmstudio.data.sets.images import ImagesSpec
from gmstudio.registry import SpecError

from .conftest import Bytes, idx_bytes, random_pixels


def every(data: Dataset) -> torch.Tensor:
    """All points, in the order of the parts."""
    assert data.test is not None
    return torch.cat([data.train, data.validation, data.test])


def made(path: Path, pixels: Bytes, **changes: Any) -> Dataset:
    path.write_bytes(idx_bytes(pixels))
    return ImagesSpec(path=str(path), **{"split": "file order", **changes}).build(1)


@pytest.mark.parametrize(
    "changes", [{}, {"logit": True}, {"logit": True, "alpha": 1e-6}, {"dequantise": False}], ids=str
)
def test_every_byte_of_a_file_can_be_told_from_the_columns(tmp_path: Path, changes: dict[str, Any]) -> None:
    pixels = random_pixels(300, 3, 16, 16)
    pixels.reshape(-1)[:512] = np.repeat(np.arange(256), 2)
    data = made(tmp_path / "a", pixels, **changes)
    assert data.picture is not None and data.picture.shape == (3, 16, 16) and data.dim == 768
    assert np.array_equal(data.picture.to_grey(every(data)).numpy(), pixels)
    light = data.picture.to_pixels(every(data)).numpy()
    assert np.abs(light * 256 - pixels - 0.5).max() < 0.5001


def test_the_digits_are_those_of_scikit_learn() -> None:
    data = ImagesSpec(split="file order", logit=True).build(1)
    assert data.picture is not None and data.picture.levels == 17
    assert np.array_equal(data.picture.to_grey(every(data))[:, 0].numpy(), datasets.load_digits().images)
    assert (data.name, data.columns[:2], data.columns[-1]) == ("Digits, 8 × 8", ("pixel_0_0", "pixel_0_1"), "pixel_7_7")
    assert (len(data.train), len(data.validation)) == (1457, 161)


def test_noise_is_uniform_and_the_same_whenever_and_however_images_are_parted(tmp_path: Path) -> None:
    pixels = random_pixels(400, 12, 12)
    data = made(tmp_path / "a", pixels)
    noise = every(data).double() * 256 - torch.from_numpy(pixels).reshape(400, -1)
    assert float(noise.min()) > 0 and float(noise.max()) < 1
    assert stats.kstest(noise.flatten().numpy(), "uniform").pvalue > 1e-3
    assert torch.equal(every(data), every(made(tmp_path / "b", pixels)))
    assert not torch.equal(every(data), every(made(tmp_path / "b", pixels, seed=1)))
    shuffled = every(made(tmp_path / "b", pixels, split="shuffled"))
    assert not torch.equal(every(data), shuffled)
    assert torch.equal(every(data).sum(1).sort()[0], shuffled.sum(1).sort()[0])


def test_the_seed_of_a_run_changes_nothing() -> None:
    assert torch.equal(ImagesSpec().build(1).train, ImagesSpec().build(2).train)


@pytest.mark.parametrize("logit", [False, True])
def test_channels_are_shifted_and_all_are_scaled_alike(tmp_path: Path, logit: bool) -> None:
    pixels = random_pixels(500, 3, 4, 4)
    pixels[:, 1] //= 4
    data = made(tmp_path / "a", pixels, logit=logit)
    known = torch.cat([data.train, data.validation]).double().reshape(-1, 3, 16)
    shift = known.mean((0, 2))
    assert torch.allclose(data.shift.double(), shift.repeat_interleave(16), atol=1e-6)
    scale = (known - shift[:, None]).square().mean().sqrt()
    assert torch.allclose(data.scale.double(), scale.expand(48), rtol=1e-6)
    plain = made(tmp_path / "a", pixels, logit=logit, standardise=False)
    assert plain.shift.abs().max() == 0 and plain.log_volume == 0
    assert torch.equal(plain.train, data.train)


def test_columns_are_names_of_channels_rows_and_columns(tmp_path: Path) -> None:
    data = made(tmp_path / "a", random_pixels(20, 3, 2, 2))
    assert data.columns[3:6] == ("red_1_1", "green_0_0", "green_0_1")


def test_the_bound_of_the_likelihood_holds_and_is_met_by_a_density_that_is_flat_in_every_grey_value(
    tmp_path: Path,
) -> None:
    """P(v) of two pixels is known; a density on columns whose integral over a grey value is P(v) can only do worse."""
    generator, levels = np.random.default_rng(3), 256
    weights = generator.dirichlet(np.ones(levels))
    pixels = generator.choice(levels, (4000, 1, 2), p=weights).astype(np.uint8)
    data = made(tmp_path / "a", pixels, logit=True, standardise=False)
    assert data.picture is not None
    x = every(data).double()
    exact = torch.from_numpy(np.log(weights)[pixels].sum((1, 2)))
    # In the units of pixels the flat density is P(v); told in those of the columns, by the derivative of the logit.
    light = (x.sigmoid() - 0.05) / 0.9
    slope = (x.sigmoid() * (1 - x.sigmoid()) / 0.9 * levels).log().sum(1)
    flat = exact + slope
    bits = data.picture.bits_per_dimension(flat, x)
    assert torch.allclose(bits, -exact / (2 * math.log(2)), atol=1e-9)
    # A density 2 e in place of 1 within every grey value has the same integral.
    inside = (light * levels) % 1
    tilted = data.picture.bits_per_dimension(flat + (2 * inside).log().sum(1), x)
    gap = (tilted - bits).mean() * math.log(2)
    # The mean of -log(2 e) is 1 - log 2, its deviation 1.
    assert abs(float(gap) - (1 - math.log(2))) < 4 / math.sqrt(8000)


def test_floats_between_grey_values_get_no_noise(tmp_path: Path) -> None:
    light = np.random.default_rng(1).random((30, 4, 4)).astype(np.float32)
    np.save(tmp_path / "a.npy", light)
    data = ImagesSpec(path=str(tmp_path / "a.npy"), split="file order").build(1)
    assert np.array_equal(every(data).reshape(30, 4, 4), light)
    assert data.picture is not None and data.picture.levels == 256


def test_a_file_that_has_changed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(idx_bytes(random_pixels(30, 4, 4)))
    from gmstudio.data.images.reading import read

    spec = ImagesSpec(path=str(path), sha256=read(path).sha256)
    assert spec.build(1).dim == 16
    path.write_bytes(idx_bytes(random_pixels(31, 4, 4)))
    with pytest.raises(SpecError, match="has changed since it was chosen"):
        spec.build(1)
    assert spec.changed(sha256="").build(1).dim == 16


def test_images_that_are_too_few_or_all_the_same_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="Of 5 images, 5 would be left to train on and 0 to validate"):
        made(tmp_path / "a", random_pixels(5, 4, 4))
    with pytest.raises(SpecError, match="All 36 images to train on and to validate are the same"):
        made(tmp_path / "a", np.zeros((40, 4, 4), np.uint8))


@pytest.mark.parametrize(
    "values", [{"pool": 0}, {"crop": -1}, {"most": 1}, {"alpha": 0.5}, {"split": "own"}, {"colour": "red"}], ids=str
)
def test_impossible_specifications_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(SpecError):
        registry.from_plain("data", {"kind": "images", **values})


@pytest.mark.parametrize("model", ["real-nvp", "glow"])
def test_flows_learn_the_digits_from_the_command_line(
    tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from gmstudio.cli import main

    run = {
        "data": {"kind": "images", "logit": True},
        "model": {"kind": model, "blocks": 4, "hidden": 64},
        "mollification": {"kind": "sigmoid"},
        "training": {"steps": 200, "batch": 64, "seed": 1},
    }
    (tmp_path / "run.json").write_text(json.dumps(run))
    project = tmp_path / "out.gmstudio"
    assert main(["train", str(tmp_path / "run.json"), "--twin", "--project", str(project)]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["state"] == "finished"
    data = registry.from_plain("data", run["data"]).build(1)  # type: ignore[attr-defined]
    volume = float(data.picture.log_volume_of_pixels(data.validation).mean())
    for column in result["columns"]:
        bits = (volume - column["validation"]) / (64 * math.log(2))
        # A model that knows nothing needs log2 17 bits; fewer than one is not to be had so soon.
        assert 1 < bits < math.log2(17) - 1


def test_a_specification_loads_neither_torch_nor_qt_nor_pillow() -> None:
    code = (
        "import sys; from gmstudio.data.sets.images import ImagesSpec; s = ImagesSpec(); s.bounds, s.name, s.wanted; "
        "print([m for m in ('torch', 'PySide6', 'PIL', 'sklearn') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
