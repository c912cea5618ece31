"""The step loop of one run or of an ensemble of runs in one pass.

The trainer knows no window and no project.  It makes steps when asked, answers what was measured since the last time,
and can be put back to any of its checkpoints to the bit.  One thread owns it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.data.base import Dataset
from gmstudio.objectives import fit
from gmstudio.registry import SpecError
from gmstudio.runs import Experiment
from gmstudio.training import feed, record
from gmstudio.training.checkpoint import Checkpoint
from gmstudio.training.commands import Edit, SetData, SetRate, SetSchedule
from gmstudio.training.engines.agreement import agree
from gmstudio.training.engines.base import Block, Engine
from gmstudio.training.engines.eager import EagerEngine
from gmstudio.training.errors import NonFiniteLoss
from gmstudio.training.feed import Feed
from gmstudio.training.layout import Layout
from gmstudio.training.metric import Metric
from gmstudio.training.optimiser import Optimiser
from gmstudio.training.plans import Plans, check_edit, edit_to_plain, superseded
from gmstudio.training.validation import Best, likelihood, looked_at

__all__ = ["NonFiniteLoss", "Trainer"]

#: About as many points of the training curve are told, however long the run.
CURVE_POINTS = 2000
#: Points from which a model's statistics are found before the training begins.
FIRST_POINTS = 4096


class Trainer:
    """Trains the columns of an experiment side by side.

    Args:
        experiment: what to train.
        dataset: the points; built from the experiment where None.
        device: where to train, such as ``cpu`` or ``cuda:0``.

    Attributes:
        dataset: on the device, in the units of the data.
        model: E members, one for each column.
        step: steps made so far.
        steps: T, steps planned.
        stopped: for each column, whether early stopping has ended it.
        edits: (step, edit in plain values) of every edit so far.
        engine: what makes the steps; it may be exchanged between two calls of `advance`.

    Raises:
        SpecError: when the data or the model cannot be built, or the objective asks for what the model does not offer.
    """

    def __init__(self, experiment: Experiment, dataset: Dataset | None = None, *, device: str = "cpu") -> None:
        self.experiment = experiment
        self.device = torch.device(device)
        run, runs = experiment.run, experiment.runs()
        self.training = run.training
        self.seeds = [run.training.seed for run in runs]
        fit.check(run.objective, run.model)
        built = dataset if dataset is not None else run.data.build(run.training.seed)
        feed.check([own.mollification.by for own in runs], built)
        points = built.to_model(built.train).cpu()
        self.model = run.model.build(built.dim, self.seeds, points, built.shape).to(self.device)
        self.model.train()
        self.layout = Layout(self.model)
        self.optimiser = Optimiser(self.layout, self.training)
        self.best = Best(self.model, self.layout, self.training.patience)
        self._eager = EagerEngine(self.model, run.objective, self.layout, self.optimiser)
        self.engine: Engine = self._eager
        self.step, self.steps = 0, self.training.length(len(built.train))
        self.looks = 0
        self.stopped_at: list[int | None] = [None] * len(runs)
        self.edits: list[tuple[int, dict[str, Any]]] = []
        self._first_dataset = built
        self._width = max(1, self.steps // CURVE_POINTS)
        self._metrics: list[Metric] = []
        self.pending: NDArray[np.float32] = np.zeros((0, len(runs)), dtype=np.float32)
        self._begin()
        # Enough for a look before the first step, for which nobody waits long.
        self.model.refresh(self._feed.points[:FIRST_POINTS])

    def _begin(self) -> None:
        """Plan from the experiment alone, as if no edit had been made."""
        self._segment = 0
        self._use(self._first_dataset, 0)
        self._plans = Plans(self.experiment.runs(), self.steps, self._epoch)

    def _use(self, dataset: Dataset, start: int) -> None:
        """Draw batches from `dataset` from step `start` on."""
        self.dataset = dataset.to(self.device)
        self._volume = dataset.log_volume
        self._clean = looked_at(self.model, self.dataset.to_model(self.dataset.validation))
        draws = self.experiment.run.objective.draws(self.model)
        self._feed = Feed(self.dataset, self.seeds, self.training, draws, self._segment, start)
        self._epoch = self._feed.epoch
        self._block: Block | None = None

    # What others may ask.

    @property
    def finished(self) -> bool:
        """Whether all steps are made or every column has stopped early."""
        return self.step >= self.steps or all(self.stopped)

    @property
    def stopped(self) -> tuple[bool, ...]:
        """For each column, whether early stopping has ended it."""
        return tuple(at is not None for at in self.stopped_at)

    @property
    def plans(self) -> NDArray[np.float64]:
        """(E, T) noise variance of every step."""
        return self._plans.sigma2

    @property
    def by(self) -> tuple[str, ...]:
        """What each column is mollified by, ``noise`` or ``blur``."""
        return tuple(self._plans.by)

    @property
    def rates(self) -> NDArray[np.float64]:
        """(E, T) learning rate of every step."""
        return self._plans.rates

    @property
    def sigma2(self) -> NDArray[np.float64]:
        """(E,) noise variance of the next step; of the last one when there is no next."""
        return self._plans.sigma2[:, min(self.step, self.steps - 1)]

    @property
    def best_step(self) -> NDArray[np.int64]:
        """(E,) the step of the best validation likelihood so far."""
        return self.best.step.copy()

    def best_state(self) -> dict[str, Tensor]:
        """A copy of the weights with the best validation likelihood, by the names of the model's state."""
        return {name: tensor.detach().clone() for name, tensor in self.best.state().items()}

    @property
    def counters(self) -> dict[str, int]:
        """From which numbers the generators of the next step are seeded, beside the columns' seeds."""
        return {
            "segment": self._segment,
            "start": self._feed.start,
            "block": self._feed.number(self.step),
            "epoch": self._feed.epochs_done(self.step),
        }

    def batch(self, size: int) -> Tensor:
        """The first training points, mollified as the next step's batch will be, with noise that stays the same.

        Args:
            size: how many points at most.

        Returns:
            (E, size, D) float32 in the units of the data.
        """
        return self.dataset.to_data(self._feed.preview(size, self.sigma2, self._plans.by))

    # Steps.

    def advance(self, steps: int = 1) -> int:
        """Make up to `steps` steps, fewer at the end; the host waits for the device only to evaluate.

        Returns:
            How many were made.

        Raises:
            NonFiniteLoss: when a loss is found not to be finite.
        """
        first, goal = self.step, min(self.step + steps, self.steps)
        if not self.model.training:
            self.model.train()
        if self.looks == 0 and not self.finished:
            self._evaluate()
        while self.step < goal and not self.finished:
            block = self._current_block()
            offset = self.step - block.start
            every = self.training.evaluate_every or self._epoch
            n = min(goal - self.step, len(block.rates) - offset, every - self.step % every)
            # Other engines make steps of one size.
            engine = self.engine if self._is_full(block) else self._eager
            engine.step(block, offset, n)
            self.step += n
            if self.step - block.start == len(block.rates):
                self._read_losses()
            if self.step % every == 0 or self.step == self.steps:
                self._read_losses()
                self._evaluate()
        return self.step - first

    def some_entry(self) -> tuple[Tensor, ...]:
        """What an engine is given for one step, as `Block.entry`; read only."""
        return self._full_block().entry(0)

    def _is_full(self, block: Block) -> bool:
        return block.x.shape[2] == self.training.batch

    def _full_block(self) -> Block:
        """The block of the next step, or the first of all where that one is the smaller end of an epoch."""
        block = self._current_block()
        return block if self._is_full(block) else self._feed.block(self._feed.start, self._plans)

    def agrees(self, engine: Engine, steps: int = 3) -> bool:
        """Whether another engine makes the next steps as the present one does; the state stays as it is, to the bit.

        Args:
            engine: made for this trainer.
            steps: how many are compared, fewer at the end of a block of batches.
        """
        if self.finished:
            return True
        block = self._full_block()
        if not self._is_full(block):
            return False
        first = self.step - block.start if block is self._block else 0
        return agree((self.engine, engine), block, first, steps, self.layout, self.optimiser)

    def _current_block(self) -> Block:
        block = self._block
        if block is None or not block.start <= self.step < block.start + len(block.rates):
            block = self._block = self._feed.block(self.step, self._plans)
            self._read = self.step
        return block

    # What is measured.

    def drain(self) -> list[Metric]:
        """The metrics since the last call, oldest first.

        ``train`` is the mean over a few steps of minus the loss, ``validation`` the likelihood of clean points that
        were never trained on; both in nats per point in the units of the data.

        Raises:
            NonFiniteLoss: when a loss is found not to be finite.
        """
        self._read_losses()
        found, self._metrics = self._metrics, []
        return found

    def _read_losses(self) -> None:
        """Fetch the losses of the steps since the last time."""
        if self._block is None or self._read >= self.step:
            return
        start = self._block.start
        rows: NDArray[np.float32] = self._block.losses[self._read - start : self.step - start].cpu().numpy()
        moving = ~np.array(self.stopped)
        wrong = np.argwhere(~np.isfinite(rows) & moving)
        if len(wrong):
            raise NonFiniteLoss(self._read + int(wrong[0, 0]) + 1, int(wrong[0, 1]))
        self._read = self.step
        rows = np.concatenate([self.pending, rows])
        first, whole = self.step - len(rows), len(rows) - self.untold(self.step)
        for begin in range(0, whole, self._width):
            window = rows[begin : min(begin + self._width, whole)]
            self._tell_training(first + begin + len(window), window.mean(axis=0, dtype=np.float64))
        self.pending = rows[whole:].copy()

    def _tell_training(self, step: int, losses: NDArray[np.float64]) -> None:
        for column, loss in enumerate(losses):
            at = self.stopped_at[column]
            if at is not None and step > at:
                continue
            self._metrics += [
                Metric(step, column, "train", -float(loss) - self._volume),
                Metric(step, column, "sigma2", float(self._plans.sigma2[column, step - 1])),
                Metric(step, column, "rate", float(self._plans.rates[column, step - 1])),
            ]

    def refresh(self) -> None:
        """Bring up to date what the model's evaluation needs beside its weights, from the clean training points."""
        self.model.refresh(self._feed.points)

    def test(self) -> list[Metric]:
        """The likelihood of the test points at the present step; empty where there are none.

        ``test`` with the present weights and ``test_best`` with those of the best validation likelihood, in nats per
        point in the units of the data, and both again, ending in ``_standardised``, in the units of the model.
        """
        if self.dataset.test is None or not len(self.dataset.test):
            return []
        points = self.dataset.to_model(self.dataset.test)
        self.refresh()
        found = {"test": likelihood(self.model, points), "test_best": self.best.measure(points)}
        return [
            Metric(self.step, column, name + ending, float(value) - volume)
            for name, values in found.items()
            for ending, volume in (("", self._volume), ("_standardised", 0.0))
            for column, value in enumerate(values)
            if np.isfinite(value)
        ]

    def _evaluate(self) -> None:
        self.refresh()
        values = likelihood(self.model, self._clean)
        self.looks += 1
        for column, value in enumerate(values):
            if np.isfinite(value) and not self.stopped[column]:
                self._metrics.append(Metric(self.step, column, "validation", float(value) - self._volume))
        ended = self.best.look(self.step, values, self.stopped)
        for column in ended:
            self.stopped_at[column] = self.step
            self._plans.stop(column, self.step)
        if ended:
            self.optimiser.hold(self.stopped)
            self._forget_block()

    def _forget_block(self) -> None:
        """The plan has changed: the block must be made anew before the next step."""
        self._read_losses()
        self._block = None

    def untold(self, step: int) -> int:
        """How many losses wait, after `step` steps, for the rest of their part of the training curve."""
        return 0 if step == self.steps else step % self._width

    # Edits.

    def apply(self, edit: Edit) -> None:
        """Plan what is left anew; what happened stays.

        Raises:
            SpecError: when the edit cannot be made; nothing is changed then.
            NonFiniteLoss: when a loss is found not to be finite.
        """
        if self.finished:
            raise SpecError("The training has ended.", "Start a new run.", "edit")
        check_edit(edit, self.stopped)
        dataset = self.build_data(edit) if isinstance(edit, SetData) else None
        by = [edit.schedule.by] if isinstance(edit, SetSchedule) else self._plans.by
        feed.check(by, dataset or self.dataset)
        self._forget_block()
        if dataset is not None:
            # Drawings are large and come often: of data that are replaced, only their number is kept.
            self.edits = [(step, superseded(plain, len(self._feed.points))) for step, plain in self.edits]
            self.best.forget()
        self._change(edit, self.step, dataset)
        self.edits.append((self.step, edit_to_plain(edit)))

    def _change(self, edit: Edit | int, step: int, dataset: Dataset | None) -> None:
        """Make an edit at `step`; a number stands for data that others have replaced since."""
        if isinstance(edit, SetSchedule):
            self._plans.set_schedule(edit.column, edit.schedule, step, self._epoch)
        elif isinstance(edit, SetRate):
            self._plans.set_rate(edit.column, edit.rate, step)
        else:
            self._segment += 1
            if isinstance(edit, int):
                self._epoch = self.training.epoch(edit)
            elif dataset is not None:
                self._use(dataset, step)

    def build_data(self, edit: SetData) -> Dataset:
        """The points of an edit, in the standardisation of the first; see `feed.exchanged`."""
        return feed.exchanged(self._first_dataset, edit.data.build(self.training.seed))

    # Keeping.

    def checkpoint(self) -> Checkpoint:
        """Everything that the next step depends on.

        Raises:
            NonFiniteLoss: when the weights are not finite; they are not worth keeping.
        """
        self._read_losses()
        self.refresh()
        return record.save(self)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go on from a checkpoint of this experiment, to the bit.

        Raises:
            CheckpointError: when it belongs to something else or is damaged; nothing is changed then.
        """
        state = record.check(self, checkpoint)
        self._begin()
        for step, edit in state.edits:
            self._change(edit, step, state.dataset)
        for column, at in enumerate(state.stopped_at):
            if at is not None:
                self._plans.stop(column, at)
        record.load(self, checkpoint, state)
        self.optimiser.hold(self.stopped)
        self._metrics = []
        self._block = None
