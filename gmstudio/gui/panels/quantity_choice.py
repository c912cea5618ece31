"""The choice of what is plotted over the steps; what cannot be had is grey, with the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QWidget

from gmstudio.gui.panels.courses import LIKELIHOOD, QUANTITIES, quantity_of
from gmstudio.gui.panels.metric_words import NAMES, WHAT
from gmstudio.observation.frame import METRICS


class QuantityChoice(QComboBox):
    """One of `QUANTITIES`.

    Args:
        height: pixels that it may have at least; more where its letters are larger.
        help: what is said of the likelihoods.
    """

    def __init__(self, height: int, help: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._height, self._help = height, help
        self._estimator = ""
        #: What mollifies, where some of it is no noise.
        self.mollifier = ""
        self._names: tuple[str, ...] = ()
        self._list(QUANTITIES)
        self.setAccessibleName(self.tr("What is plotted"))
        self.setMinimumContentsLength(12)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        """Grow with the letters."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit()

    def _fit(self) -> None:
        self.setMaximumHeight(max(self._height, self.fontMetrics().height() + 5))

    @property
    def estimator(self) -> str:
        """How likelihoods are estimated, such as ``importance sampling, 32 draws``; empty where they are exact."""
        return self._estimator

    @estimator.setter
    def estimator(self, words: str) -> None:
        self._estimator = words
        self.setMinimumContentsLength(16 if words else 12)

    @property
    def quantity(self) -> str:
        """What is chosen."""
        return str(self.currentData())

    def title_of(self, quantity: str) -> str:
        """What people call a quantity."""
        if quantity == "sigma2" and self.mollifier:
            return self.mollifier
        if quantity != LIKELIHOOD:
            return NAMES[quantity]
        # All of it stands in the tooltip: the head of a panel is narrow.
        return self.tr("Log-likelihood") + (f", {self.estimator.split(', ')[-1]}" if self.estimator else "")

    def choose(self, metric: str) -> None:
        """Choose the quantity to which a metric belongs, such as ``kl`` or ``validation``."""
        index = self.findData(quantity_of(metric))
        if index >= 0:
            self.setCurrentIndex(index)

    def offer(
        self, measured: Callable[[str], bool], absent: dict[str, str], hidden: frozenset[str] = frozenset()
    ) -> None:
        """Grey what cannot be had, with the reason, and leave out what makes no sense.

        Args:
            measured: whether there is any value of a quantity.
            absent: quantity -> why there is none.
            hidden: quantities that are not offered unless there are values.
        """
        self._list(tuple(name for name in QUANTITIES if name not in hidden or measured(name)))
        model = cast(QStandardItemModel, self.model())
        for index, name in enumerate(self._names):
            reason = "" if measured(name) else absent.get(name, "")
            text = self.title_of(name) + (f" — {reason}" if reason else "")
            item = model.item(index)
            if item.text() != text:
                item.setText(text)
                item.setEnabled(not reason)
        wide = max(self.fontMetrics().horizontalAdvance(model.item(k).text()) for k in range(model.rowCount()))
        self.view().setMinimumWidth(wide + 30)
        self.explain()

    def _list(self, names: tuple[str, ...]) -> None:
        """Have these quantities to choose from; the choice stays, or falls to the likelihoods."""
        if names == self._names:
            return
        chosen, self._names = self.quantity, names
        self.blockSignals(True)
        self.clear()
        for name in names:
            self.addItem(self.title_of(name), name)
        self.setCurrentIndex(max(0, self.findData(chosen)))
        self.blockSignals(False)
        if self.quantity != chosen:
            self.currentIndexChanged.emit(self.currentIndex())

    def explain(self) -> None:
        """Say on hover what is chosen."""
        title, unit, _ = METRICS.get(self.quantity, ("", "", 0))
        what = self._help if self.quantity == LIKELIHOOD else f"{title}{f' ({unit})' if unit else ''}. "
        if self.quantity == LIKELIHOOD and self.estimator:
            what += self.tr(" Validation: {0}. Training: the objective's own bound.").format(self.estimator)
        self.setToolTip(what + WHAT.get(self.quantity, ""))
