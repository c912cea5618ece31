"""What a project keeps, and gives back."""

from __future__ import annotations

import math
import threading
from pathlib import Path

import numpy as np
import pytest

from gmstudio import runs
from gmstudio.observation.frame import ColumnFrame, Frame, Metric, RunInfo, Truth, View
from gmstudio.projects.packing import PackingError, pack, unpack
from gmstudio.projects.project import LockedProject, Project, ProjectError, ReadOnlyProject
from gmstudio.projects.snapshots import truth_from_bytes, truth_to_bytes
from gmstudio.training.checkpoint import Checkpoint

VIEW = View(bounds=(-4.0, 4.0, -3.0, 5.0), grid=20, arrows=6, samples=50, batch=30, probe=(0.5, -1.0))
EXPERIMENT = runs.twins(runs.default_run())


def frame_at(step: int, run: str, seed: int = 0, view: View = VIEW) -> Frame:
    random = np.random.default_rng(seed + step)
    left, right, bottom, top = view.bounds
    half = np.array([right - left, top - bottom]) / 2
    centre = np.array([left + right, bottom + top]) / 2

    def points(size: int) -> np.ndarray:
        return (centre + half * random.standard_normal((size, 2))).astype(np.float32)

    columns = tuple(
        ColumnFrame(
            log_density=(5 * random.standard_normal((view.grid, view.grid))).astype(np.float32),
            score=(random.standard_normal((view.arrows, view.arrows, 2)) / half).astype(np.float32),
            samples=points(view.samples),
            batch=points(view.batch),
            path=random.standard_normal((7, 2)).astype(np.float32),
            sigma2=0.25 * (1 + column),
        )
        for column in range(2)
    )
    return Frame(run=run, step=step, view=view, columns=columns, age=3)


def info_of(run: str, steps: int) -> RunInfo:
    plans = np.stack([np.zeros(steps), np.linspace(1, 0, steps) ** 3])
    return RunInfo(
        run=run,
        titles=("Vanilla", "Mollified"),
        steps=steps,
        device="cpu",
        data=np.random.default_rng(5).standard_normal((300, 2)).astype(np.float32),
        bounds=(-4.0, 4.0, -3.0, 5.0),
        plans=plans,
        mode_centres=np.array([[1.0, 2.0]], dtype=np.float32),
        manifold="circle",
        path_titles=("data", "latent"),
    )


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project.create(tmp_path / "mine.gmstudio")
    yield made
    made.close()


@pytest.fixture
def run(project: Project) -> str:
    return project.add_run(EXPERIMENT, "cpu")


def test_a_run_comes_back_as_it_was_given_after_reopening(project: Project, run: str) -> None:
    project.set_state(run, "paused", 17)
    project.rename_run(run, "  My run ")
    project.close()
    with Project.open(project.path) as again:
        (record,) = again.runs()
        assert record == again.run(run)
        assert (record.id, record.state, record.step, record.title) == (run, "paused", 17, "My run")
        assert record.experiment == EXPERIMENT


def test_a_new_run_is_called_after_its_data_and_model(project: Project, run: str) -> None:
    assert project.run(run).title == "Two moons · Real-NVP"


def test_a_run_can_be_given_its_id_but_not_twice(project: Project) -> None:
    assert project.add_run(EXPERIMENT, "cpu", "abc") == "abc"
    with pytest.raises(ProjectError, match="'abc' already"):
        project.add_run(EXPERIMENT, "cpu", "abc")


def test_a_removed_run_takes_everything_with_it(project: Project, run: str) -> None:
    other = project.add_run(EXPERIMENT, "cpu")
    project.save_frame(frame_at(0, run))
    project.add_metrics(run, [Metric(1, 0, "train", 1.0)])
    project.add_edit(run, 1, {"kind": "x"})
    project.remove_run(run)
    assert [record.id for record in project.runs()] == [other]
    for table in ("metric", "frame", "edit", "checkpoint"):
        assert project._rows(f"SELECT count(*) FROM {table}") == [(0,)]


def test_an_unknown_run_is_named(project: Project) -> None:
    for ask in (project.run, project.metrics, project.frame_steps, project.edits, project.info, project.remove_run):
        with pytest.raises(ProjectError, match="'nobody'"):
            ask("nobody")
    with pytest.raises(ProjectError, match="'nobody'"):
        project.save_frame(frame_at(0, "nobody"))


