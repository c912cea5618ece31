"""The classifier in whose features FID and KID are measured, and what they say live."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans

from gmstudio.data.base import Dataset, Picture
from gmstudio.data.sets.images import ImagesSpec
from gmstudio.models.layers.base import DensityModel
from gmstudio.observation import features, image_metrics
from gmstudio.observation.feature_network import FEATURES, FeatureNetwork, clusters
from gmstudio.observation.frechet import fid, kid
from gmstudio.observation.inception import Inception
from gmstudio.observation.meters import Meters


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return ImagesSpec().build(1)


@pytest.fixture(scope="module")
def judge(digits: Dataset) -> features.Judge:
    return features.judge(digits)


def test_the_same_data_make_the_same_judge_to_the_bit_and_nobody_elses_numbers_are_drawn(
    digits: Dataset, judge: features.Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert features.judge(digits) is judge
    monkeypatch.setattr(features, "_judges", type(features._judges)())
    torch.manual_seed(5)
    before = torch.get_rng_state()
    again = features.judge(ImagesSpec().build(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert again is not judge and again.name == judge.name and again.scale == judge.scale
    assert all(torch.equal(a, b) for a, b in zip(again.network.weights, judge.network.weights, strict=True))


def test_it_is_named_by_the_data_and_by_how_often_it_is_right(digits: Dataset, judge: features.Judge) -> None:
    assert digits.picture is not None and digits.validation_labels is not None
    guesses = judge.network.logits(digits.picture.to_pixels(digits.validation)).argmax(1)
    right = float((guesses == digits.validation_labels).float().mean())
    assert right > 0.9
    assert judge.name == f"classifier of Digits, 8 × 8 ({100 * right:.0f} % of validation images)"
    assert features.title(digits) == judge.name
    assert image_metrics.described(digits) == f"{judge.name}; 1,000 samples against 340 images held out"


def test_features_sum_up_to_a_variance_of_their_number(digits: Dataset, judge: features.Judge) -> None:
    found = judge.features(digits.train)
    assert found.shape == (len(digits.train), FEATURES) and not found.requires_grad
    assert float(found.double().var(0).sum()) == pytest.approx(FEATURES, rel=1e-4)


def test_the_farther_images_are_from_the_data_the_worse_they_are_judged(digits: Dataset, judge: features.Judge) -> None:
    real = judge.features(features.held_out(digits))
    draw = torch.Generator().manual_seed(3)
    mean, root = digits.train.mean(0), torch.linalg.cholesky(torch.cov(digits.train.T.double()) + 1e-6 * torch.eye(64))
    alike = mean + torch.randn(1000, 64, generator=draw) @ root.T.float()
    noise = [digits.train + s * torch.randn(digits.train.shape, generator=draw) for s in (0.1, 0.3, 0.6)]
    seen = [judge.features(x) for x in (digits.train, *noise)]
    for distance in (lambda x: fid(x, real), lambda x: float(kid(x, real).value)):
        values = [distance(x) for x in seen]
        assert values == sorted(values)
        # The first two moments of pixels do not deceive it.
        assert distance(judge.features(alike)) > 2 * values[0]


@pytest.mark.parametrize("alpha", [0.0, 0.05])
def test_what_is_beyond_black_and_white_is_seen_as_these(digits: Dataset, judge: features.Judge, alpha: float) -> None:
    own = replace(judge, picture=Picture((1, 8, 8), 17, alpha))
    light = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(1)).round()
    columns = own.picture.from_pixels(light)
    assert torch.allclose(own.features(columns * 50 - (0 if alpha else 20)), own.features(columns), atol=1e-4)


def test_without_labels_clusters_stand_for_classes(digits: Dataset) -> None:
    some = replace(digits, labels=None, validation_labels=None, label_names=())
    assert features.title(some) == "classifier of 16 clusters of Digits, 8 × 8"
    found = features.judge(some)
    assert found.name.startswith("classifier of 16 clusters of Digits, 8 × 8 (") and found.name == features.title(some)
    real = found.features(features.held_out(some))
    noisy = some.train + 0.5 * torch.randn(some.train.shape, generator=torch.Generator().manual_seed(1))
    assert fid(found.features(noisy), real) > 2 * fid(found.features(some.train), real)


def test_clusters_are_those_of_lloyds_algorithm() -> None:
    draw = torch.Generator().manual_seed(4)
    points = torch.randn(300, 3, generator=draw) + 4.0 * torch.randint(0, 3, (300, 1), generator=draw)
    own, others = clusters(points, 3, points[:50] + 0.01)
    start = np.stack([points[own == k].mean(0).numpy() for k in range(3)])
    # Its result is a fixed point of scikit-learn's steps.
    oracle = KMeans(3, init=start, n_init=1, max_iter=1).fit(points.numpy())
    assert np.array_equal(oracle.predict(points.numpy()), own.numpy())
    assert np.array_equal(oracle.predict(points[:50].numpy() + 0.01), others.numpy())


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 28, 28), (3, 33, 20), (3, 128, 42)])
def test_images_of_any_size_have_as_many_features(shape: tuple[int, int, int]) -> None:
    assert FeatureNetwork(shape, 3).features(torch.rand(2, *shape)).shape == (2, FEATURES)


def test_data_that_are_no_images_or_too_few_have_no_judge(digits: Dataset) -> None:
    for data in (replace(digits, picture=None), replace(digits, train=digits.train[:99])):
        assert not features.possible(data) and features.title(data) == "" and image_metrics.described(data) == ""
        with pytest.raises(ValueError, match="no images from which features can be learned"):
            features.judge(data)


class Noisy(DensityModel):
    """Members that sample training images with more and more noise."""

    can = frozenset({"sample"})

    def __init__(self, data: Dataset) -> None:
        super().__init__(64, 2)
        self.register_buffer("rows", data.to_model(data.train[:1000]).expand(2, -1, -1).clone())
        self.register_buffer("noise_of", torch.tensor([[[0.0]], [[2.0]]]))

    def noise(self, size: int, generator: torch.Generator) -> torch.Tensor:
        # The first column says which image.
        drawn = torch.randn(size, 65, generator=generator)
        drawn[:, 64] = torch.arange(size)
        return drawn

    def sample(self, noise: torch.Tensor) -> torch.Tensor:
        return self.rows[:, noise[:, 64].long() % 1000] + self.noise_of * noise[:, :64]


def test_fid_and_kid_are_measured_live_now_and_then_and_at_the_end(
    digits: Dataset, judge: features.Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "_judges", type(features._judges)())
    trainer = SimpleNamespace(
        model=Noisy(digits), dataset=digits, device=torch.device("cpu"), step=0, steps=500, finished=False
    )
    meters, told = Meters(trainer), []  # type: ignore[arg-type]
    for step in range(36):
        trainer.step = step
        for _ in meters.round():
            pass
        told.append([m for m in meters.drain() if m.name in ("fid", "kid")])
    # The classifier learns a little in every round; then every fifth step, a hundredth of the training, is measured.
    rounds = [step for step, found in enumerate(told) if found]
    assert rounds[0] == 30 and rounds == [30, 35]
    last = {(m.name, m.column): m.value for m in told[30]}
    real = judge.features(features.held_out(digits))
    assert last["fid", 0] == pytest.approx(fid(judge.features(digits.train[:1000]), real), rel=1e-4)
    assert last["fid", 1] > 5 * last["fid", 0] and last["kid", 1] > last["kid", 0]
    trainer.step = 37
    final = {(m.name, m.column): m.value for m in meters.measure() if m.name in ("fid", "kid")}
    assert final == last


class Pixels(Inception):
    """Stands in for a person's network: its features are pixels."""

    def __init__(self, device: str = "cpu") -> None:
        super().__init__({}, "Inception-v3, own.safetensors (01234567)")
        self.device = torch.device(device)

    def features(self, light: torch.Tensor) -> torch.Tensor:
        return 255.0 * light.flatten(1)


