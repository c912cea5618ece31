"""Features of images in which FID and KID are measured: those of a classifier that is trained here, on the same data.

FID's usual features are those of a network of photographs that has to be downloaded; of digits it knows little.  A
classifier of the data themselves is small, the same wherever it is trained, and sees what tells these images apart.
Values can be compared with each other where the data are the same, and not with those of other features.

Where no classes are known, they are clusters that k-means finds, as in Caron, Bojanowski, Joulin, Douze, "Deep
clustering for unsupervised learning of visual features", ECCV 2018, once: principal components, which would need
neither, see means and covariances of pixels only, and any Gaussian with these would be perfect.

A person who has the weights of Inception-v3 can be told values in its features instead; see
`gmstudio.observation.inception`.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from gmstudio.data.base import Dataset, Picture
from gmstudio.observation.feature_network import FeatureNetwork, clusters

#: Images from which the classifier learns, at most, and images that there must be to train on and to hold out.
MOST, LEAST, LEAST_HELD_OUT = 12_000, 100, 20
#: Clusters that stand for classes where none are known.
CLUSTERS = 16
#: Images that are looked at in one go.
CHUNK = 256
#: Judges that are kept.
KEPT = 4


class Network(Protocol):
    """What sees features in images."""

    def features(self, light: Tensor) -> Tensor:
        """Features (N, F) of images (N, C, H, W) of shares of light from 0 to 1."""
        ...


class NamedNetwork(Network, Protocol):
    """A network that was trained elsewhere."""

    @property
    def name(self) -> str:
        """What it is, for results."""
        ...


@dataclass(frozen=True, slots=True)
class Judge:
    """Who sees features in the images of a data set: a trained classifier, or a network that a person has given.

    Attributes:
        network: its weights.
        picture: how columns are pixels.
        scale: by which features are divided: their root mean variance on training images, so that the variances of all
            features of a classifier sum up to their number.
        name: what it is and how often it is right, such as ``classifier of Digits, 8 × 8 (97 % of validation images)``.
        chunk: images that are looked at in one go.
    """

    network: Network
    picture: Picture
    scale: float
    name: str
    chunk: int = CHUNK

    @torch.no_grad()
    def features(self, x: Tensor) -> Tensor:
        """Features (N, F), float32, on the CPU, of images (N, D) in the units of the data."""
        parts = [self.network.features(_light(self.picture, rows)) for rows in _portions(x, self.chunk)]
        return torch.cat(parts) / self.scale


def possible(dataset: Dataset) -> bool:
    """Whether the data are images, and so many that a classifier can learn and be tried."""
    return (
        dataset.picture is not None
        and len(dataset.train) >= LEAST
        and len(dataset.validation) + (0 if dataset.test is None else len(dataset.test)) >= LEAST_HELD_OUT
    )


def given(network: NamedNetwork, dataset: Dataset, chunk: int) -> Judge:
    """The judge that a person has given: its features are as they are, so that others find the same values.

    Args:
        network: which was trained elsewhere.
        dataset: of images.
        chunk: images that are looked at in one go.

    Raises:
        ValueError: when the data are no images.
    """
    if dataset.picture is None:
        raise ValueError(f"{dataset.name} has no images")
    return Judge(network, dataset.picture, 1.0, network.name, chunk)


def held_out(dataset: Dataset) -> Tensor:
    """The images with which samples are compared, (N, D): for validation and for testing, of which no model learns."""
    return dataset.validation if dataset.test is None else torch.cat([dataset.validation, dataset.test])


def title(dataset: Dataset) -> str:
    """What the features are; before the classifier is trained, without how good it is. Empty where there are none."""
    if not possible(dataset):
        return ""
    found = known(dataset)
    return found.name if found is not None else _name(dataset, _by_class(dataset))


_judges: OrderedDict[str, Judge] = OrderedDict()
_keeping = threading.Lock()


def known(dataset: Dataset) -> Judge | None:
    """The judge of these data, where one has been trained in this process."""
    with _keeping:
        return _judges.get(_key(dataset))


def judge(dataset: Dataset) -> Judge:
    """The judge of the data, trained now where there is none.

    Raises:
        ValueError: when the data are no images, or too few.
    """
    for _ in train(dataset):
        pass
    found = known(dataset)
    assert found is not None
    return found


def train(dataset: Dataset) -> Iterator[float]:
    """Train the judge of the data, unless it is there, little by little; who stops asking has stopped it.

    Yields:
        the share that is done, from 0 to 1.

    Raises:
        ValueError: when the data are no images, or too few.
    """
    if not possible(dataset) or dataset.picture is None:
        raise ValueError(f"{dataset.name} has no images from which features can be learned")
    if known(dataset) is not None:
        return
    picture, by_class = dataset.picture, _by_class(dataset)
    light = _light(picture, dataset.train[:MOST])
    tried = _light(picture, dataset.validation[:MOST])
    yield 0.0
    if by_class:
        assert dataset.labels is not None
        labels = dataset.labels[:MOST]
        true = dataset.validation_labels
        truth = torch.full((len(tried),), -1) if true is None else true[:MOST]
        light, labels = light[labels >= 0], labels[labels >= 0]
    else:
        labels, truth = clusters(light.flatten(1), CLUSTERS, tried.flatten(1))
    network = FeatureNetwork(picture.shape, int(max(labels.max(), truth.max())) + 1)
    yield from network.train(light, labels)
    made = _judged(dataset, network, light, (tried, truth), by_class)
    with _keeping:
        _judges[_key(dataset)] = made
        while len(_judges) > KEPT:
            _judges.popitem(last=False)


@torch.no_grad()
def _judged(
    dataset: Dataset, network: FeatureNetwork, light: Tensor, tried: tuple[Tensor, Tensor], by_class: bool
) -> Judge:
    assert dataset.picture is not None
    images, truth = tried
    images, truth = images[truth >= 0], truth[truth >= 0]
    word = ""
    if len(images):
        guesses = torch.cat([network.logits(rows).argmax(1) for rows in _portions(images)])
        word = f" ({100 * float((guesses == truth).float().mean()):.0f} % of validation images)"
    features = torch.cat([network.features(rows) for rows in _portions(light)])
    scale = float(features.double().var(0).mean().sqrt()) or 1.0
    return Judge(network, dataset.picture, scale, _name(dataset, by_class) + word)


def _name(dataset: Dataset, by_class: bool) -> str:
    return f"classifier of {dataset.name}" if by_class else f"classifier of {CLUSTERS} clusters of {dataset.name}"


def _by_class(dataset: Dataset) -> bool:
    """Whether enough images to train on are of at least two classes."""
    if dataset.labels is None:
        return False
    labels = dataset.labels[:MOST]
    labels = labels[labels >= 0]
    return len(labels) >= LEAST and int(labels.max()) > int(labels.min())


def _portions(x: Tensor, chunk: int = CHUNK) -> list[Tensor]:
    return [x[start : start + chunk] for start in range(0, len(x), chunk)]


def _light(picture: Picture, x: Tensor) -> Tensor:
    return picture.to_pixels(x.detach().float().cpu())


def _key(dataset: Dataset) -> str:
    """By what data are known again: a part of the images, and all labels."""
    hashed = hashlib.sha256(f"{dataset.name} {dataset.picture} {tuple(dataset.train.shape)}".encode())
    for part in (dataset.train, dataset.validation):
        some = part[:: max(1, len(part) // 512)]
        hashed.update(some.float().cpu().contiguous().numpy().tobytes())
    for labels in (dataset.labels, dataset.validation_labels):
        hashed.update(b"none" if labels is None else labels.cpu().contiguous().numpy().tobytes())
    return hashed.hexdigest()