def test_a_frame_keeps_the_accuracy_of_float16(project: Project, run: str) -> None:
    frame = frame_at(3, run)
    project.save_frame(frame)
    found = project.frame(run, 3)
    assert found is not None
    assert (found.run, found.step, found.view, found.age) == (run, 3, VIEW, 3)
    for given, kept in zip(frame.columns, found.columns, strict=True):
        assert kept.sigma2 == given.sigma2
        for part in ("log_density", "score", "samples", "batch", "path"):
            value, expected = getattr(kept, part), getattr(given, part)
            assert value.dtype == np.float32
            np.testing.assert_allclose(value, expected, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("size", [1e-6, 1.0, 1e9])
def test_frames_hold_data_in_any_unit(project: Project, run: str, size: float) -> None:
    view = View(bounds=(5 * size, 7 * size, -size, size), grid=8, arrows=4, samples=40, batch=10)
    frame = frame_at(0, run, view=view)
    project.save_frame(frame)
    found = project.frame(run, 0)
    assert found is not None
    for part, unit in (("samples", size), ("batch", size), ("score", 1 / size)):
        value, expected = getattr(found.columns[0], part), getattr(frame.columns[0], part)
        assert np.abs(value - expected).max() <= 3e-3 * unit


def test_extreme_values_are_clamped_and_not_turned_into_infinities(project: Project, run: str) -> None:
    wild = np.array([[-np.inf, 1e30], [np.nan, -5.0]], dtype=np.float32)
    score = np.full((2, 2, 2), 1e30, dtype=np.float32)
    project.save_frame(Frame(run, 0, VIEW, (ColumnFrame(log_density=wild, score=score),)))
    found = project.frame(run, 0)
    assert found is not None
    column = found.columns[0]
    assert column.samples is None
    assert column.log_density is not None and column.score is not None
    np.testing.assert_array_equal(column.log_density, np.array([[-1e4, 1e4], [np.nan, -5.0]], dtype=np.float32))
    assert np.isfinite(column.score).all()


def test_the_frame_of_a_step_is_the_nearest_before_it(project: Project, run: str) -> None:
    for step in (10, 20, 30):
        project.save_frame(frame_at(step, run))
    assert project.frame_steps(run) == [10, 20, 30]
    steps = [None if found is None else found.step for found in (project.frame(run, at) for at in (9, 10, 29, 99))]
    assert steps == [None, 10, 20, 30]


def test_a_frame_of_the_same_step_replaces_the_earlier_one(project: Project, run: str) -> None:
    project.save_frame(frame_at(10, run))
    newer = frame_at(10, run, seed=9)
    project.save_frame(newer)
    found = project.frame(run, 10)
    assert found is not None and project.frame_steps(run) == [10]
    np.testing.assert_allclose(found.columns[0].log_density, newer.columns[0].log_density, rtol=1e-3)


def test_the_timeline_is_thinned_evenly_with_its_first_and_last_frame_kept(project: Project, run: str) -> None:
    small = ColumnFrame(sigma2=0.1)
    with project.batch():
        for step in range(0, 3001, 3):
            project.save_frame(Frame(run, step, VIEW, (small,)))
    steps = np.array(project.frame_steps(run))
    assert len(steps) == 400 and steps[0] == 0 and steps[-1] == 3000
    gaps = np.diff(steps)
    assert gaps.max() <= 4 * 3000 / 400


def test_metrics_come_back_in_order_with_what_is_not_a_number(project: Project, run: str) -> None:
    given = [Metric(1, 0, "train", -2.5), Metric(1, 1, "kl", math.inf), Metric(2, 0, "validation", 1e-300)]
    project.add_metrics(run, given)
    project.add_metrics(run, [Metric(3, 1, "fisher", math.nan), Metric(3, 1, "of another version", 1.0)])
    found = project.metrics(run)
    assert found[:3] == given
    assert len(found) == 4 and found[3].name == "fisher" and math.isnan(found[3].value)


def test_edits_and_values_come_back(project: Project, run: str) -> None:
    project.add_edit(run, 5, {"kind": "rate", "rate": 0.5, "title": "größer"})
    project.add_edit(run, 7, {"kind": "rate", "rate": 0.1})
    assert project.edits(run) == [
        (5, {"kind": "rate", "rate": 0.5, "title": "größer"}),
        (7, {"kind": "rate", "rate": 0.1}),
    ]
    assert project.value("window", "none") == "none"
    for value in ({"a": [1, 2.5, None, True]}, "text", 3):
        project.set_value("window", value)
        assert project.value("window") == value


def test_truncating_drops_what_came_after_a_step(project: Project, run: str) -> None:
    for step in (1, 2, 3):
        project.add_metrics(run, [Metric(step, 0, "train", 0.0)])
        project.save_frame(frame_at(step, run))
        project.add_edit(run, step, {"step": step})
    project.truncate(run, 2)
    assert [metric.step for metric in project.metrics(run)] == [1, 2]
    assert project.frame_steps(run) == [1, 2]
    assert [step for step, _ in project.edits(run)] == [1, 2]


def test_info_and_truth_come_back_exactly(project: Project, run: str) -> None:
    assert project.info(run) is None and project.truth(run) is None
    info = info_of(run, 50)
    truth = Truth(VIEW, np.full((20, 20), -np.inf, dtype=np.float32), np.ones((6, 6, 2), dtype=np.float32))
    project.save_info(run, info)
    project.save_truth(run, truth)
    found, known = project.info(run), project.truth(run)
    assert found is not None and known is not None
    np.testing.assert_array_equal(found.data, info.data)
    np.testing.assert_array_equal(found.plans, info.plans)
    np.testing.assert_array_equal(found.mode_centres, info.mode_centres)
    for name in ("run", "titles", "steps", "device", "bounds", "manifold", "path_titles"):
        assert getattr(found, name) == getattr(info, name)
    assert known.view == VIEW
    np.testing.assert_array_equal(known.log_density, truth.log_density)
    np.testing.assert_array_equal(known.score, truth.score)


def test_the_baselines_of_a_truth_are_kept_and_older_projects_have_none(project: Project, run: str) -> None:
    truth = Truth(VIEW, baselines=(("Gaussian", -2.5), ("Mixture of 8 Gaussians", -1.25), ("Truth", -1.0)))
    project.save_truth(run, truth)
    assert project.truth(run) == truth
    found = unpack(truth_to_bytes(truth))
    before = {"view": found.meta["view"]}
    assert truth_from_bytes(pack(before, {})) == Truth(VIEW)
    for wrong in ([["Gaussian"]], [["Gaussian", "high"]], [["x" * 101, 0.0]], [["Gaussian", 0.0]] * 17):
        with pytest.raises(PackingError):
            truth_from_bytes(pack({**before, "baselines": wrong}, {}))


def test_a_truth_of_nothing_known_is_kept(project: Project, run: str) -> None:
    project.save_truth(run, Truth(VIEW))
    assert project.truth(run) == Truth(VIEW)


def test_the_plan_of_a_very_long_run_is_kept_closely_in_little_space(project: Project, run: str) -> None:
    info = info_of(run, 300_000)
    project.save_info(run, info)
    found = project.info(run)
    assert found is not None and found.plans.shape == (2, 300_000)
    np.testing.assert_allclose(found.plans, info.plans, atol=1e-6)
    assert project._rows("SELECT length(info) FROM run")[0][0] < 1_200_000


def test_a_batch_is_kept_whole_or_not_at_all(project: Project, run: str) -> None:
    with pytest.raises(RuntimeError), project.batch():
        project.set_value("one", 1)
        project.add_metrics(run, [Metric(1, 0, "train", 0.0)])
        raise RuntimeError
    assert project.value("one") is None and project.metrics(run) == []
    with project.batch():
        project.set_value("one", 1)
        project.set_value("two", 2)
    assert (project.value("one"), project.value("two")) == (1, 2)


def test_several_threads_may_use_a_project_at_once(project: Project, run: str) -> None:
    errors: list[BaseException] = []

    def write(column: int) -> None:
        try:
            for step in range(40):
                project.add_metrics(run, [Metric(step, column, "train", float(step))])
                project.metrics(run)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(column,)) for column in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(project.metrics(run)) == 160


