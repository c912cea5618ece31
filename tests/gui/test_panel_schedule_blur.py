"""The schedule of a blur: its axis in pixels, its words, and the image as training sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPoint, QSizeF, Qt
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from gmstudio import runs
from gmstudio.gui.panels import demo_images
from gmstudio.gui.panels.schedule import SchedulePanel
from gmstudio.gui.panels.schedule_blur import TIMES, Preview, width_marks
from gmstudio.mollification.blurring import Blur
from gmstudio.mollification.gaussian import mollify
from gmstudio.mollification.schedules.families import Linear, Off, Sigmoid
from gmstudio.runs import Column, Experiment
from gmstudio.training.commands import SetSchedule

Shown = Callable[..., Any]
INFO = demo_images.info()
RUN = runs.run_from_plain({"data": {"kind": "images"}, "model": {"kind": "real-nvp"}})


def experiment(*by: str) -> Experiment:
    """Vanilla, then columns mollified along a line by these."""
    columns = [Column(title=one, mollification=Linear(by=one)) for one in by]  # type: ignore[arg-type]
    return Experiment(run=RUN, columns=(Column(title="Vanilla", mollification=Off()), *columns))


def shown_panel(shown: Shown, *by: str, size: tuple[int, int] = (460, 240)) -> SchedulePanel:
    panel = shown(SchedulePanel(), *size)
    plans = np.stack([np.zeros(100), *(np.linspace(1, 0, 100) for _ in by)])
    info = replace(INFO, titles=("Vanilla", *by), plans=plans, by=("noise", *by), steps=100)
    panel.set_experiment(experiment(*by))
    panel.begin(info)
    panel.grab()
    return panel


def test_marks_of_pixels_are_where_a_schedule_makes_that_blur_and_never_touch() -> None:
    for side in (8, 28, 64):
        marks = width_marks(side, 150.0)
        assert marks[0] == (0.0, "0") and marks[-1] == (1.0, f"{side} px") and len(marks) >= 4
        for gamma, words in marks[1:-1]:
            assert 0.3 * (side / 0.3) ** gamma == pytest.approx(float(words))
        assert np.diff([gamma for gamma, _ in marks]).min() * 150 >= 15


def test_noise_has_the_left_axis_and_blur_the_right_one_or_the_left_where_it_is_alone(shown: Shown) -> None:
    panels = [shown_panel(shown, *by) for by in (("noise", "blur"), ("blur",), ("noise",))]
    both, blur, noise = (panel.chart for panel in panels)
    size = QSizeF(460, 200)
    assert both.area(size).right() < noise.area(size).right() == blur.area(size).right()
    assert both.y_marks()[-1][1] == noise.y_marks()[-1][1] == "σ² 1"
    assert blur.y_marks()[-1][1] == "8 px"


def test_a_blur_is_told_in_pixels_and_in_shares_where_they_are_unknown(shown: Shown) -> None:
    panel = shown_panel(shown, "noise", "blur")
    middle = 0.3 * (8 / 0.3) ** 0.5
    assert "noise: σ² 1.0 at the start, σ² 0.50 halfway" in panel.summary()
    assert f"blur: blur 8.0 px at the start, blur {middle:.1f} px halfway" in panel.summary()
    fresh = shown(SchedulePanel(), 440, 220)
    fresh.set_experiment(experiment("blur"))
    assert "blur: blur 100% at the start, blur 50% halfway" in fresh.summary()


def test_dragging_a_handle_of_a_blur_keeps_it_a_blur(shown: Shown, qtbot: QtBot) -> None:
    panel = shown_panel(shown, "noise", "blur")
    chart, edits = panel.chart, list[SetSchedule]()
    panel.edited.connect(edits.append)
    chart.choose(2)
    chart.place(QSizeF(chart.size()))
    chart.set_specs(chart.titles, (*chart.specs[:2], Sigmoid(by="blur")))
    share, gamma = chart.handles.places()[2]
    start = QPoint(round(chart.at_x(share)), round(chart.at_y(gamma)))
    qtbot.mousePress(chart, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(chart, start + QPoint(0, 15))
    qtbot.mouseRelease(chart, Qt.MouseButton.LeftButton, pos=start + QPoint(0, 15))
    assert [(edit.column, edit.schedule.by) for edit in edits] == [(2, "blur")]
    assert edits[0].schedule.variance(np.array([share]))[0] < gamma


@pytest.mark.parametrize("gamma", [0.0, 0.3, 1.0])
def test_the_image_is_blurred_as_training_blurs_it(gamma: float) -> None:
    preview = Preview.of(INFO)
    pixels = float(0.3 * (8 / 0.3) ** gamma) if gamma else 0.0
    expected = Blur((1, 8, 8))(torch.from_numpy(INFO.data[:1]), torch.tensor([pixels]))
    np.testing.assert_allclose(preview.at(gamma, True), expected[0].numpy(), atol=1e-5)


def test_the_image_gets_noise_as_training_adds_it_to_standardised_images() -> None:
    scale, mean = 0.31, INFO.data.mean()
    preview = Preview.of(replace(INFO, space=replace(INFO.space, log_volume=64 * float(np.log(scale)))))
    z = torch.from_numpy((INFO.data[0] - mean) / scale).double()
    expected = mollify(z, torch.from_numpy(preview.noise), 0.4) * scale + mean
    np.testing.assert_allclose(preview.at(0.4, False), expected.numpy(), atol=1e-5)
    np.testing.assert_allclose(preview.at(0.0, False), INFO.data[0], atol=1e-6)


def test_above_the_curve_stand_images_of_the_active_column_from_hidden_to_clean(shown: Shown) -> None:
    panel = shown_panel(shown, "noise", "blur")
    chart = panel.chart

    def picture(share: float) -> np.ndarray:
        image = chart.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
        seen = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
        middle = min(max(round(chart.at_x(share)), round(chart.rect_.left()) + 16), round(chart.rect_.right()) - 16)
        foot = round(chart.rect_.top()) - 4
        return seen[foot - 30 : foot, middle - 14 : middle + 14].astype(float)

    chart.choose(2)
    contrasts = [picture(share).std() for share in TIMES]
    assert contrasts[0] < 4 and all(a < b for a, b in pairwise(contrasts))
    blurred = picture(0.5)
    chart.choose(1)
    assert np.abs(picture(0.5) - blurred).mean() > 5 and np.abs(picture(1.0)).std() > 50


def test_without_images_or_without_room_there_are_no_images(shown: Shown) -> None:
    low, high = shown_panel(shown, "blur", size=(460, 130)), shown_panel(shown, "blur")
    tops = [panel.chart.area(QSizeF(panel.chart.size())).top() for panel in (low, high)]
    assert tops[0] < 10 < tops[1]
    panel = shown_panel(shown, "noise")
    panel.begin(replace(INFO, picture=None, titles=("Vanilla", "noise"), plans=INFO.plans[:2], by=()))
    assert panel.chart.preview is None and panel.chart.area(QSizeF(460, 240)).top() < 10