def measured(digits: Dataset, network: Pixels, step: int = 0) -> Meters:
    trainer = SimpleNamespace(
        model=Noisy(digits), dataset=digits, device=torch.device("cpu"), step=step, steps=500, finished=False
    )
    return Meters(trainer, network)  # type: ignore[arg-type]


def test_in_a_persons_features_images_are_measured_at_the_end_and_said_how_far(digits: Dataset) -> None:
    meters, told = measured(digits, Pixels()), []
    for _ in meters.round():
        pass
    assert not [m for m in meters.drain() if m.name in ("fid", "kid")], "too slow for a processor while it trains"

    def go_on(done: int, total: int) -> bool:
        told.append((done, total))
        return True

    found = {(m.name, m.column): m.value for m in meters.measure(go_on)}
    # 340 images held out, and 500 samples of each of two members.
    assert told[-1] == (1340, 1340) and told == sorted(told) and len(told) > 10
    assert digits.picture is not None
    seen, real = (
        255.0 * digits.picture.to_pixels(x).flatten(1) for x in (digits.train[:500], features.held_out(digits))
    )
    assert found["fid", 0] == pytest.approx(fid(seen, real), rel=1e-4)
    assert found["fid", 1] > 2 * found["fid", 0]
    stopped = {m.name for m in meters.measure(lambda done, total: done < 5)}
    assert "sliced_wasserstein" in stopped and not {"fid", "kid"} & stopped


def test_on_a_gpu_a_persons_features_are_measured_live(digits: Dataset) -> None:
    meters = measured(digits, Pixels("cuda"))
    for _ in meters.round():
        pass
    assert {m.name for m in meters.drain()} >= {"fid", "kid"}


def test_a_result_names_the_persons_features_and_how_many_images_it_is_of(digits: Dataset) -> None:
    name = "Inception-v3, own.safetensors (01234567)"
    assert image_metrics.described(digits, Pixels()) == f"{name}; 500 samples against 340 images held out"
    assert image_metrics.described(replace(digits, picture=None), Pixels()) == ""
    many = replace(digits, validation=digits.train[:700], test=None)
    assert image_metrics.described(many, Pixels()) == f"{name}; 500 samples against 500 images held out"
    chosen = image_metrics.against_of(many, features.given(Pixels(), many, 16))
    assert chosen.shape == (500, 64)
    # They are not the first ones: files may be sorted.
    assert not torch.equal(chosen, many.validation[:500])
    with pytest.raises(ValueError, match="no images"):
        features.given(Pixels(), replace(digits, picture=None), 16)