def test_what_a_thread_writes_while_the_project_is_saved_elsewhere_is_kept(
    project: Project, run: str, tmp_path: Path
) -> None:
    enough, written = threading.Event(), 0

    def write() -> None:
        nonlocal written
        while not enough.is_set():
            project.add_metrics(run, [Metric(written, 0, "train", 0.0)])
            written += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for place in ("one", "two", "three"):
            project.save_as(tmp_path / f"{place}.gmstudio")
    finally:
        enough.set()
        writer.join()
    project.close()
    with Project.open(tmp_path / "three.gmstudio") as again:
        assert [metric.step for metric in again.metrics(run)] == list(range(written))


def test_saving_as_moves_on_to_the_new_file_and_leaves_the_old_one(project: Project, run: str, tmp_path: Path) -> None:
    old = project.path
    new = tmp_path / "új név %41?#.gmstudio"
    project.save_as(new)
    assert project.path == new and not project.untitled
    project.set_value("after", True)
    with Project.open(old) as before:
        assert before.value("after") is None and [record.id for record in before.runs()] == [run]
    project.close()
    with Project.open(new) as after:
        assert after.value("after") is True
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.gmstudio", new.name]


def test_saving_as_replaces_a_project_that_was_killed_there(project: Project, run: str, tmp_path: Path) -> None:
    target = tmp_path / "target.gmstudio"
    with Project.create(target) as other:
        other.set_value("old", True)
        # A copy made while it is open has a write-ahead log of its own: what a kill leaves behind.
        log = target.with_name(target.name + "-wal").read_bytes()
        main = target.read_bytes()
    target.write_bytes(main)
    target.with_name(target.name + "-wal").write_bytes(log)
    project.save_as(target)
    assert project.value("old") is None and [record.id for record in project.runs()] == [run]
    project.close()
    with Project.open(target) as again:
        assert again.value("old") is None and [record.id for record in again.runs()] == [run]


