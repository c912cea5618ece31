"""Likelihoods in bits per dimension."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gmstudio.data.base import Picture
from gmstudio.observation.bits import bits_per_dimension, in_bits
from gmstudio.observation.frame import RunInfo


def info(picture: Picture | None, rows: np.ndarray) -> RunInfo:
    return RunInfo("r", ("A", "B"), 10, "cpu", rows, (0.0, 1.0, 0.0, 1.0), np.zeros((2, 10)), picture=picture)


@pytest.mark.parametrize("alpha", [0.0, 0.05])
def test_they_are_those_of_the_picture_on_average(alpha: float) -> None:
    picture = Picture((1, 2, 3), 17, alpha)
    light = torch.rand(50, 6, generator=torch.Generator().manual_seed(1))
    rows = picture.from_pixels(light.reshape(50, 1, 2, 3)).float()
    log_prob = torch.randn(50, generator=torch.Generator().manual_seed(2)) - 3.0
    expected = picture.bits_per_dimension(log_prob, rows).mean()
    found = bits_per_dimension(info(picture, rows.numpy()), float(log_prob.mean()))
    assert found == pytest.approx(float(expected), abs=1e-5)


def test_images_of_which_every_grey_value_is_as_likely_take_all_their_bits() -> None:
    assert bits_per_dimension(info(Picture((1, 4, 4), 256), np.zeros((1, 16), "f4")), 0.0) == pytest.approx(8.0)


def test_other_data_have_none_and_columns_without_a_value_are_left_out() -> None:
    none = info(None, np.zeros((1, 2), "f4"))
    assert bits_per_dimension(none, 1.0) is None and in_bits(none, [1.0, 2.0]) == "" == in_bits(None, [1.0])
    images = info(Picture((1, 2, 2), 16), np.zeros((1, 4), "f4"))
    assert in_bits(images, [None, 0.0]) == "In bits per dimension, of which fewer are better: B 4.00."
    assert in_bits(images, [None, None]) == ""
