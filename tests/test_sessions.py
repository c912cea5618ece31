"""A session: training, observing, recording and commands in one thread, without a window."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from gmstudio import runs
from gmstudio.observation.frame import Frame, Truth, View
from gmstudio.projects.project import Project
from gmstudio.sessions import Look, Outcome, Session
from gmstudio.sessions.recorder import Recorder
from gmstudio.training.commands import Advance, Pause, Play, SetData, SetRate, SetSchedule, SetSpeed, Stop

VIEW = View(bounds=(-3.0, 3.0, -3.0, 3.0), grid=24, arrows=6, samples=200, batch=50)


def experiment(steps: int = 60, **training: object) -> runs.Experiment:
    run = runs.run_from_plain(
        {
            "data": {"kind": "two-moons", "size": 400},
            "model": {"kind": "real-nvp", "blocks": 2, "hidden": 8},
            "mollification": {"kind": "sigmoid"},
            "training": {"steps": steps, "batch": 32, "evaluate_every": 10, "threads": 1, **training},
        }
    )
    return runs.twins(run)


@contextmanager
def running(session: Session) -> Iterator[list[Outcome]]:
    outcomes: list[Outcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(session.run()))
    thread.start()
    try:
        yield outcomes
    finally:
        session.post(Stop())
        thread.join(60)
        assert not thread.is_alive()


def wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.005)


def state_of(session: Session) -> Callable[[], str]:
    """The newest state; a closure, because a mailbox gives each status once."""
    seen = ["building"]

    def newest() -> str:
        status = session.status.take()
        if status is not None:
            seen[0] = status.state
        return seen[0]

    return newest


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    project = Project.create(tmp_path / "p.gmstudio")
    yield project
    project.close()


def test_a_session_trains_to_the_end_and_measures_everything(project: Project) -> None:
    session = Session(experiment(), project=project, view=VIEW, device="cpu")
    outcome = session.run()
    assert outcome.problem is None and outcome.state == "finished" and outcome.step == 60
    for name in ("train", "validation", "kl", "fisher", "mmd", "sliced_wasserstein"):
        assert all(value is not None and np.isfinite(value) for value in outcome.metrics[name]), name
    frame = session.frames.take()
    assert frame is not None and frame.step == 60 and frame.age == 0 and frame.run == outcome.run
    assert project.run(outcome.run).state == "finished"
    assert project.frame_steps(outcome.run)[0] == 0 and project.frame_steps(outcome.run)[-1] == 60
    recorded = {(m.name, m.step, m.column): m.value for m in project.metrics(outcome.run)}
    told = {(m.name, m.step, m.column): m.value for m in session.metrics()}
    assert recorded == pytest.approx(told)


def test_a_paused_session_steps_when_asked_and_holds_between() -> None:
    session = Session(experiment(), view=VIEW, device="cpu", paused=True)
    with running(session):
        state = state_of(session)
        session.post(Advance(1))
        wait(lambda: state() == "paused")
        wait(lambda: (f := session.frames.take()) is not None and f.step == 1 and f.age == 0)
        session.post(Advance(10))
        wait(lambda: (f := session.frames.take()) is not None and f.step == 11 and f.age == 0)


def test_pause_and_play_reach_the_end() -> None:
    session = Session(experiment(300), view=VIEW, device="cpu")
    with running(session) as outcomes:
        session.post(Pause())
        state = state_of(session)
        wait(lambda: state() == "paused")
        session.post(Play())
        wait(lambda: bool(outcomes))
    assert outcomes[0].state == "finished" and outcomes[0].step == 300


def test_observing_recording_and_pausing_change_no_bit(project: Project, tmp_path: Path) -> None:
    watched = Session(experiment(40), project=project, view=VIEW, device="cpu", paused=True)
    with running(watched) as outcomes:
        for steps in (3, 1, 17):
            watched.post(Advance(steps))
        watched.post(Play())
        wait(lambda: bool(outcomes))
    other = Project.create(tmp_path / "q.gmstudio")
    alone = Session(experiment(40), project=other, view=VIEW, wants=frozenset(), device="cpu").run()
    first, second = project.checkpoint(watched.run_id), other.checkpoint(alone.run)
    other.close()
    assert first is not None and second is not None and set(first.arrays) == set(second.arrays)
    for name, array in first.arrays.items():
        np.testing.assert_array_equal(array, second.arrays[name], err_msg=name)


def test_a_stopped_run_resumed_equals_an_uninterrupted_one(project: Project) -> None:
    broken = Session(experiment(50), project=project, view=VIEW, device="cpu", paused=True)
    with running(broken):
        state = state_of(broken)
        broken.post(Advance(23))
        wait(lambda: state() == "paused")
    resumed = Session(experiment(50), project=project, run=broken.run_id, view=VIEW, device="cpu").run()
    whole = Session(experiment(50), project=project, view=VIEW, device="cpu").run()
    assert resumed.state == whole.state == "finished"
    first, second = project.checkpoint(resumed.run), project.checkpoint(whole.run)
    assert first is not None and second is not None
    for name, array in first.arrays.items():
        np.testing.assert_array_equal(array, second.arrays[name], err_msg=name)
    steps = [m.step for m in project.metrics(resumed.run) if m.name == "validation" and m.column == 0]
    assert steps == sorted(set(steps))


def test_edits_are_applied_between_steps_and_recorded(project: Project) -> None:
    session = Session(experiment(200), project=project, view=VIEW, device="cpu", paused=True)
    off = runs.run_from_plain({"data": {"kind": "rings"}, "model": {"kind": "real-nvp"}})
    with running(session) as outcomes:
        session.post(Advance(20))
        session.post(SetSchedule(1, off.mollification))
        session.post(SetRate(0, 1e-4))
        session.post(SetData(off.data))
        session.post(Play())
        wait(lambda: bool(outcomes))
    assert outcomes[0].state == "finished", outcomes[0].problem
    assert len(project.edits(session.run_id)) == 3
    info = project.info(session.run_id)
    assert info is not None and info.plans[1, -1] == 0.0


def test_looking_elsewhere_while_paused_gives_a_sharp_picture() -> None:
    session = Session(experiment(), view=VIEW, device="cpu", paused=True)
    closer = View(bounds=(0.0, 1.0, 0.0, 1.0), grid=16, arrows=4, samples=50, batch=10)
    with running(session):
        session.post(Look(closer, frozenset({"log_density"})))
        frames = []
        wait(lambda: (f := session.frames.take()) is not None and frames.append(f) is None and f.view == closer)
        column = frames[-1].columns[0]
        assert column.log_density is not None and column.log_density.shape == (16, 16)


@pytest.mark.parametrize("quick", [0, 10**9])
def test_a_pause_is_answered_before_its_picture_is_complete_and_then_refined(
    project: Project, monkeypatch: pytest.MonkeyPatch, quick: int
) -> None:
    """With no time for even one chunk of a picture before the answer, and weights that are written before or after."""
    monkeypatch.setattr("gmstudio.sessions.session.ANSWER_SECONDS", 0.0)
    monkeypatch.setattr("gmstudio.sessions.session.QUICK", quick)
    session = Session(experiment(100_000), project=project, view=VIEW, device="cpu", paused=True)
    with running(session):
        state = state_of(session)
        session.post(Advance(5))
        wait(lambda: state() == "paused")
        wait(lambda: (f := session.frames.take()) is not None and f.step == 5 and f.age == 0)
        wait(lambda: 5 in project.frame_steps(session.run_id))
        wait(lambda: project.run(session.run_id).state == "paused")
        checkpoint = project.checkpoint(session.run_id)
        assert checkpoint is not None and checkpoint.step == 5
    kept = project.frame(session.run_id, 5)
    assert kept is not None and kept.age == 0, "what is kept of the step is the complete picture"
    assert project.run(session.run_id).state == "stopped"


def test_every_step_of_a_slow_run_is_shown_in_full() -> None:
    session = Session(experiment(100_000), view=VIEW, device="cpu", paused=True)
    with running(session):
        session.post(SetSpeed(10.0))
        session.post(Play())
        shown: list[int] = []

        def seen() -> bool:
            frame = session.frames.take()
            if frame is not None and frame.age == 0 and frame.step:
                shown.append(frame.step)
            return len(shown) >= 3

        wait(seen)


def test_speed_limits_the_steps() -> None:
    session = Session(experiment(100_000), view=VIEW, device="cpu", paused=True)
    with running(session):
        session.post(SetSpeed(5.0))
        session.post(Play())
        time.sleep(1.0)
        session.post(Pause())
        state = state_of(session)
        wait(lambda: state() == "paused")
        frame = session.frames.take()
        assert frame is not None and 0 < frame.step < 100


def test_a_loss_that_is_not_finite_fails_with_a_remedy_and_keeps_the_last_checkpoint(project: Project) -> None:
    session = Session(experiment(3000, rate=1.0, decay="constant"), project=project, view=VIEW, device="cpu")
    from gmstudio.training import trainer as training

    original = training.Trainer.advance

    def poisoned(self: training.Trainer, steps: int = 1) -> int:
        made = original(self, steps)
        if self.step > 100:
            for parameter in self.model.parameters():
                parameter.data.fill_(float("nan"))
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training.Trainer, "advance", poisoned)
        outcome = session.run()
    assert outcome.state == "failed" and outcome.problem is not None and outcome.problem.remedy
    checkpoint = project.checkpoint(session.run_id)
    assert checkpoint is not None
    assert all(np.isfinite(a).all() for a in checkpoint.arrays.values() if a.dtype.kind == "f")


def test_an_unusable_data_set_fails_with_its_message_where_it_would_be_recorded(project: Project) -> None:
    run = runs.run_from_plain({"data": {"kind": "drawing"}, "model": {"kind": "real-nvp"}})
    outcome = Session(runs.single(run), project=project, device="cpu", hold=True).run()
    assert outcome.state == "failed" and outcome.problem is not None
    assert outcome.problem.what == "The drawing is empty." and project.runs() == []


def test_an_unusable_data_set_fails_with_a_message() -> None:
    run = runs.run_from_plain({"data": {"kind": "drawing"}, "model": {"kind": "real-nvp"}})
    outcome = Session(runs.single(run), device="cpu").run()
    assert outcome.state == "failed" and outcome.problem is not None
    assert "raw" in (outcome.problem.what + outcome.problem.remedy + outcome.problem.title)


def levels_of(truth: Truth | None) -> tuple[tuple[str, float], ...]:
    return truth.baselines if truth is not None else ()


def test_the_baselines_are_recorded_and_a_resumed_run_has_them_too(project: Project) -> None:
    session = Session(experiment(50), project=project, view=VIEW, device="cpu", paused=True)
    with running(session):
        wait(lambda: (told := session.infos.take()) is not None and len(levels_of(told[1])) == 3)
    known = project.truth(session.run_id)
    assert known is not None and [title for title, _ in known.baselines][::2] == ["Gaussian", "Truth"]
    levels = dict(known.baselines)
    assert levels["Gaussian"] < levels["Truth"]
    resumed = Session(experiment(50), project=project, run=session.run_id, view=VIEW, device="cpu")
    assert resumed.run().state == "finished"
    again = resumed.infos.take()
    assert again is not None and levels_of(again[1]) == known.baselines


def test_a_short_run_has_its_baselines_at_its_end_and_one_that_nobody_sees_has_none(project: Project) -> None:
    seen = Session(experiment(3), project=project, view=VIEW, device="cpu")
    seen.run()
    known = project.truth(seen.run_id)
    assert known is not None and len(known.baselines) == 3
    for quiet in (Session(experiment(3), view=VIEW, device="cpu"), Session(experiment(3), view=VIEW, budget=0.0)):
        quiet.run()
        told = quiet.infos.take()
        assert told is not None and levels_of(told[1]) == ()


def test_a_picture_that_has_not_changed_is_written_once() -> None:
    written: list[int] = []

    class Disk:
        def save_frame(self, frame: Frame) -> None:
            written.append(frame.step)

    recorder = Recorder(cast(Project, Disk()), "run", lambda error: None, begun=True)
    first, second = (Frame("run", step, View((0.0, 1.0, 0.0, 1.0)), ()) for step in (1, 2))
    for frame in (first, first, second, second, first):
        recorder.frame(frame)
    assert written == [1, 2, 1]
