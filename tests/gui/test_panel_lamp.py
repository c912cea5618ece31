"""The lamp that warns of manifold overfitting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QSizeF, Qt
from pytestqt.qtbot import QtBot

from gmstudio.gui.panels import lamp
from gmstudio.gui.panels.lamp import LOOKS, Lamps, judge, reasons
from gmstudio.gui.panels.metrics import MetricsPanel
from gmstudio.gui.panels.series import Series
from gmstudio.gui.theme import load
from gmstudio.observation.frame import Metric
from gmstudio.observation.overfitting import THEOREMS, Verdict

Begun = Callable[..., Any]


@pytest.fixture
def falling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judges by gamma alone: below 0.1 is overfitting, below 0.5 something to watch."""

    def verdict(series: Mapping[str, Any], dim: int) -> Verdict:
        assert dim == 2
        if "gamma" not in series:
            return Verdict("quiet")
        last = float(series["gamma"][1][-1])
        return Verdict("overfitting" if last < 0.1 else "watch" if last < 0.5 else "quiet", f"gamma is {last:.2f}")

    monkeypatch.setattr(lamp, "verdict", verdict)


@pytest.fixture
def panel(begun: Begun, falling: None) -> MetricsPanel:
    made = begun(MetricsPanel(), 460, 240)
    made.show_metrics([Metric(step, 0, "gamma", value) for step, value in ((0, 1.0), (100, 0.3), (200, 0.01))])
    made.show_metrics([Metric(0, 1, "gamma", 0.9)])
    return made


def states(panel: MetricsPanel) -> list[str]:
    panel.judge()
    return [one.state for one in panel.lamps.verdicts]


def test_each_column_has_a_lamp_for_the_step_that_is_looked_at(panel: MetricsPanel) -> None:
    assert states(panel) == ["overfitting", "quiet"]
    for step, wanted in ((150, "watch"), (50, "quiet"), (200, "overfitting")):
        panel.show_step(step)
        assert states(panel) == [wanted, "quiet"], step
    assert "Vanilla: manifold overfitting, gamma is 0.01" in panel.summary()


def test_it_follows_by_itself(panel: MetricsPanel, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: [one.state for one in panel.lamps.verdicts] == ["overfitting", "quiet"], timeout=3000)
    panel.show_step(150)
    qtbot.waitUntil(lambda: panel.lamps.verdicts[0].state == "watch", timeout=3000)


def test_a_step_cuts_the_curves_and_what_is_not_measured_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Mapping[str, Any]] = []
    monkeypatch.setattr(lamp, "verdict", lambda series, dim: seen.append(series) or Verdict("quiet"))
    train, none = Series(), Series()
    for step in range(10):
        train.append(step * 10, -step)
    judge({"train": train, "gamma": none}, 45, 2)
    judge({"train": train, "gamma": none}, None, 2)
    assert list(seen[0]) == ["train"]
    np.testing.assert_array_equal(seen[0]["train"][0], [0, 10, 20, 30, 40])
    assert len(seen[1]["train"][1]) == 10


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_states_differ_in_shape_and_word_and_not_in_colour_alone(begun: Begun, shown: Any, theme: str) -> None:
    row = shown(Lamps(), 460, 20)
    row.apply_theme(load(theme))
    shapes = {}
    for state in LOOKS:
        row.show_verdicts(("One",), (Verdict(state),))
        image = row.grab().toImage()
        cell = row.cells(QSizeF(row.size()))[0]
        ground = image.pixelColor(2, 2)
        ink = [
            [image.pixelColor(x, y) != ground for x in range(int(cell.left()), int(cell.right()))] for y in range(2, 18)
        ]
        first = next(x for x in range(len(ink[0])) if any(line[x] for line in ink))
        shapes[state] = tuple(tuple(line[first : first + 10]) for line in ink)
    assert len(set(shapes.values())) == 3
    assert len({words[0] for _, words in LOOKS.values()}) == 3


def test_a_click_or_a_key_opens_the_words(panel: MetricsPanel, qtbot: QtBot) -> None:
    states(panel)
    qtbot.mouseClick(panel.lamps, Qt.MouseButton.LeftButton, pos=QPoint(300, 8))
    words = panel.lamps.words
    assert words is not None and words.isVisible()
    assert "gamma is 0.01" in words.label.text() and "two-stage VAE" in words.label.text()
    words.close()
    qtbot.keyClick(panel.lamps, Qt.Key.Key_Return)
    assert panel.lamps.words is not None and panel.lamps.words is not words
    panel.lamps.words.close()


def test_the_words_have_the_reasons_the_theorems_and_the_remedy() -> None:
    text = reasons(("Vanilla <1>",), (Verdict("watch", "γ fell & fell"),))
    assert "Vanilla &lt;1&gt;: watch." in text and "γ fell &amp; fell" in text and "mollify" in text
    assert THEOREMS and all(escape(words) in text for pair in THEOREMS for words in pair)


def test_lamps_stand_over_the_columns_of_the_table_and_go_with_the_run(panel: MetricsPanel) -> None:
    states(panel)
    cells = panel.lamps.cells(QSizeF(panel.lamps.size()))
    assert cells[-1].right() <= panel.table.width()
    panel.clear()
    assert panel.lamps.verdicts == () and panel.lamps.told() == ""
    blank = panel.lamps.grab().toImage()
    assert len({blank.pixelColor(x, 10).name() for x in range(blank.width())}) == 1


def test_the_judge_hears_of_the_noise_that_falls(begun: Begun) -> None:
    panel = begun(MetricsPanel(), 460, 240)
    for column in range(2):
        for step in range(50, 4001, 50):
            noise = 1 - step / 4000 if column == 0 else 0.0
            told = {"train": 6 * np.log10(step), "sigma2": noise}
            panel.show_metrics([Metric(step, column, name, float(value)) for name, value in told.items()])
    assert states(panel) == ["quiet", "watch"]
