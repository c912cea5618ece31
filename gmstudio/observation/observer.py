"""Looks at a run in training: little by little, within a budget, and without touching it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from gmstudio.observation.baselines import Baselines
from gmstudio.observation.exact import ExactGrids
from gmstudio.observation.frame import ColumnFrame, Frame, Metric, RunInfo, Truth, View
from gmstudio.observation.image_metrics import described
from gmstudio.observation.latent_parts import latent_parts
from gmstudio.observation.meters import Meters
from gmstudio.observation.neighbours import NeighboursPart
from gmstudio.observation.pace import Pace
from gmstudio.observation.parts import (
    BatchPart,
    DensityPart,
    Fields,
    OutlierPart,
    Part,
    PathPart,
    SamplesPart,
    ScorePart,
)
from gmstudio.observation.plane import framing
from gmstudio.observation.shadow import Shadow, sealed
from gmstudio.observation.spaces import labels_shown, shown_rows, space_of

if TYPE_CHECKING:
    from gmstudio.observation.inception import Inception
    from gmstudio.training.trainer import Trainer

#: Every part of a frame but the outliers, which are sought only where somebody asks for them.
ALL_PARTS = frozenset({"log_density", "score", "samples", "batch", "path"})
#: Most points a side of the density on a plane through images: a point costs a hundred times as much as in the plane.
IMAGE_GRID = 64
#: How much more of the time the truth gets than a part of the frame: it is computed once, and then it stays.
TRUTH_SHARE = 6.0
#: The same for metrics: until the first are there, and from then on.
FIRST_SHARE, METRICS_SHARE = 3.0, 0.3
#: The same for the baselines, which take 0.2 s in all, once; and for those of tables, which may take ten times as long
#: and must not keep the first pictures waiting.
BASELINES_SHARE, TABLE_SHARE = 2.0, 0.4


class _Task:
    """A source of chunks that is served in proportion to its share of the time; first while it is urgent."""

    def __init__(
        self,
        share: float,
        source: Callable[[], Iterator[Pace]],
        idle: Callable[[], bool],
        urgent: Callable[[], bool] = lambda: False,
    ) -> None:
        self.share = share
        self.idle = idle
        self.urgent = urgent
        self.served = 0.0
        self._source = source
        self._running: Iterator[Pace] | None = None

    @property
    def waiting(self) -> bool:
        """Whether it has something to compute."""
        return self._running is not None or not self.idle()

    def drop(self) -> None:
        """Forget chunks under way: what they would bring is older than what is there."""
        self._running = None

    def advance(self, clock: Callable[[], float]) -> None:
        """Compute one chunk."""
        began = clock()
        if self._running is None:
            self._running = self._source()
        pace = next(self._running, None)
        spent = clock() - began
        if pace is None:
            self._running = None
        else:
            pace.note(spent)
        self.served += spent / self.share


class Observer:
    """Computes frames and metrics of a trainer's model, in chunks of a few milliseconds.

    Everything is evaluated on copies of the weights, with generators of its own: observing changes no bit of the
    training.  All calls come from the thread of the trainer.

    Args:
        run: id of the run, for its frames.
        trainer: what is observed.
        view: what panels see.
        wants: which parts of a frame are visible; nothing is computed for the others.
        baselines: whether to find the levels to compare likelihoods with, too.
        inception: in whose features images are measured; None for those of a classifier of the data.
        clock: seconds, rising.
    """

    def __init__(
        self,
        run: str,
        trainer: Trainer,
        view: View,
        wants: frozenset[str] = ALL_PARTS,
        *,
        baselines: bool = False,
        inception: Inception | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._run = run
        self._trainer = trainer
        self._clock = clock
        self._view = view
        self._wants = wants
        self._shadow = Shadow(trainer.model, trainer.dataset, trainer.device)
        self._parts: dict[str, Part] = {}
        self._tasks: dict[str, _Task] = {}
        self._exact = ExactGrids(trainer.dataset)
        self._baselines = Baselines(trainer.dataset) if baselines else None
        self._told: Truth | None = None
        self._meters = Meters(trainer, inception)
        self._inception = inception
        self._seen: tuple[View, frozenset[str]] | None = None
        self._frames_cost = 0.0
        self._served = 0.0
        self._arrange(None)

    def ask(self, view: View, wants: frozenset[str]) -> None:
        """See something else from now on; what is the same in both views is kept, the rest starts over."""
        before, self._view, self._wants = self._view, view, wants
        self._arrange(before)

    def work(self, seconds: float) -> float:
        """Compute for about `seconds`: whole chunks, at least one if there is anything to do and `seconds` > 0.

        Returns:
            s spent, the time that `frame` took since the last call included; the caller keeps the balance.
        """
        began = self._clock()
        self._shadow.follow(self._trainer.model, self._trainer.step)
        self._serve(self._tasks.values(), began + seconds)
        cost, self._frames_cost = self._frames_cost, 0.0
        return self._clock() - began + cost

    def settle(self, seconds: float) -> bool:
        """Compute for about `seconds` what the pictures of the present step lack, and nothing else.

        Returns:
            Whether they lack nothing any more, so that `frame` gives what `complete` would.
        """
        began, step = self._clock(), self._trainer.step
        if step != self._shadow.step:
            for name in self._parts:
                self._tasks[name].drop()
        self._shadow.follow(self._trainer.model, step)
        self._serve([self._tasks[name] for name in self._parts], began + seconds)
        return all(part.fresh(step) for part in self._parts.values())

    def _serve(self, tasks: Collection[_Task], end: float) -> None:
        """Advance the tasks, each in proportion to its share, until they are done or it is later than `end`."""
        while self._clock() < end:
            waiting = [task for task in tasks if task.waiting]
            if not waiting:
                break
            # What one looks at since the run began, or since one looked elsewhere, must not wait for numbers.
            task = min([one for one in waiting if one.urgent()] or waiting, key=lambda one: one.served)
            # A task that had nothing to do for a while does not get that time back.
            task.served = max(task.served, self._served)
            self._served = task.served
            task.advance(self._clock)

    def close(self) -> None:
        """Compute no more; nothing that it holds waits for the garbage collector."""
        self._tasks.clear()
        self._parts.clear()

    @property
    def idle(self) -> bool:
        """Whether everything is up to date, so that `work` would do nothing."""
        return not any(task.waiting for task in self._tasks.values())

    def frame(self) -> Frame | None:
        """A new frame if any part was refreshed since the last one, or if another was asked for; else None."""
        asked = (self._view, self._wants)
        # A part of which too little is there to be shown has changed without there being anything new.
        new = [part.picture() for part in self._parts.values() if part.changed]
        if not any(new) and (asked == self._seen or not any(part.picture() for part in self._parts.values())):
            return None
        self._seen = asked
        return self._made()

    def complete(self) -> Frame:
        """A frame of which every part is computed with the weights of the present step."""
        step = self._trainer.step
        self._shadow.follow(self._trainer.model, step)
        for name, part in self._parts.items():
            self._tasks[name].drop()
            while not part.fresh(step):
                for _ in part.refresh():
                    pass
        self._seen = (self._view, self._wants)
        return self._made()

    def drain(self) -> list[Metric]:
        """The metrics that were done since the last call, oldest first."""
        done = self._meters.drain()
        if done:
            self._tasks["metrics"].share = METRICS_SHARE
        return done

    def measure(self, go_on: Callable[[int, int], bool] = lambda done, total: True) -> list[Metric]:
        """All metrics at the present step, on the full reference sets.

        Args:
            go_on: see `Meters.measure`.
        """
        self._tasks["metrics"].drop()
        return self._meters.measure(go_on)

    def info(self) -> RunInfo:
        """What panels need to know before the first frame."""
        trainer, dataset = self._trainer, self._trainer.dataset
        centres = None if dataset.modes is None else sealed(dataset.modes.centres.cpu().numpy())
        model = trainer.model
        titles: tuple[str, ...] = getattr(model, "path_titles", ()) if "path" in model.can else ()
        data = sealed(shown_rows(dataset).float().cpu().numpy())
        space = space_of(dataset)
        bounds = dataset.bounds if space is None else framing(space.principal_plane().project(data))
        return RunInfo(
            run=self._run,
            titles=tuple(column.title for column in trainer.experiment.columns),
            steps=trainer.steps,
            device=str(trainer.device),
            data=data,
            bounds=bounds,
            plans=np.array(trainer.plans, dtype=np.float64),
            mode_centres=centres,
            manifold=dataset.manifold,
            path_titles=tuple(titles),
            space=space,
            estimator=model.estimator,
            pictured=self._shadow.pictured,
            latent=self._shadow.latent,
            picture=dataset.picture,
            labels=labels_shown(dataset),
            label_names=dataset.label_names,
            features=described(dataset, self._inception),
            by=trainer.by if "blur" in trainer.by else (),
        )

    def truth(self) -> Truth:
        """All that is known of the data on the grids of the view, computed now; what was computed once is kept."""
        if self._baselines is not None:
            for _ in self._baselines.compute():
                pass
        return self._known()

    def new_truth(self) -> Truth | None:
        """The truth of the view once it is computed, and again with its baselines; None until then, and where told."""
        if not self._exact.known(self._view):
            return None
        truth, told = self._known(), self._told
        if told is not None and self.told and told.baselines == truth.baselines:
            return None
        self._told = truth
        return truth

    @property
    def told(self) -> bool:
        """Whether the exact grids of the view were told."""
        return self._told is not None and not self._exact.other(self._told.view, self._view)

    def _known(self) -> Truth:
        levels = self._baselines.levels if self._baselines is not None else None
        return replace(self._exact.finished(self._view), baselines=levels or ())

    def _arrange(self, before: View | None) -> None:
        """Make the parts that are wanted, keep those that stay, drop the rest, and stop chunks under way."""
        view, old, running = self._view, self._parts, self._tasks
        self._parts, self._tasks = {}, {}
        for name, key, make in self._possible():
            if before is not None and name in old and key(before) == key(view):
                self._parts[name], self._tasks[name] = old[name], running[name]
            else:
                part = self._parts[name] = make()
                self._tasks[name] = _Task(part.share, part.refresh, self._idle(part), self._urgent(part))
        if before is not None and not self._exact.other(before, view):
            self._tasks["truth"] = running["truth"]
        else:
            self._tasks["truth"] = _Task(
                TRUTH_SHARE, lambda: self._exact.compute(view), lambda: self._exact.known(view)
            )
        if (baselines := self._baselines) is not None:
            share = BASELINES_SHARE if self._trainer.dataset.dim <= 2 else TABLE_SHARE
            self._tasks["baselines"] = running.get("baselines") or _Task(
                share, baselines.compute, lambda: baselines.levels is not None
            )
        metrics = running.get("metrics")
        first = FIRST_SHARE if self._trainer.dataset.dim <= 2 else TABLE_SHARE
        self._tasks["metrics"] = metrics or _Task(first, self._meters.round, lambda: self._meters.idle)
        for task in self._tasks.values():
            task.served = 0.0
        self._served = 0.0

    def _idle(self, part: Part) -> Callable[[], bool]:
        return lambda: part.fresh(self._shadow.step)

    def _urgent(self, part: Part) -> Callable[[], bool]:
        """Whether a part shows nothing but what was there when it was asked for."""
        since = self._trainer.step
        return lambda: part.newest <= since

    def _possible(self) -> Iterator[tuple[str, Callable[[View], object], Callable[[], Part]]]:
        """Name, what of a view it depends on, and maker of every part that is wanted and that can be had."""
        view, wants, shadow = self._view, self._wants, self._shadow
        dataset = self._trainer.dataset
        dim = dataset.dim
        # Grids of points, which data of more columns have on a plane only.
        flat = view.plane is None if dim == 2 else view.plane is not None and view.plane.dim == dim
        if flat and "log_density" in wants and view.grid and "log_prob" in shadow.can:
            side = view.grid if dataset.picture is None else min(view.grid, IMAGE_GRID)
            yield (
                "log_density",
                lambda v: (v.bounds, v.grid, v.plane),
                lambda: DensityPart(shadow, view, side, self._pace()),
            )
        if "samples" in wants and view.samples and "sample" in shadow.can:
            yield "samples", lambda v: v.samples, lambda: SamplesPart(shadow, view, dataset, self._pace())
        if "neighbours" in wants and view.neighbours and dataset.picture is not None and "sample" in shadow.can:
            yield (
                "neighbours",
                lambda v: (v.neighbours, v.samples),
                lambda: NeighboursPart(shadow, view, dataset, self._pace()),
            )
        yield from latent_parts(shadow, dataset, view, wants, self._pace)
        if flat and "score" in wants and view.arrows and "score" in shadow.can:
            yield "score", lambda v: (v.bounds, v.arrows, v.plane), lambda: ScorePart(shadow, view, self._pace())
        if "batch" in wants and view.batch:
            yield "batch", lambda v: v.batch, lambda: BatchPart(self._trainer, view)
        if "outliers" in wants and "log_prob" in shadow.can:
            yield "outliers", lambda v: None, lambda: OutlierPart(shadow, dataset, self._pace())
        probe = view.probe
        if dim == 2 and "path" in wants and probe is not None and "path" in shadow.can:
            yield "path", lambda v: v.probe, lambda: PathPart(shadow, probe)

    def _pace(self) -> Pace:
        # Launching kernels costs a GPU more than rows do.
        if self._trainer.device.type == "cuda":
            return Pace(rows=16_384, most=131_072)
        # A row of an image is much work.
        return Pace() if self._trainer.dataset.picture is None else Pace(rows=64, least=8)

    def _made(self) -> Frame:
        began = self._clock()
        step = self._trainer.step
        pictures: Fields = {}
        for part in self._parts.values():
            pictures |= part.picture() or {}
        sigma2 = self._trainer.sigma2
        columns = tuple(
            ColumnFrame(
                sigma2=float(sigma2[column]),
                **{name: found[column] for name, found in pictures.items()},
            )
            for column in range(len(sigma2))
        )
        # A picture that is still coarse is at least one step old.
        ages = tuple(
            (name, step - part.oldest if part.oldest >= 0 else max(1, step))
            for part in self._parts.values()
            if part.oldest != step
            for name in part.names
        )
        frame = Frame(self._run, step, self._view, columns, max((age for _, age in ages), default=0), ages)
        self._frames_cost += self._clock() - began
        return frame
