"""Model and objective go together: nobody is left with a pair that cannot train."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QStandardItemModel, QUndoStack

from gmstudio.gui.cards.chooser import Chooser
from gmstudio.gui.cards.deck import CardDeck
from gmstudio.objectives.elbo import ELBO
from gmstudio.objectives.iwae import IWAE
from gmstudio.objectives.maximum_likelihood import MaximumLikelihood


@pytest.fixture
def deck(shown: Callable[..., CardDeck]) -> Iterator[CardDeck]:
    undo = QUndoStack()
    yield shown(CardDeck(undo), 320, 900)
    undo.clear()


def enabled(chooser: Chooser, title: str) -> bool:
    model, index = chooser.combo.model(), chooser.combo.findText(title)
    assert isinstance(model, QStandardItemModel)
    return model.item(index).isEnabled()


def test_a_vae_brings_its_objective_and_undo_restores_both(deck: CardDeck) -> None:
    before = deck.experiment
    deck.choosers["model"].choose("vae")
    assert deck.experiment.run.objective == deck.choosers["objective"].spec == ELBO()
    assert deck.undo.count() == 1 and deck.undo.undoText() == "Choose VAE"
    deck.undo.undo()
    assert deck.experiment == before
    assert deck.choosers["objective"].spec == MaximumLikelihood()
    deck.undo.redo()
    assert deck.experiment.run.objective == ELBO()
    deck.choosers["model"].choose("maf")
    assert deck.experiment.run.objective == MaximumLikelihood()


def test_an_objective_that_fits_stays_when_the_model_changes(deck: CardDeck) -> None:
    deck.choosers["model"].choose("vae")
    deck.choosers["objective"].choose("iwae")
    deck.choosers["model"].form.edited.emit(deck.experiment.run.model.changed(latent=1), "latent")
    assert deck.experiment.run.objective == IWAE()
    assert deck.experiment.run.model.latent == 1  # type: ignore[attr-defined]


def test_objectives_that_do_not_fit_cannot_be_chosen_and_say_why(deck: CardDeck) -> None:
    chooser = deck.choosers["objective"]
    assert enabled(chooser, "Maximum likelihood") and not enabled(chooser, "ELBO")
    why = chooser.combo.itemData(chooser.combo.findText("ELBO"), Qt.ItemDataRole.ToolTipRole)
    assert why == "ELBO cannot train Real-NVP: it needs latent variables and an approximate posterior."
    deck.choosers["model"].choose("vae")
    assert enabled(chooser, "ELBO") and enabled(chooser, "IWAE bound") and not enabled(chooser, "Maximum likelihood")


def test_an_objective_that_does_not_fit_is_answered_and_not_taken(deck: CardDeck) -> None:
    before = deck.experiment
    deck.choosers["objective"].choose("elbo")
    assert deck.experiment == before and deck.undo.count() == 0
    assert deck.choosers["objective"].spec == MaximumLikelihood()
    assert deck.message.isVisible() and "cannot train Real-NVP" in deck.message.accessibleName()
    assert deck.paste("objective", json.dumps({"kind": "iwae", "k": 3}))
    assert deck.experiment == before


def test_a_pasted_model_brings_its_objective_too(deck: CardDeck) -> None:
    assert deck.paste("model", json.dumps({"kind": "vae", "latent": 1}))
    assert deck.experiment.run.objective == ELBO()
    deck.undo.undo()
    assert deck.experiment.run.objective == MaximumLikelihood()
