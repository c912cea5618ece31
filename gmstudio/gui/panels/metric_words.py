"""What metrics are called and mean, and which of them a run can have."""

from __future__ import annotations

from gmstudio.observation.frame import METRICS, RunInfo, Truth

NAMES: dict[str, str] = {
    "train": "Training log p",
    "validation": "Validation log p",
    "kl": "KL(truth ‖ model)",
    "fisher": "Score error",
    "mmd": "MMD²",
    "sliced_wasserstein": "Sliced Wasserstein",
    "modes": "Modes covered",
    "fid": "FID",
    "kid": "KID",
    "gamma": "Decoder variance γ",
    "divergence": "KL(q(z|x) ‖ prior)",
    "active": "Active dimensions",
    "sigma2": "Noise σ²",
    "rate": "Learning rate",
    "validation_sampled": "Valid. log p, 128 draws",
    "validation_sampled_error": "± of that, by draws",
    "test": "Test log p",
    "test_best": "Test log p, best",
}
#: Measured once, when the training is over, and only where there are test points or latent variables.
AT_END = frozenset({"test", "test_best", "validation_sampled", "validation_sampled_error"})
#: In a table and over the steps; the others are the same numbers in other units.
SHOWN = tuple(name for name in METRICS if name in NAMES)

#: Measured in models with a latent space, and of images.
OF_LATENT = frozenset({"gamma", "divergence", "active", "validation_sampled", "validation_sampled_error"})
OF_IMAGES = frozenset({"fid", "kid"})

WHAT: dict[str, str] = {
    "train": "Mean log-likelihood of the step's batch, mollified where the column is. More is better.",
    "validation": "Mean log-likelihood of clean points that are never trained on. More is better.",
    "validation_sampled": "At the end: mean log-likelihood of at most 256 validation points by importance sampling, "
    "each with 128 draws of its own. Comparable with the exact likelihoods of flows. More is better.",
    "validation_sampled_error": "Standard error of that mean by its draws, not by the choice of the points.",
    "kl": "How many nats the model loses against the exact density of the data; 0 is perfect.",
    "fisher": "Fisher divergence: mean squared distance between the model's score and the exact one; 0 is perfect.",
    "mmd": "Squared maximum mean discrepancy between samples of the model and data; about 0 is perfect.",
    "sliced_wasserstein": "Wasserstein distance between samples and data, averaged over directions; near 0 is best. "
    "For tables in standard deviations of the columns.",
    "modes": "Share of the data's modes near which the model draws its fair share of samples.",
    "fid": "Fréchet distance between features of samples and of images held out. Less is better; it depends on the "
    "features and on how many images there are.",
    "kid": "Squared kernel distance between features of samples and of images held out; about 0 is perfect.",
    "gamma": "Mean variance of the decoder's noise, in standardised units. It goes to 0 where the data fill fewer "
    "dimensions than there are.",
    "divergence": "How many nats the posterior tells of a point, on average: the second term of the bound.",
    "active": "Latent dimensions whose posterior depends on the data: the variance of its mean is above 0.01.",
    "sigma2": "Variance of the noise that mollifies the step's batch; of a blur, its standard deviation in pixels.",
    "rate": "Learning rate of the step.",
    "test": "Mean log-likelihood of the test points under the last weights. More is better.",
    "test_best": "Mean log-likelihood of the test points under the weights of the best validation. More is better.",
}


def foreign(info: RunInfo | None) -> frozenset[str]:
    """Metrics that make no sense for a run, so that nobody need read of them: of latent spaces, and of images."""
    of_latent = OF_LATENT if info is None or not info.latent else frozenset()
    return of_latent | (OF_IMAGES if info is None or info.picture is None else frozenset())


def features_of(info: RunInfo | None, name: str) -> str:
    """In which features a metric of images is measured, in a sentence; empty for other metrics."""
    return f"Features: {info.features}." if info is not None and info.features and name in OF_IMAGES else ""


def unknowns(info: RunInfo | None, truth: Truth | None) -> dict[str, str]:
    """Metrics that cannot be had, with the reason; `truth` None as long as it is not told."""
    absent: dict[str, str] = {}
    if info is not None and not info.features:
        absent |= dict.fromkeys(OF_IMAGES, "no features to measure in")
    if info is not None and info.mode_centres is None:
        absent["modes"] = "no modes known"
    if truth is not None and truth.log_density is None:
        absent["kl"] = "not known for these data"
    if truth is not None and truth.score is None:
        absent["fisher"] = "not known for these data"
    return absent
