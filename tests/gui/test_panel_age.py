"""What panels say of pictures that are older than the run's step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gmstudio.gui import display
from gmstudio.gui.panels import demo, demo_images
from gmstudio.gui.panels.age import joined, step_shown
from gmstudio.gui.panels.density import DensityPanel
from gmstudio.gui.panels.images import ImagesPanel
from gmstudio.gui.panels.samples import SamplesPanel
from gmstudio.gui.panels.score import ScorePanel
from gmstudio.observation.frame import ColumnFrame, Frame, Mailbox, View
from gmstudio.sessions import Status

VIEW = View(demo.info(size=50).bounds, grid=20, arrows=6, samples=60, batch=40)


@pytest.mark.parametrize(
    ("step", "age", "said"),
    [
        (400, 0, ""),
        (400, 50, ""),
        (400, 51, "step 349"),
        (10_000, 200, ""),
        (10_000, 201, "step 9,799"),
        (400, 400, "step 0"),
        (40, 40, ""),
    ],
)
def test_only_what_lags_by_more_than_fifty_steps_and_two_percent_is_told(step: int, age: int, said: str) -> None:
    frame = Frame("demo", step, VIEW, (), age, (("score", age), ("batch", 3)))
    assert step_shown(frame, {"score"}) == said
    assert step_shown(frame, {"batch"}) == step_shown(frame, {"samples"}) == step_shown(None, {"score"}) == ""


def test_notes_are_joined_where_there_are_any() -> None:
    assert joined("8 draws", "", "step 320") == "8 draws · step 320"
    assert joined("", "") == ""


@pytest.mark.parametrize(
    ("kind", "part"), [(DensityPanel, "log_density"), (ScorePanel, "score"), (SamplesPanel, "samples")]
)
def test_a_plot_whose_picture_lags_says_of_which_step_it_is(qtbot: Any, kind: Any, part: str) -> None:
    panel = kind()
    qtbot.addWidget(panel)
    panel.begin(demo.info(size=50))
    frame = demo.frame(400, VIEW)
    panel.show_frame(frame)
    assert [heading.note for heading in panel.row.headings] == ["", ""]
    # The same picture, a hundred steps later.
    panel.show_frame(replace(frame, step=500, age=100, ages=((part, 100),)))
    assert [heading.note for heading in panel.row.headings] == ["step 400"] * 2
    panel.show_frame(replace(frame, step=520, age=120, ages=(("batch", 120),)))
    assert [heading.note for heading in panel.row.headings] == ["", ""]
    without = tuple(replace(column, **{part: None}) for column in frame.columns)
    panel.show_frame(replace(frame, step=530, age=530, ages=((part, 530),), columns=without))
    assert [heading.note for heading in panel.row.headings] == ["", ""], "there is no picture that might be old"
    # The run goes on, and no picture comes.
    panel.show_frame(replace(frame, step=520))
    panel.show_now(560)
    assert [heading.note for heading in panel.row.headings] == ["", ""]
    panel.show_now(900)
    assert [heading.note for heading in panel.row.headings] == ["step 520"] * 2
    panel.now = 0
    panel.show_frame(replace(frame, step=905))
    assert [heading.note for heading in panel.row.headings] == ["", ""]


def test_an_estimated_density_says_by_how_many_draws_of_which_step(qtbot: Any) -> None:
    panel = DensityPanel()
    qtbot.addWidget(panel)
    info = replace(
        demo.info(size=50), estimator="importance sampling, 32 draws", pictured="importance sampling, 8 draws"
    )
    panel.begin(info)
    frame = demo.frame(400, VIEW)
    assert [heading.note for heading in panel.row.headings] == ["", ""], "there is nothing yet"
    panel.show_frame(frame)
    assert [heading.note for heading in panel.row.headings] == ["8 draws"] * 2
    panel.show_frame(replace(frame, step=800, age=480, ages=(("log_density", 480),)))
    assert [heading.note for heading in panel.row.headings] == ["8 draws · step 320"] * 2
    panel.show_frame(replace(frame, step=800, age=800, ages=(("log_density", 800),)))
    assert [heading.note for heading in panel.row.headings] == ["8 draws · unfinished"] * 2


def test_images_that_lag_say_of_which_step_they_are(qtbot: Any) -> None:
    panel = ImagesPanel()
    qtbot.addWidget(panel)
    info = demo_images.info()
    panel.begin(info)
    columns = tuple(ColumnFrame(samples=info.data[:9]) for _ in info.titles)
    frame = Frame("demo", 400, VIEW, columns)
    panel.show_frame(frame)
    assert panel.view.stacks[0].strips[0].caption == "samples"
    panel.show_frame(replace(frame, step=500, age=100, ages=(("samples", 100),)))
    assert panel.view.stacks[0].strips[0].caption == "samples · step 400"
    panel.show_frame(replace(frame, step=510))
    assert panel.view.stacks[0].strips[0].caption == "samples"
    panel.show_now(900)
    assert panel.view.stacks[0].strips[0].caption == "samples · step 510"


class Left:
    """A session of which only the mailboxes are there."""

    run_id = "demo"

    def __init__(self) -> None:
        self.status: Mailbox[Status] = Mailbox()
        self.problems: Mailbox[Any] = Mailbox()
        self.infos: Mailbox[Any] = Mailbox()
        self.frames: Mailbox[Frame] = Mailbox()

    def metrics(self) -> list[Any]:
        return []

    def post(self, command: object) -> None:
        pass


def test_a_run_that_leaves_no_pictures_lets_panels_say_how_old_theirs_is(qtbot: Any, monkeypatch: Any) -> None:
    panel = SamplesPanel()
    qtbot.addWidget(panel)
    panel.show()
    shown, left = display.Display([panel]), Left()
    shown.follow(left)  # type: ignore[arg-type]
    frame = demo.frame(400, VIEW)
    left.infos.put((demo.info(size=50), None))
    left.frames.put(frame)
    shown.tick()
    qtbot.waitUntil(lambda: panel.frame is frame)
    left.status.put(status(900))
    shown.tick()
    assert panel.now == 0 and panel.live, "the picture is but a moment old"
    monkeypatch.setattr(shown, "_fresh_until", 0.0)
    left.status.put(status(900))
    shown.tick()
    assert [heading.note for heading in panel.row.headings] == ["step 400"] * 2
    left.frames.put(replace(frame, step=910))
    shown.tick()
    qtbot.waitUntil(lambda: panel.frame is not frame)
    assert panel.now == 0 and [heading.note for heading in panel.row.headings] == ["", ""]
    shown.close()


def status(step: int) -> Status:
    return Status("demo", "running", step, 5000, 10.0, None, 0)
