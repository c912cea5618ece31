"""Objectives and models that do not go together are refused, with what does; and nobody is left with such a pair."""

from __future__ import annotations

from typing import cast

import pytest

from gmstudio import registry, runs
from gmstudio.models.base import ModelSpec
from gmstudio.models.vaes.vae import VAE
from gmstudio.objectives import fit
from gmstudio.objectives.base import MEANINGS, ObjectiveSpec
from gmstudio.objectives.elbo import ELBO
from gmstudio.objectives.iwae import IWAE
from gmstudio.objectives.maximum_likelihood import MaximumLikelihood
from gmstudio.registry import SpecError
from gmstudio.training.trainer import Trainer


class Opaque(VAE, frozen=True, kw_only=True, tag="opaque"):
    """A VAE whose posterior has no density of its draws alone."""

    offers = VAE.offers - {"path gradient"}


@pytest.mark.parametrize("model", [c.spec for c in registry.components("model")], ids=lambda s: s.__name__)
def test_every_model_fits_the_objective_that_it_names_and_knows_what_it_offers(model: type[ModelSpec]) -> None:
    spec = model()
    objective = cast(ObjectiveSpec, registry.from_plain("objective", {"kind": spec.objective}))
    assert fit.fits(objective, spec)
    assert spec.offers <= set(MEANINGS)


@pytest.mark.parametrize("objective", [c.spec for c in registry.components("objective")], ids=lambda s: s.__name__)
def test_every_objective_needs_what_has_a_meaning(objective: type[ObjectiveSpec]) -> None:
    assert objective().needs <= set(MEANINGS)


def run(model: str, objective: str) -> runs.RunSpec:
    plain = {"data": {"kind": "two-moons"}, "model": {"kind": model}, "objective": {"kind": objective}}
    return runs.run_from_plain(plain)


@pytest.mark.parametrize(
    ("model", "objective", "message", "remedy"),
    [
        ("vae", "maximum-likelihood", "Maximum likelihood cannot train VAE: it needs a density", "ELBO or IWAE"),
        ("maf", "elbo", "latent variables", "Choose the objective Maximum likelihood"),
    ],
)
def test_a_pair_that_makes_no_sense_is_refused_with_those_that_do(
    model: str, objective: str, message: str, remedy: str
) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        Trainer(runs.single(run(model, objective)))
    assert remedy in caught.value.remedy and caught.value.where == "objective"


def test_a_gradient_that_the_posterior_does_not_allow_is_refused_with_the_other() -> None:
    with pytest.raises(SpecError, match="depends on its draws alone") as caught:
        fit.check(IWAE(gradient="DReG"), Opaque())
    assert caught.value.remedy == "Set its Gradient to plain."


def test_an_objective_gives_way_only_where_it_does_not_fit() -> None:
    assert fit.fitting(MaximumLikelihood(), VAE()) == ELBO()
    assert fit.fitting(IWAE(k=7), VAE()) == IWAE(k=7)


def test_a_run_of_a_vae_that_names_no_objective_maximises_the_elbo() -> None:
    plain = {"data": {"kind": "two-moons"}, "model": {"kind": "vae"}}
    assert runs.run_from_plain(plain).objective == ELBO()
    assert runs.run_from_plain({**plain, "model": {"kind": "maf"}}).objective == MaximumLikelihood()


@pytest.mark.parametrize("fields", [{"latent": 3}, {"latent": 0}, {"gamma_start": 0.0}])
def test_a_latent_space_that_cannot_be_is_refused(fields: dict[str, float]) -> None:
    with pytest.raises(SpecError, match=r"latent|Latent|Variance"):
        registry.convert(VAE, {"kind": "vae", **fields}, "model").build(2, [1])


@pytest.mark.parametrize("k", [0, -1, 1000])
def test_a_bound_of_no_draws_is_refused(k: int) -> None:
    with pytest.raises(SpecError, match="Draws k is"):
        IWAE(k=k)
