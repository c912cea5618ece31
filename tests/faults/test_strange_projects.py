"""Project files from strangers: a message that names the file and the remedy, never anything else."""

from __future__ import annotations

import json
import os
import sqlite3
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gmstudio import runs
from gmstudio.observation.frame import ColumnFrame, Frame, Truth, View
from gmstudio.projects import schema
from gmstudio.projects.packing import MAGIC, PackingError, pack, unpack
from gmstudio.projects.project import DamagedProject, NewerProject, NotAProject, Project, ProjectError

VIEW = View(bounds=(-1.0, 1.0, -1.0, 1.0), grid=4, arrows=2)
CALM = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A sound project with a run and a frame."""
    path = tmp_path / "mine.gmstudio"
    with Project.create(path) as project:
        project.add_run(runs.single(runs.default_run()), "cpu", "r")
        project.save_frame(Frame("r", 1, VIEW, (ColumnFrame(np.zeros((4, 4), dtype=np.float32)),)))
        project.save_truth("r", Truth(VIEW))
    return path


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound project that is not changed."""
    path = tmp_path_factory.mktemp("sound") / "x.gmstudio"
    with Project.create(path) as project:
        project.set_value("a", 1)
        project.add_run(runs.single(runs.default_run()), "cpu", "r")
        project.save_frame(Frame("r", 1, VIEW, (ColumnFrame(np.zeros((4, 4), dtype=np.float32)),)))
    return path


def change(path: Path, statement: str, values: tuple[object, ...] = ()) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(statement, values)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def overwritten(sound: Path, folder: Path, at: int, value: bytes) -> Path:
    """A copy of a project with other bytes at one place."""
    path = folder / "x.gmstudio"
    content = bytearray(sound.read_bytes())
    at %= len(content) - len(value)
    content[at : at + len(value)] = value
    path.write_bytes(content)
    return path


def opens_or_refuses(path: Path, use: Callable[[Project], None]) -> None:
    try:
        with Project.open(path) as project:
            use(project)
    except ProjectError as error:
        assert error.message and error.remedy


# Files that are something else.


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"Dear diary,\n" * 100, "not a GM Studio project"),
        (b"SQLite format 3\0", "not a GM Studio project"),
        (b"\x80\x04\x95" + b"pickle" * 50, "not a GM Studio project"),
    ],
)
def test_another_file_is_refused_by_name_and_left_alone(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "notes.gmstudio"
    path.write_bytes(content)
    for read_only in (False, True):
        with pytest.raises(NotAProject, match=words) as refused:
            Project.open(path, read_only=read_only)
        assert "notes.gmstudio" in refused.value.message and refused.value.remedy
    assert path.read_bytes() == content
    assert [found.name for found in tmp_path.iterdir()] == ["notes.gmstudio"]


def test_the_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.gmstudio"
    change(path, "CREATE TABLE t (x)")
    with pytest.raises(NotAProject, match="another program"):
        Project.open(path)


def test_folders_and_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotAProject, match="is a folder"):
        Project.open(tmp_path)
    with pytest.raises(ProjectError, match=r"no file or folder.*gone\.gmstudio"):
        Project.open(tmp_path / "gone.gmstudio")
    with pytest.raises(ProjectError, match="no folder"):
        Project.create(tmp_path / "nowhere" / "new.gmstudio")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are needed")
