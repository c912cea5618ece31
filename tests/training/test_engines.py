"""Every engine makes the steps that the eager one makes, and the faster one is kept."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio import registry, runs
from gmstudio.mollification.base import ScheduleSpec
from gmstudio.registry import SpecError
from gmstudio.training.commands import SetRate, SetSchedule
from gmstudio.training.engines import builds, choice, compiled, compiler, products
from gmstudio.training.engines.base import Block
from gmstudio.training.engines.builds import Builds, Request
from gmstudio.training.engines.choice import Choice
from gmstudio.training.engines.compiled import CompiledEngine
from gmstudio.training.engines.graph import GraphEngine
from gmstudio.training.engines.program import Program, buffer_names, trace
from gmstudio.training.errors import NonFiniteLoss
from gmstudio.training.trainer import Trainer

SMALL = {"kind": "real-nvp", "blocks": 2, "hidden": 8, "layers": 1}
FLOWS: dict[str, dict[str, Any]] = {
    "real-nvp": SMALL,
    "maf": {"kind": "maf", "blocks": 2, "hidden": 8, "layers": 1},
    "glow": {"kind": "glow", "blocks": 1, "hidden": 8, "layers": 1},
    "spline": {"kind": "spline", "blocks": 2, "hidden": 8, "layers": 1},
    "normalised": {"kind": "maf", "blocks": 2, "hidden": 8, "layers": 1, "normalise": "batch"},
}


def twins(model: dict[str, Any] = SMALL, **training: Any) -> runs.Experiment:
    settings = {"steps": 400, "batch": 64, "rate": 3e-3, "evaluate_every": 50, **training}
    plain = {"data": {"kind": "two-moons"}, "model": model, "mollification": {"kind": "sigmoid"}, "training": settings}
    return runs.twins(runs.run_from_plain(plain))


def losses(trainer: Trainer, steps: int) -> NDArray[np.float64]:
    """The loss of every step, one row for each."""
    rows = []
    for _ in range(steps):
        trainer.advance(1)
        told = [metric.value for metric in trainer.drain() if metric.name == "train"]
        rows.append(told)
    return np.array(rows)


def use_program(monkeypatch: pytest.MonkeyPatch, trainer: Trainer) -> CompiledEngine:
    """A compiled engine whose function is the uncompiled program: the same operations, one after another."""
    run = trainer.experiment.run
    points = torch.randn(512, trainer.dataset.dim, generator=torch.Generator().manual_seed(5))
    model = run.model.build(trainer.dataset.dim, [99, 98], points).train()
    program = Program(model, run.objective, run.training)
    monkeypatch.setattr(compiled, "Library", lambda package: lambda inputs: program(*inputs))
    return CompiledEngine(Path("none"), trainer.model, trainer.layout, trainer.optimiser)


@pytest.mark.parametrize("name", FLOWS)
def test_the_program_of_every_flow_makes_the_steps_of_the_eager_engine(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    eager, other = Trainer(twins(FLOWS[name])), Trainer(twins(FLOWS[name]))
    other.engine = use_program(monkeypatch, other)
    np.testing.assert_allclose(losses(other, 20), losses(eager, 20), atol=2e-4)


@pytest.mark.parametrize(
    "training",
    [
        {"optimiser": "adam", "weight_decay": 0.1},
        {"optimiser": "adamw", "weight_decay": 0.1},
        {"optimiser": "adam", "clip": 0.05},
        {"decay": "cosine", "steps": 60},
    ],
    ids=["l2", "decoupled", "clipped", "cosine"],
)
def test_the_program_steps_as_every_setting_of_the_optimiser_says(
    training: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    eager, other = Trainer(twins(**training)), Trainer(twins(**training))
    other.engine = use_program(monkeypatch, other)
    np.testing.assert_allclose(losses(other, 20), losses(eager, 20), atol=2e-4)
    np.testing.assert_allclose(other.layout.values, eager.layout.values, atol=2e-4)
    assert torch.equal(other.optimiser.counts, eager.optimiser.counts)


def test_a_column_that_has_stopped_keeps_its_weights_on_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = Trainer(twins())
    trainer.engine = use_program(monkeypatch, trainer)
    trainer.advance(3)
    trainer.optimiser.hold([True, False])
    before = trainer.layout.values.clone()
    trainer.advance(3)
    assert torch.equal(trainer.layout.values[0], before[0])
    assert not torch.equal(trainer.layout.values[1], before[1])
    assert trainer.optimiser.counts.tolist() == [3.0, 6.0]


@pytest.mark.parametrize("name", FLOWS)
def test_the_traced_step_holds_no_numbers_of_a_model(name: str) -> None:
    run = twins(FLOWS[name]).run
    points = torch.randn(512, 2, generator=torch.Generator().manual_seed(5))
    program = Program(run.model.build(2, [1], points).train(), run.objective, run.training)
    inputs = program.example(64, 2)
    graph = trace(program, inputs)
    constants = [value for value in vars(graph).values() if isinstance(value, Tensor) and value.numel() > 4]
    assert not constants
    assert len(inputs) == 8 + len(buffer_names(program._loss.model))


@pytest.mark.skipif(bool(builds.obstacle()), reason=f"no compiler: {builds.obstacle()}")
def test_a_compiled_step_is_built_in_a_process_of_its_own_and_makes_the_eager_trajectory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GMSTUDIO_ENGINE")
    eager, other = Trainer(twins(FLOWS["glow"])), Trainer(twins(FLOWS["glow"]))
    Choice(other, "compiled").insist(lambda: False)
    assert other.engine.name == "compiled"
    np.testing.assert_allclose(losses(other, 200), losses(eager, 200), atol=5e-4)
    checkpoint = other.checkpoint()
    after = losses(other, 20)
    again = Trainer(twins(FLOWS["glow"]))
    # It is on the disk now, so that nothing is built again.
    Choice(again, "compiled").insist(lambda: False)
    again.restore(checkpoint)
    np.testing.assert_array_equal(losses(again, 20), after)


def racing(monkeypatch: pytest.MonkeyPatch, wrong: bool = False) -> tuple[Trainer, Choice]:
    """A trainer and a choice for which a compiled step lies ready, made of the eager one."""
    monkeypatch.delenv("GMSTUDIO_ENGINE", raising=False)
    monkeypatch.setattr(choice, "obstacle", lambda: "")
    trainer = Trainer(twins())
    eager = trainer.engine

    class Rival:
        name = "compiled"

        def __init__(self, *_: object) -> None:
            pass

        def step(self, block: Block, first: int, n: int) -> None:
            eager.step(block, first, n)
            if wrong:
                block.losses[first : first + n] += 0.1

    monkeypatch.setattr(choice, "CompiledEngine", Rival)

    class Ready(Builds):
        def state(self, request: Request) -> builds.State:
            return "ready"

    return trainer, Choice(trainer, "auto", Ready())


def race(trainer: Trainer, chosen: Choice, seconds: dict[str, float]) -> None:
    for _ in range(60):
        chosen.consider(trainer.advance(2), 2 * seconds[trainer.engine.name])


def test_the_faster_engine_is_kept_and_the_note_gives_both_times(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer, chosen = racing(monkeypatch)
    race(trainer, chosen, {"eager": 0.5, "compiled": 0.2})
    assert trainer.engine.name == "compiled"
    assert chosen.note == "500 ms a step eager, 200 ms compiled"


def test_of_two_that_are_as_fast_eager_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer, chosen = racing(monkeypatch)
    race(trainer, chosen, {"eager": 0.5, "compiled": 0.495})
    assert trainer.engine.name == "eager"


def test_a_step_that_disagrees_with_the_eager_one_is_never_used(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer, chosen = racing(monkeypatch, wrong=True)
    race(trainer, chosen, {"eager": 0.5, "compiled": 0.1})
    assert trainer.engine.name == "eager"
    assert "does not agree" in chosen.note


def test_what_is_no_library_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "step.so"
    path.write_text("no library")
    with pytest.raises(RuntimeError, match="cannot load compiled steps"):
        compiled.Library(path)


def test_comparing_engines_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer, plain = Trainer(twins()), Trainer(twins())
    assert losses(trainer, 10).tolist() == losses(plain, 10).tolist()
    assert trainer.agrees(use_program(monkeypatch, trainer))
    np.testing.assert_array_equal(losses(trainer, 30), losses(plain, 30))


def test_an_engine_whose_weights_go_elsewhere_does_not_agree() -> None:
    trainer = Trainer(twins())

    class Still:
        name = "still"

        def step(self, block: Block, first: int, n: int) -> None:
            values = trainer.layout.values.clone()
            eager.step(block, first, n)
            trainer.layout.values.copy_(values)

    eager = trainer.engine
    assert trainer.agrees(Still()) is False


def test_nothing_is_compiled_for_a_training_that_ends_before_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GMSTUDIO_ENGINE")
    monkeypatch.setattr(choice, "obstacle", lambda: "")
    trainer = Trainer(twins(steps=100))
    started: list[Request] = []

    class Watched(Builds):
        def start(self, request: Request, *, urgent: bool = False) -> bool:
            started.append(request)
            return True

    chosen = Choice(trainer, "auto", Watched())
    for _ in range(20):
        chosen.consider(trainer.advance(1), 0.1)
    assert not started
    chosen.consider(trainer.advance(1), 1.0)
    assert len(started) == 1


def use_graph(trainer: Trainer) -> GraphEngine:
    """A graph engine whose graphs are replayed by doing the captured work again, on the processor."""

    def capture(work: Callable[[], None]) -> Callable[[], None]:
        for _ in range(3):
            work()
        return work

    run, x = trainer.experiment.run, trainer.some_entry()
    return GraphEngine(trainer.model, run.objective, trainer.layout, trainer.optimiser, run.training, x, capture)


@pytest.mark.parametrize(
    "training",
    [{}, {"weight_decay": 0.1}, {"optimiser": "adamw", "weight_decay": 0.1}, {"clip": 0.05}],
    ids=["adam", "l2", "decoupled", "clipped"],
)
def test_the_work_of_the_graph_makes_the_steps_of_the_eager_engine(training: dict[str, Any]) -> None:
    eager, other = Trainer(twins(**training)), Trainer(twins(**training))
    assert other.agrees(use_graph(other))
    other.engine = use_graph(other)
    for steps in (1, 3, 21, 40):
        eager.advance(steps), other.advance(steps)
        told, expected = ([metric.value for metric in trainer.drain()] for trainer in (other, eager))
        np.testing.assert_allclose(told, expected, atol=2e-4)
    np.testing.assert_allclose(other.layout.values, eager.layout.values, atol=2e-4)
    assert torch.equal(other.optimiser.counts, eager.optimiser.counts)


def test_a_column_that_has_stopped_keeps_weights_and_moments_in_the_graph() -> None:
    trainer = Trainer(twins())
    trainer.engine = use_graph(trainer)
    trainer.optimiser.hold([True, False])
    # Before its first step, too, where the moments have no bias to correct.
    trainer.advance(2)
    before = [tensor.clone() for tensor in (trainer.layout.values, trainer.optimiser.first, trainer.optimiser.second)]
    trainer.advance(20)
    after = (trainer.layout.values, trainer.optimiser.first, trainer.optimiser.second)
    for old, new in zip(before, after, strict=True):
        assert torch.equal(old[0], new[0])
        assert not torch.equal(old[1], new[1])
    assert bool(torch.isfinite(trainer.layout.values).all())
    assert trainer.optimiser.counts.tolist() == [0.0, 22.0]


def test_graphs_are_for_cuda_and_say_so_elsewhere() -> None:
    with pytest.raises(SpecError, match="CUDA device only"):
        Choice(Trainer(twins()), "graph").insist(lambda: False)


def test_a_training_of_one_step_can_have_a_fixed_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer, chosen = racing(monkeypatch)
    trainer.advance(399)
    chosen.insist(lambda: False)
    assert trainer.engine.name == "compiled"
    trainer.advance(1)
    assert trainer.finished


def test_a_machine_without_a_compiler_trains_on_and_a_fixed_engine_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GMSTUDIO_ENGINE")
    monkeypatch.setattr(choice, "obstacle", lambda: "there is no C++ compiler on this machine")
    trainer = Trainer(twins())
    assert Choice(trainer, "auto").note == "there is no C++ compiler on this machine"
    with pytest.raises(SpecError, match="no C\\+\\+ compiler"):
        Choice(trainer, "compiled").insist(lambda: False)


def test_a_compiler_that_fails_leaves_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    request = Request.of(twins().run, 2, 2)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    made = Builds()
    assert made.start(request)
    while made.state(request) == "building":
        pass
    assert made.state(request) == "failed"
    assert made.reason(request) == "the compiler gave no reason"


def test_the_compiler_ends_when_it_is_told_to() -> None:
    request = Request.of(twins().run, 2, 2)
    made = Builds()
    made.start(request)
    assert made.state(request) == "building"
    made.stop()
    assert made.state(request) == "absent"


def test_what_does_not_change_the_step_does_not_compile_it_again() -> None:
    run = twins().run
    other = run.changed(training=run.training.changed(seed=7, steps=9000, rate=0.1))
    larger = run.changed(training=run.training.changed(batch=65))
    package = Request.of(run, 2, 2).package
    assert Request.of(other, 2, 2).package == package
    assert Request.of(larger, 2, 2).package != package
    assert Request.of(run, 3, 2).package != package
    assert Request.of(run, 2, 3).package != package
    assert Request.of(run, 2, 2, (1, 1, 2)).package != package


def with_engine(name: str, monkeypatch: pytest.MonkeyPatch, **training: Any) -> Trainer:
    trainer = Trainer(twins(**training))
    if name == "compiled":
        trainer.engine = use_program(monkeypatch, trainer)
    elif name == "graph":
        trainer.engine = use_graph(trainer)
    return trainer


@pytest.mark.parametrize("name", ["compiled", "graph"])
def test_edits_take_effect_at_the_same_step_on_every_engine(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    constant = cast(ScheduleSpec, registry.from_plain("schedule", {"kind": "constant", "sigma2": 0.25}))
    told = []
    for trainer in (with_engine("eager", monkeypatch), with_engine(name, monkeypatch)):
        trainer.advance(7)
        trainer.apply(SetSchedule(1, constant))
        trainer.advance(13)
        trainer.apply(SetRate(0, 1e-4))
        trainer.advance(40)
        found = trainer.drain()
        assert [metric.value for metric in found if (metric.step, metric.column, metric.name) == (8, 1, "sigma2")] == [
            0.25
        ]
        told.append([metric.value for metric in found])
    np.testing.assert_allclose(told[1], told[0], atol=5e-4)


@pytest.mark.parametrize("name", ["eager", "compiled", "graph"])
def test_every_engine_goes_on_from_a_checkpoint_to_the_bit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (with_engine(name, monkeypatch) for _ in range(2))
    first.advance(37)
    second.restore(first.checkpoint())
    for trainer in (first, second):
        trainer.advance(30)
    assert torch.equal(first.layout.values, second.layout.values)
    assert torch.equal(first.optimiser.second, second.optimiser.second)


@pytest.mark.parametrize("name", ["eager", "compiled", "graph"])
def test_a_loss_that_is_not_finite_is_found_on_every_engine(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = with_engine(name, monkeypatch)
    trainer.advance(5)
    trainer.drain()
    trainer.layout.values[1, 0] = torch.nan
    with pytest.raises(NonFiniteLoss) as found:
        trainer.advance(3)
        trainer.drain()
    assert (found.value.step, found.value.column) == (6, 1)


@pytest.mark.parametrize("name", ["eager", "compiled", "graph"])
def test_early_stopping_ends_a_column_at_the_same_step_on_every_engine(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = with_engine(name, monkeypatch, rate=0.3, evaluate_every=5, patience=2)
    while not any(trainer.stopped) and not trainer.finished:
        trainer.advance(1)
    at = trainer.step
    column = trainer.stopped.index(True)
    kept = trainer.layout.values[column].clone()
    trainer.advance(10)
    assert at % 5 == 0 and torch.equal(trainer.layout.values[column], kept)


@pytest.mark.parametrize("members", [1, 2])
def test_large_products_of_a_traced_step_are_made_by_another_library_with_the_same_numbers(
    members: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = {
        "data": {"kind": "two-moons"},
        "model": {"kind": "vae", "hidden": 32, "latent": 2},
        "training": {"batch": 64, "steps": 10},
    }
    run = runs.run_from_plain({**plain, "objective": {"kind": "elbo"}})
    points = torch.randn(512, 20, generator=torch.Generator().manual_seed(5))
    program = Program(run.model.build(20, list(range(members)), points).train(), run.objective, run.training)
    inputs = program.example(64, 20)
    before, after = ([tensor.clone() for tensor in inputs] for _ in range(2))
    traced = trace(program, inputs)
    expected = traced(*before)
    # Products of a batch and two hidden layers are large then, those with the latent points are not.
    monkeypatch.setattr(products, "LARGE", 64 * 20 * 32)
    assert products.by_onednn(traced)
    names = [str(node.target) for node in traced.graph.nodes]
    assert names.count("gmstudio.product.default") == 11 * members
    assert any("bmm" in name for name in names)
    torch.testing.assert_close(traced(*after), expected)
    for mine, its in zip(after[:3], before[:3], strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-4, atol=1e-5)


def test_small_products_of_a_traced_step_stay_as_they_are() -> None:
    run = twins().run
    points = torch.randn(512, 2, generator=torch.Generator().manual_seed(5))
    program = Program(run.model.build(2, [1], points).train(), run.objective, run.training)
    assert not products.by_onednn(trace(program, program.example(64, 2)))


def test_a_step_is_compiled_without_the_other_library_where_that_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compiled_graphs: list[list[str]] = []

    def compile_(graph: Any, inputs: tuple[Tensor, ...], final: Path) -> None:
        names = [str(node.target) for node in graph.graph.nodes]
        if "gmstudio.product.default" in names:
            raise RuntimeError("the compiler cannot call it")
        compiled_graphs.append(names)

    monkeypatch.setattr(products, "LARGE", 1)
    monkeypatch.setattr(compiler, "_compile", compile_)
    compiler.build(Request.of(twins().run, 2, 2), tmp_path / "step.so")
    (names,) = compiled_graphs
    assert any("bmm" in name for name in names)
    assert "cannot call it" in capsys.readouterr().err
