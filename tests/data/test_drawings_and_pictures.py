"""What people give: drawings, pictures and texts, and what is refused."""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np
import pytest
import torch

from gmstudio import registry
from gmstudio.data.drawn import generator
from gmstudio.data.font import CHARACTERS, COLUMNS, ROWS, bitmap
from gmstudio.data.sets.drawing import MOST_POINTS, Drawing
from gmstudio.data.sets.picture import MOST_SIDE, SPAN, Picture, from_weights
from gmstudio.data.sets.text import Text
from gmstudio.registry import SpecError


def _refused(error: SpecError) -> None:
    assert error.message and error.remedy and error.where


@pytest.mark.parametrize("spread", [0.0, 0.06])
@pytest.mark.parametrize("points", [(), ((9.0, 0.0), (0.0, -4.01))])
def test_an_empty_drawing_says_what_to_do(points: tuple[tuple[float, float], ...], spread: float) -> None:
    with pytest.raises(SpecError, match=r"empty.*Draw at least two points") as caught:
        Drawing(points=points, spread=spread).build(1)
    _refused(caught.value)


@pytest.mark.parametrize("points", [((1.0, 2.0),), ((1.0, 2.0), (1.0, 2.0)), ((1.0, 2.0), (5.0, 5.0))])
def test_a_single_point_without_spread_says_what_to_do(points: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(SpecError, match=r"single point.*Draw at least two points"):
        Drawing(points=points, spread=0.0).build(1)


def test_a_single_point_with_a_spread_is_a_gaussian() -> None:
    data = Drawing(points=((1.0, -2.0),), spread=0.5, size=20_000).build(1)
    assert torch.allclose(data.train.mean(0), torch.tensor([1.0, -2.0]), atol=5 * 0.5 / math.sqrt(20_000))
    assert torch.allclose(data.train.std(0), torch.tensor([0.5, 0.5]), rtol=0.03)
    assert data.density is not None
    assert float(data.density.log_prob(torch.tensor([[1.0, -2.0]]))) == pytest.approx(-math.log(2 * math.pi * 0.25))


def test_points_without_spread_are_drawn_as_they_are() -> None:
    points = ((1.0, 2.0), (-1.0, 0.5), (0.25, -3.0))
    data = Drawing(points=points, spread=0.0, size=3000).build(1)
    assert data.density is None and not Drawing(points=points, spread=0.0).exact
    found, counts = torch.unique(data.train, dim=0, return_counts=True)
    assert torch.equal(found, torch.unique(torch.tensor(points), dim=0))
    assert int((counts - 1000).abs().max()) < 5 * math.sqrt(3000 * 2 / 9)


def test_points_outside_the_canvas_are_dropped_never_squashed() -> None:
    inside = ((-4.0, 4.0), (1.0, 1.0))
    outside = ((4.1, 0.0), (-100.0, 0.0), (0.0, 4.0001), (3.0, -1e300))
    assert torch.equal(Drawing(points=inside + outside).build(1).train, Drawing(points=inside).build(1).train)


def test_a_drawing_has_a_gaussian_around_every_point() -> None:
    density = Drawing(points=((0.0, 0.0), (2.0, 0.0), (2.0, 0.0)), spread=0.1).density()
    assert density is not None
    at = density.log_prob(torch.tensor([[0.0, 0.0], [2.0, 0.0]], dtype=torch.float64))
    assert float(at[1] - at[0]) == pytest.approx(math.log(2))


@pytest.mark.parametrize("bad", [((math.nan, 0.0),), ((0.0, 0.0), (math.inf, 1.0)), ((1.0, 2.0, 3.0),), ((1.0,),)])
def test_points_that_are_not_pairs_of_finite_numbers_are_refused(bad: Any) -> None:
    with pytest.raises(SpecError, match="not") as caught:
        Drawing(points=bad)
    _refused(caught.value)


@pytest.mark.parametrize(
    "bad", [[[1]], [[1, 2, 3]], [["a", "b"]], "points", 3, [[None, 1]], [[1, 2], [1]], [[True, 1]]]
)
def test_points_of_the_wrong_form_are_refused_from_plain_values(bad: Any) -> None:
    with pytest.raises(SpecError) as caught:
        registry.from_plain("data", {"kind": "drawing", "points": bad})
    _refused(caught.value)


def test_too_many_points_are_refused_and_the_most_are_drawn_from() -> None:
    angle = np.linspace(0, 6.2, MOST_POINTS + 1)
    points = tuple(zip((3 * np.cos(angle)).tolist(), (3 * np.sin(angle)).tolist(), strict=True))
    with pytest.raises(SpecError, match="100,001 points") as caught:
        Drawing(points=points)
    _refused(caught.value)
    assert len(Drawing(points=points[:-1]).build(1).train) == 8192


@pytest.mark.parametrize("spread", [-0.1, 2.1, math.nan, math.inf])
def test_a_spread_outside_its_limits_is_refused(spread: float) -> None:
    with pytest.raises(SpecError, match="Spread"):
        Drawing(points=((0.0, 0.0), (1.0, 1.0)), spread=spread)


def test_a_picture_gives_points_where_it_is_dark_with_its_top_at_the_top() -> None:
    weights = np.zeros((20, 40))
    weights[0, 0], weights[-1, -1] = 1.0, 0.5
    data = from_weights(weights, "Corners").changed(smoothing=0.0, size=6000).build(1)
    pixel = SPAN / 40
    upper = data.train[:, 1] > 0
    assert data.name == "Corners" and data.density is None
    assert float(upper.double().mean()) == pytest.approx(2 / 3, abs=5 * math.sqrt(2 / 9 / 6000) + 0.002)
    assert torch.allclose(data.train[upper].amin(0), torch.tensor([-20.0, 9.0]) * pixel, atol=0.01)
    assert torch.allclose(data.train[upper].amax(0), torch.tensor([-19.0, 10.0]) * pixel, atol=0.01)
    assert torch.allclose(data.train[~upper].amin(0), torch.tensor([19.0, -10.0]) * pixel, atol=0.01)


def test_points_follow_the_weights_of_the_pixels() -> None:
    weights = np.random.default_rng(1).uniform(size=(5, 7))
    spec = from_weights(weights, "Noise").changed(smoothing=0.0)
    x = spec.source().sample(50_000, generator(1, "test")).numpy() * 7 / SPAN
    counts, _, _ = np.histogram2d(-x[:, 1], x[:, 0], bins=[np.arange(-2.5, 3), np.arange(-3.5, 4)])
    expected = np.round(weights * 255) / np.round(weights * 255).sum() * 50_000
    assert ((counts - expected) ** 2 / expected).sum() < 34 + 5 * math.sqrt(68)


@pytest.mark.parametrize("shape", [(1, 1), (1, 512), (512, 512), (300, 2)])
def test_pictures_of_every_allowed_size_fit_the_canvas(shape: tuple[int, int]) -> None:
    data = from_weights(np.ones(shape), "Full").changed(size=2000).build(1)
    assert float(data.train.abs().max()) < 4


@pytest.mark.parametrize(
    "weights",
    [
        np.zeros((4, 4)),
        np.full((4, 4), 0.001),
        np.full((4, 4), math.nan),
        np.full((4, 4), 1.1),
        -np.ones((4, 4)),
        np.ones(4),
        np.ones((4, 4, 3)),
        np.ones((0, 4)),
        np.ones((MOST_SIDE + 1, 4)),
    ],
)
def test_pictures_without_ink_or_of_the_wrong_kind_are_refused(weights: np.ndarray) -> None:
    with pytest.raises(SpecError) as caught:
        from_weights(weights, "Bad")
    _refused(caught.value)


def test_an_all_white_picture_says_so() -> None:
    with pytest.raises(SpecError, match="all white"):
        from_weights(np.zeros((4, 4)), "White")


FOUR = base64.b64encode(bytes([1, 2, 3, 4])).decode()


@pytest.mark.parametrize(
    "values",
    [
        {"width": 3, "height": 2, "pixels": FOUR},
        {"width": 2, "height": 0, "pixels": FOUR},
        {"width": 0, "height": 0, "pixels": FOUR},
        {"width": 2, "height": 2, "pixels": ""},
        {"width": 2, "height": 2, "pixels": "AQID"},
        {"width": 2, "height": 2, "pixels": "AQ!DBA=="},
        {"width": 2, "height": 2, "pixels": "é" * 8},
        {"width": 2, "height": 2, "pixels": "A" * 100_000},
        {"width": 513, "height": 2, "pixels": FOUR},
        {"width": -1, "height": 2, "pixels": FOUR},
        {"width": 2, "height": 2, "pixels": FOUR, "title": "x" * 201},
    ],
)
def test_pixels_that_do_not_fit_their_picture_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(SpecError) as caught:
        registry.from_plain("data", {"kind": "picture", **values})
    _refused(caught.value)


def test_a_picture_that_is_not_there_yet_says_what_to_do() -> None:
    with pytest.raises(SpecError, match=r"no picture.*Import") as caught:
        Picture().build(1)
    _refused(caught.value)


@pytest.mark.parametrize("text", ["GM", "a", CHARACTERS[1:25], "Hello, world!", " I ", "."])
def test_texts_are_points_on_their_letters(text: str) -> None:
    spec = Text(text=text, smoothing=0.0, size=4000)
    x = spec.source().sample(4000, generator(1, "test"))
    pixels = bitmap(text.strip())
    side = spec.width / max(pixels.shape)
    column = (x[:, 0] / side + pixels.shape[1] / 2).floor().long().clamp(0, pixels.shape[1] - 1)
    row = (ROWS / 2 - x[:, 1] / side).floor().long().clamp(0, ROWS - 1)
    hit = torch.from_numpy(pixels)[row, column]
    assert bool(hit.all())


@pytest.mark.parametrize("text", ["", "   ", "\t", "naïve", "a\nb", "日本", "x" * 25])
def test_texts_that_cannot_be_written_are_refused(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        registry.from_plain("data", {"kind": "text", "text": text})
    _refused(caught.value)


def test_every_character_has_its_own_shape() -> None:
    shapes = {bitmap(character).tobytes() for character in CHARACTERS}
    assert len(shapes) == len(CHARACTERS)
    assert all(bitmap(character).shape == (ROWS, COLUMNS) for character in CHARACTERS)
    assert bitmap("ab").shape == (ROWS, 2 * COLUMNS + 1)
    assert np.array_equal(bitmap("gm"), bitmap("GM"))


def test_points_that_all_coincide_cannot_be_standardised() -> None:
    from gmstudio.data.drawn import standardisation

    with pytest.raises(SpecError, match="coincide"):
        standardisation(torch.ones(10, 2))


def test_generators_of_different_streams_and_seeds_have_nothing_in_common() -> None:
    drawn = {tuple(torch.rand(3, generator=generator(s, n)).tolist()) for s in range(20) for n in ("train", "noise")}
    assert len(drawn) == 40