def test_a_pipe_does_not_hang_the_program(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gmstudio")
    with pytest.raises(NotAProject, match="not an ordinary file"):
        Project.open(tmp_path / "pipe.gmstudio")


# Other versions.


def test_a_newer_project_is_refused_politely_and_left_as_it_is(path: Path) -> None:
    change(path, f"PRAGMA user_version = {schema.version() + 1}")
    before = path.read_bytes()
    with pytest.raises(NewerProject, match="newer GM Studio") as refused:
        Project.open(path)
    assert "Update" in refused.value.remedy
    assert path.read_bytes() == before


def make_version_zero(path: Path) -> None:
    """A project as it is between its mark and its first table."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    connection.execute("CREATE TABLE seed (x)")
    connection.execute("DROP TABLE seed")
    connection.close()


def test_a_project_of_version_zero_is_upgraded(tmp_path: Path) -> None:
    path = tmp_path / "old.gmstudio"
    make_version_zero(path)
    with Project.open(path, read_only=True) as reader:
        assert reader.runs() == []
    assert struct.unpack_from(">I", path.read_bytes(), 60) == (0,)
    with Project.open(path) as project:
        project.add_run(runs.single(runs.default_run()), "cpu", "r")
    with Project.open(path) as project:
        assert [record.id for record in project.runs()] == ["r"]
        assert project._rows("PRAGMA user_version") == [(schema.version(),)]


def test_older_projects_go_through_every_later_migration_and_keep_their_content(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = (("ALTER TABLE run ADD COLUMN note TEXT",), ("CREATE TABLE extra (x INTEGER) STRICT",))
    monkeypatch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS + later)
    with Project.open(path, read_only=True) as reader:
        assert reader._rows("SELECT note FROM run") == [(None,)]
    with Project.open(path) as project:
        assert project._rows("SELECT id, note FROM run") == [("r", None)]
        assert project._rows("SELECT * FROM extra") == []
    assert struct.unpack_from(">I", path.read_bytes(), 60) == (schema.version(),)


def test_a_migration_that_fails_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, ("DELETE FROM run", "CREATE NONSENSE")))
        with pytest.raises(ProjectError):
            Project.open(path)
    with Project.open(path) as project:
        assert [record.id for record in project.runs()] == ["r"]
        assert project._rows("PRAGMA user_version") == [(schema.version(),)]


# Damage.


def test_a_project_that_is_cut_off_is_damaged(path: Path) -> None:
    content = path.read_bytes()
    for size in (100, 3000, 4096, len(content) - 5000):
        path.write_bytes(content[:size])
        with pytest.raises(DamagedProject, match=r"mine\.gmstudio"):
            Project.open(path)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON metric BEGIN DELETE FROM run; END",
        "CREATE VIEW v AS SELECT * FROM run",
        "CREATE TABLE more (x)",
        "DROP TABLE edit",
        "ALTER TABLE value ADD COLUMN more TEXT",
    ],
)
def test_tables_that_are_not_ours_are_refused(path: Path, statement: str) -> None:
    change(path, statement)
    for read_only in (False, True):
        with pytest.raises(DamagedProject, match="tables"):
            Project.open(path, read_only=read_only)


@CALM
@given(at=st.integers(0, 99), value=st.binary(min_size=1, max_size=8))
def test_no_change_of_the_header_does_anything_but_open_or_be_refused(
    tmp_path_factory: pytest.TempPathFactory, sound: Path, at: int, value: bytes
) -> None:
    path = overwritten(sound, tmp_path_factory.mktemp("header"), at, value)

    def use(project: Project) -> None:
        assert project.value("a") == 1

    opens_or_refuses(path, use)


@CALM
@given(at=st.integers(100, 65_000), value=st.binary(min_size=1, max_size=64))
def test_no_change_of_the_content_does_anything_but_open_or_be_refused(
    tmp_path_factory: pytest.TempPathFactory, sound: Path, at: int, value: bytes
) -> None:
    path = overwritten(sound, tmp_path_factory.mktemp("content"), at, value)

    def use(project: Project) -> None:
        for record in project.runs():
            project.frame(record.id, 1)
            project.metrics(record.id)
            project.info(record.id)

    opens_or_refuses(path, use)


# Content that does not hold together.


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"GMA1",
        pack({"view": None}, {}),
        pack([], {}),
        MAGIC + struct.pack("<I", 2**31) + b"{}",
        pack({"view": {"bounds": [0, 0, 0, 0], "grid": 1, "arrows": 1, "samples": 1, "batch": 1, "probe": None}}, {}),
    ],
)
def test_a_frame_that_is_none_is_refused_and_the_rest_can_be_used(path: Path, blob: bytes) -> None:
    change(path, "UPDATE frame SET data = ?", (blob,))
    change(path, "UPDATE run SET truth = ?, info = ?", (blob, blob))
    with Project.open(path) as project:
        for ask in (lambda: project.frame("r", 1), lambda: project.truth("r"), lambda: project.info("r")):
            with pytest.raises(DamagedProject, match=r"cannot be read.*can be used"):
                ask()
        assert [record.id for record in project.runs()] == ["r"]


def test_wrong_shapes_in_a_frame_are_refused(path: Path) -> None:
    view = {"bounds": [-1, 1, -1, 1], "grid": 4, "arrows": 2, "samples": 1, "batch": 1, "probe": None}
    for name, shape in (("0.log_density", (4, 5)), ("0.score", (2, 2, 3)), ("0.samples", (7,)), ("0.path", (2, 3))):
        blob = pack({"view": view, "sigma2": [0.0], "age": 0}, {name: np.zeros(shape, dtype=np.float16)})
        change(path, "UPDATE frame SET data = ?", (blob,))
        with Project.open(path) as project, pytest.raises(DamagedProject, match="shape"):
            project.frame("r", 1)


@pytest.mark.parametrize("kind", ["model.of.tomorrow", "../../etc/passwd"])
def test_a_run_of_an_unknown_kind_is_named_and_the_others_are_shown(path: Path, kind: str) -> None:
    plain = runs.experiment_to_plain(runs.single(runs.default_run()))
    plain["run"]["model"] = {"kind": kind}
    with Project.open(path) as project:
        project.add_run(runs.single(runs.default_run()), "cpu", "unknown")
    change(path, "UPDATE run SET experiment = ? WHERE id = 'unknown'", (json.dumps(plain),))
    with Project.open(path) as project:
        assert [record.id for record in project.runs()] == ["r"]
        ((name, message),) = project.unreadable()
        assert name == "unknown" and kind in message
        with pytest.raises(DamagedProject, match="no model called"):
            project.run("unknown")


def test_a_checkpoint_that_is_none_is_refused(path: Path) -> None:
    change(path, "INSERT INTO checkpoint SELECT number, 'last', 3, x'00112233' FROM run")
    with Project.open(path) as project, pytest.raises(DamagedProject, match="checkpoint of run r"):
        project.checkpoint("r")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a": NaN}', "{", '{"a": 1, "a": 2}'])
def test_values_that_are_no_json_are_refused(path: Path, text: str) -> None:
    change(path, "INSERT INTO value VALUES ('drawing', ?)", (text,))
    with Project.open(path) as project, pytest.raises(DamagedProject, match="'drawing'"):
        project.value("drawing")


# Blobs.


def header(meta: object, arrays: list[dict[str, object]]) -> bytes:
    text = json.dumps({"meta": meta, "arrays": arrays}).encode()
    return MAGIC + struct.pack("<I", len(text)) + text


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "a", "dtype": "<f4", "shape": [2**40]},
        {"name": "a", "dtype": "<f4", "shape": [-1]},
        {"name": "a", "dtype": "|O8", "shape": [1]},
        {"name": "a", "dtype": "<f4", "shape": [1] * 9},
        {"name": "a", "dtype": "<f4", "shape": [2**70, 0]},
        {"name": "a", "dtype": "<f4", "shape": [2.5]},
    ],
)
def test_a_blob_that_lies_about_its_arrays_is_refused(entry: dict[str, object]) -> None:
    with pytest.raises(PackingError):
        unpack(header({}, [entry]) + zlib.compress(b"\0" * 4))


def test_a_small_blob_that_inflates_without_end_is_stopped_at_its_size() -> None:
    compressor = zlib.compressobj(9)
    bomb = b"".join(compressor.compress(bytes(2**20)) for _ in range(64)) + compressor.flush()
    assert len(bomb) < 100_000
    with pytest.raises(PackingError, match="too long"):
        unpack(header({}, [{"name": "a", "dtype": "<f4", "shape": [4]}]) + bomb)


@CALM
@given(blob=st.binary(max_size=300), marked=st.booleans())
def test_garbage_is_never_a_blob(blob: bytes, marked: bool) -> None:
    with pytest.raises(PackingError):
        unpack((MAGIC if marked else b"") + blob)


@CALM
@given(
    shapes=st.lists(st.lists(st.integers(0, 4), max_size=3), max_size=4),
    dtype=st.sampled_from(["<f2", "<f4", "<f8", ">f4"]),
    seed=st.integers(0, 100),
)
def test_whatever_is_packed_is_unpacked_to_the_bit(shapes: list[list[int]], dtype: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    arrays = {str(i): np.asarray(random.standard_normal(shape)).astype(dtype) for i, shape in enumerate(shapes)}
    found = unpack(pack({"seed": seed}, arrays))
    assert found.meta == {"seed": seed} and set(found.arrays) == set(arrays)
    for name, array in arrays.items():
        assert found.arrays[name].shape == array.shape
        np.testing.assert_array_equal(found.arrays[name], array)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_lock_file_that_is_a_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("mine")
    path.with_name(path.name + ".lock").symlink_to(target)
    with pytest.raises(ProjectError):
        Project.open(path)
    assert target.read_text() == "mine"
