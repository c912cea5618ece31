"""The half of a session that looks: frames, truths and numbers, on the screen and on the record."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from gmstudio.errors import RefusedError
from gmstudio.observation.frame import Frame, Metric, RunInfo, Truth, View
from gmstudio.sessions.clock import Clock
from gmstudio.sessions.outbox import Outbox
from gmstudio.sessions.recorder import Recorder

if TYPE_CHECKING:
    from gmstudio.observation.inception import Inception
    from gmstudio.observation.observer import Observer
    from gmstudio.training.trainer import Trainer

#: Seconds of observing between two looks at the queue of commands while the run holds.
REST_SECONDS = 0.02
#: Seconds that a step of a run which is slowed down so that each can be seen waits for its pictures.
STEP_SECONDS = 0.5
#: Seconds between two pictures while they are refined, at least: the window has its own work.
PICTURE_SECONDS = 0.1


class Watching:
    """Observes the run of a session, which has these parts and more."""

    run_id: str
    _view: View
    _wants: frozenset[str]
    _budget: float
    _hold: bool
    _paused: bool
    _stop: bool
    _drawn: bool
    #: Whether the pictures show the step at which the run holds.
    _settled: bool
    _out: Outbox
    _recorder: Recorder
    _clock: Clock
    _info: RunInfo | None
    _frame: Frame | None
    _trainer: Trainer
    _features: Path | None
    _inception: Inception | None
    _observer: Observer

    def _obey(self, block: bool) -> None:
        """Do what others have asked for."""
        raise NotImplementedError

    def _read_features(self) -> Inception | None:
        """The network that the person has given; where its file is refused, they are told why, and none."""
        if self._features is None:
            return None
        import torch

        from gmstudio.observation import inception
        from gmstudio.training.problems import Problem

        try:
            return inception.read(self._features).to(torch.device(self._trainer.device))
        except RefusedError as error:
            remedy = f"{error.remedy} This run is measured in the features of a classifier."
            self._out.problems.put(Problem("FID’s features cannot be had", error.message, remedy))
            return None

    def _watch(self) -> None:
        """Observe the trainer's present data."""
        from gmstudio.observation.observer import Observer

        self._drawn = False
        # Found where somebody sees them: on the record, or in the window.
        baselines = self._budget > 0 and (self._recorder.on or self._hold)
        self._observer = Observer(
            self.run_id, self._trainer, self._view, self._wants, baselines=baselines, inception=self._inception
        )
        self._show_info()

    def _show_info(self) -> None:
        """Tell data and plans; the truth follows when it is computed."""
        info = self._observer.info()
        self._info = info
        self._out.infos.put((info, None))
        self._recorder.info(info)

    def _show_truth(self, truth: Truth | None) -> None:
        if truth is None:
            return
        assert self._info is not None
        self._out.infos.put((self._info, truth))
        self._recorder.truth(truth)

    def _rested(self) -> bool:
        """Use a rest to compute what is not up to date yet, a little at a time; whether nothing is left to do."""
        if not self._settled:
            if self._settle(REST_SECONDS) and self._paused:
                self._recorder.frame(self._frame)
            return False
        if self._budget <= 0 or self._observer.idle:
            return True
        self._observer.work(REST_SECONDS)
        self._show_truth(self._observer.new_truth())
        self._collect()
        return False

    def _settle(self, seconds: float) -> bool:
        """For so long, bring the pictures up to the present step; show them when they are, or are due.

        Returns:
            Whether they are.
        """
        self._settled = self._observer.settle(seconds)
        if self._settled or seconds > REST_SECONDS or self._clock.due("picture", PICTURE_SECONDS):
            self._picture(complete=False)
        return self._settled

    def _show_step(self) -> None:
        """Bring the pictures up to the step, unless somebody wants something else or it takes very long."""
        self._settled = False
        end = time.perf_counter() + STEP_SECONDS
        while time.perf_counter() < end:
            settled = self._settle(REST_SECONDS)
            self._obey(block=False)
            if settled or self._stop or self._paused:
                return
        self._picture(complete=False)

    def _picture(self, complete: bool) -> None:
        frame = self._observer.complete() if complete else self._observer.frame()
        if frame is not None:
            self._frame = frame
            self._out.frames.put(frame)

    def _collect(self) -> None:
        """Take the new metrics from trainer and observer."""
        self._tell(self._trainer.drain() + self._observer.drain())

    def _tell(self, found: list[Metric]) -> None:
        self._out.tell(found)
        self._recorder.remember(found)
