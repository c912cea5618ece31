"""Sessions that show what a run would begin with, and train nothing."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from gmstudio import runs
from gmstudio.observation.frame import Frame, RunInfo, Truth, View
from gmstudio.sessions import Look, Outcome, Preview, Session, preview
from gmstudio.training.commands import Stop
from gmstudio.training.trainer import Trainer


def experiment(engine: str = "eager", **model: object) -> runs.Experiment:
    run = runs.run_from_plain(
        {
            "data": {"kind": "two-moons", "size": 400},
            "model": {"kind": "real-nvp", "blocks": 2, "hidden": 8, **model},
            "mollification": {"kind": "sigmoid"},
            "training": {"steps": 60, "batch": 32, "threads": 1, "engine": engine},
        }
    )
    return runs.twins(run)


class Watcher:
    """What a preview has told so far."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.frames: list[Frame] = []
        self.infos: list[tuple[RunInfo, Truth | None]] = []
        self.outcomes: list[Outcome] = []

    def look(self) -> Watcher:
        """Take what is new."""
        frame, info = self.session.frames.take(), self.session.infos.take()
        self.frames += [frame] if frame is not None else []
        self.infos += [info] if info is not None else []
        return self

    def until(self, condition: Callable[[Watcher], bool]) -> None:
        """Look until something is so."""
        end = time.monotonic() + 60
        while not condition(self.look()):
            assert time.monotonic() < end, "nothing happened"
            assert not self.outcomes, self.outcomes
            time.sleep(0.005)


@contextmanager
def running(session: Session) -> Iterator[Watcher]:
    watcher = Watcher(session)
    thread = threading.Thread(target=lambda: watcher.outcomes.append(session.run()))
    thread.start()
    try:
        yield watcher
    finally:
        session.post(Stop())
        thread.join(60)
        assert not thread.is_alive()


def sharp(watcher: Watcher) -> bool:
    return bool(watcher.frames) and watcher.frames[-1].age == 0


def told(watcher: Watcher) -> bool:
    return bool(watcher.infos) and bool((truth := watcher.infos[-1][1]) and truth.baselines)


def test_it_comes_to_show_what_a_run_begins_with() -> None:
    session = Preview(experiment())
    with running(session) as watcher:
        watcher.until(sharp)
        watcher.until(told)
        weights = session._trainer.layout.values.clone()
    seen = watcher.frames[-1]
    run = Session(experiment(), device="cpu", view=seen.view, paused=True)
    with running(run) as other:
        other.until(sharp)
    assert torch.equal(weights, run._trainer.layout.values)
    for mine, its in zip(seen.columns, other.frames[-1].columns, strict=True):
        for part in ("log_density", "score", "samples", "batch"):
            # The pictures are computed in chunks, whose sizes change the rounding.
            np.testing.assert_allclose(getattr(mine, part), getattr(its, part), rtol=1e-4, atol=1e-5, err_msg=part)
    info, truth = watcher.infos[-1]
    np.testing.assert_array_equal(info.plans, other.infos[-1][0].plans)
    np.testing.assert_array_equal(info.data, other.infos[-1][0].data)
    assert truth is not None and truth.log_density is not None and truth.score is not None
    assert seen.step == 0 and watcher.outcomes[0].state == "stopped" and watcher.outcomes[0].problem is None


def test_it_makes_no_step_and_compiles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from gmstudio.training.engines.choice import Choice

    def refuse(*_: object) -> None:
        raise AssertionError("a preview trains nothing")

    monkeypatch.setattr(Trainer, "advance", refuse)
    monkeypatch.setattr(Choice, "insist", refuse)
    with running(Preview(experiment(engine="compiled"))) as watcher:
        watcher.until(sharp)
        watcher.until(told)


def test_pictures_are_refined_little_by_little_also_when_it_looks_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    from gmstudio.observation.observer import Observer

    def refuse(self: Observer) -> None:
        raise AssertionError("nothing may be computed in one go")

    monkeypatch.setattr(Observer, "complete", refuse)
    closer = View(bounds=(0.0, 1.0, 0.0, 1.0), grid=16, arrows=4, samples=50, batch=10)
    session = Preview(experiment())
    with running(session) as watcher:
        watcher.until(sharp)
        session.post(Look(closer, frozenset({"log_density"})))
        watcher.until(lambda w: sharp(w) and w.frames[-1].view == closer)
    column = watcher.frames[-1].columns[0]
    assert column.log_density is not None and column.log_density.shape == (16, 16) and column.samples is None


def test_one_that_is_told_to_stop_at_once_builds_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[bool] = []
    monkeypatch.setattr(preview.Preview, "_watch", lambda self: built.append(True))
    session = Preview(experiment())
    session.post(Stop())
    outcome = session.run()
    assert (outcome.state, outcome.problem, built) == ("stopped", None, [])


def test_a_big_model_is_not_built_unasked() -> None:
    made: list[int] = []

    class Counted(Preview):
        def _check(self, parameters: int) -> None:
            made.append(parameters)
            super()._check(parameters)

    outcome = Counted(experiment(blocks=64, hidden=2048, layers=8)).run()
    assert outcome.state == "stopped" and outcome.problem is not None
    assert "10 million parameters" in outcome.problem.what and "Space" in outcome.problem.remedy
    # Given up at the first layer that is too much: one layer has 2 x 2048 x 2048 weights.
    assert max(made) <= preview.MOST_PARAMETERS + 2 * 2048 * 2049


def test_its_models_are_freed_at_its_end_without_the_garbage_collector() -> None:
    gc.disable()
    try:
        session = Preview(experiment())
        with running(session) as watcher:
            watcher.until(sharp)
            kept = [weakref.ref(session._trainer.model), weakref.ref(session._observer._shadow)]
            assert all(found() is not None for found in kept)
        assert [found() for found in kept] == [None, None]
    finally:
        gc.enable()


def test_models_that_are_made_elsewhere_do_not_count() -> None:
    counted: list[int] = []
    entered, left = threading.Event(), threading.Event()

    def count() -> None:
        with preview._counting(counted.append):
            torch.nn.Linear(3, 4)
            entered.set()
            left.wait(60)

    thread = threading.Thread(target=count)
    thread.start()
    assert entered.wait(60)
    torch.nn.Linear(100, 100)
    left.set()
    thread.join(60)
    torch.nn.Linear(100, 100)
    assert counted == [12, 16]


def test_a_card_that_cannot_be_built_has_the_same_problem_as_a_run() -> None:
    run = runs.run_from_plain({"data": {"kind": "drawing"}, "model": {"kind": "real-nvp"}})
    shown, trained = Preview(runs.single(run)).run(), Session(runs.single(run), device="cpu").run()
    assert shown.state == "failed"
    assert shown.problem is not None
    assert shown.problem == trained.problem