def test_a_read_only_project_reads_but_does_not_write(project: Project, run: str) -> None:
    with Project.open(project.path, read_only=True) as reader:
        assert [record.id for record in reader.runs()] == [run]
        with pytest.raises(ReadOnlyProject, match="another name"):
            reader.set_value("x", 1)
        project.set_value("meanwhile", 1)
        assert reader.value("meanwhile") == 1


def test_a_copy_of_a_locked_project_can_be_worked_on(project: Project, run: str, tmp_path: Path) -> None:
    with pytest.raises(LockedProject, match="process"):
        Project.open(project.path)
    copy = Project.open(project.path, read_only=True)
    copy.save_as(tmp_path / "copy.gmstudio")
    copy.set_value("mine", 1)
    assert copy.value("mine") == 1 and project.value("mine") is None
    copy.close()


def test_a_closed_project_says_so(project: Project) -> None:
    project.close()
    project.close()
    with pytest.raises(ProjectError, match="closed"):
        project.runs()


def test_creating_does_not_overwrite(project: Project) -> None:
    with pytest.raises(ProjectError, match="already"):
        Project.create(project.path)


def test_closing_leaves_one_file(project: Project, run: str, tmp_path: Path) -> None:
    project.close()
    with Project.open(project.path, read_only=True) as reader:
        reader.runs()
    assert [path.name for path in tmp_path.iterdir()] == ["mine.gmstudio"]


def test_checkpoints_of_both_kinds_come_back_to_the_bit(project: Project, run: str) -> None:
    assert project.checkpoint(run) is None
    random = np.random.default_rng(3)
    for kind, step in (("first", 0), ("last", 5), ("last", 9)):
        arrays = {"model.weight": random.standard_normal((2, 3, 4)).astype(np.float32)}
        given = Checkpoint(step=step, arrays=arrays, meta={"looks": step})
        project.save_checkpoint(run, given, kind)
        found = project.checkpoint(run, kind)
        assert found is not None
        assert (found.step, found.meta) == (step, {"looks": step})
        np.testing.assert_array_equal(found.arrays["model.weight"], arrays["model.weight"])
    first = project.checkpoint(run, "first")
    assert first is not None and first.step == 0
