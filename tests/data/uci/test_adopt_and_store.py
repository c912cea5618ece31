"""A person's own file, and the tables on the disk."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
from serving import HEADER, as_text, wine_numbers, zipped

from gmstudio.data.uci import catalogue, download, store
from gmstudio.data.uci.catalogue import CATALOGUE, Entry, Member
from gmstudio.data.uci.errors import DownloadCancelled, DownloadError
from gmstudio.data.uci.preparations import Prepared
from gmstudio.errors import RefusedError


@pytest.fixture
def wine(tmp_path: Path) -> Entry:
    return dataclasses.replace(
        CATALOGUE["red wine"], rows=400, members=(Member("winequality-red.csv", 10**6),), content=""
    )


@pytest.fixture
def table() -> Prepared:
    return Prepared(np.random.default_rng(1).normal(size=(30, 2)), ("a", "b"))


def own(tmp_path: Path, delimiter: str = ";", seed: int = 1) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text(as_text(HEADER, wine_numbers(seed=seed), delimiter))
    return path


@pytest.mark.parametrize("delimiter", [";", ","])
def test_ones_own_file_is_taken_and_left_alone(wine: Entry, tmp_path: Path, delimiter: str) -> None:
    path = own(tmp_path, delimiter)
    before = path.read_bytes()
    shares: list[float] = []
    assert download.adopt(wine, path, progress=shares.append) == store.path_of(wine)
    table, origin = store.load(wine), store.origin(wine)
    assert table is not None and np.array_equal(table.values, wine_numbers()[:, :11])
    assert origin is not None and origin.check == "first use" and origin.source == "mine.csv"
    assert path.read_bytes() == before and shares[-1] == 1


def test_ones_own_archive_is_taken(wine: Entry, tmp_path: Path) -> None:
    path = tmp_path / "wine+quality.zip"
    path.write_bytes(zipped({"winequality-red.csv": own(tmp_path).read_bytes(), "more.txt": b""}))
    download.adopt(wine, path)
    assert store.load(wine) is not None


def test_a_copy_in_another_format_counts_as_checked_when_its_numbers_are_the_papers(
    wine: Entry, tmp_path: Path
) -> None:
    numbers = Prepared(np.ascontiguousarray(wine_numbers()[:, :11]), tuple(HEADER[:11]))
    known = dataclasses.replace(wine, content=numbers.content())
    download.adopt(known, own(tmp_path, ","))
    origin = store.origin(known)
    assert origin is not None and origin.check == "known"


def test_other_numbers_in_the_same_shape_are_refused(wine: Entry, tmp_path: Path) -> None:
    numbers = Prepared(np.ascontiguousarray(wine_numbers()[:, :11]), tuple(HEADER[:11]))
    known = dataclasses.replace(wine, content=numbers.content())
    with pytest.raises(DownloadError, match="has the shape of Red wine quality, but not its numbers"):
        download.adopt(known, own(tmp_path, seed=2))
    assert store.load(known) is None


def test_a_table_of_another_shape_is_refused_and_what_was_there_stays(wine: Entry, tmp_path: Path) -> None:
    download.adopt(wine, own(tmp_path))
    before = store.path_of(wine).read_bytes()
    short = tmp_path / "short.csv"
    short.write_text(as_text(HEADER, wine_numbers(30)))
    with pytest.raises(DownloadError, match="30 rows"):
        download.adopt(wine, short)
    assert store.path_of(wine).read_bytes() == before


def test_the_second_file_is_looked_for_beside_the_first(tmp_path: Path) -> None:
    (tmp_path / "1000_train.csv").write_text("# label,f0\n")
    with pytest.raises(DownloadError, match=r"1000_test\.csv is not beside 1000_train\.csv"):
        download.adopt(CATALOGUE["HEPMASS"], tmp_path / "1000_train.csv")


@pytest.mark.parametrize("what", ["missing", "folder", "empty", "text"])
def test_what_is_no_data_set_is_said(wine: Entry, tmp_path: Path, what: str) -> None:
    path = tmp_path / "given"
    if what == "folder":
        path.mkdir()
    elif what != "missing":
        path.write_text("" if what == "empty" else "nothing of the kind\n")
    with pytest.raises(DownloadError) as caught:
        download.adopt(wine, path)
    assert caught.value.message and caught.value.remedy
    assert store.load(wine) is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything") if hasattr(os, "geteuid") else lambda f: f
def test_a_file_that_may_not_be_read_is_said(wine: Entry, tmp_path: Path) -> None:
    path = own(tmp_path)
    path.chmod(0)
    with pytest.raises(DownloadError, match="cannot be read"):
        download.adopt(wine, path)


def test_taking_a_file_can_be_stopped(wine: Entry, tmp_path: Path) -> None:
    with pytest.raises(DownloadCancelled):
        download.adopt(wine, own(tmp_path), cancelled=lambda: True)
    assert store.load(wine) is None


def test_a_stored_table_is_read_back_to_the_bit(table: Prepared) -> None:
    entry = CATALOGUE["GAS"]
    path = store.save(entry, table, "somewhere", "ab" * 32, "first use")
    again, origin = store.load(entry), store.origin(entry)
    assert again is not None and np.array_equal(again.values, table.values) and again.columns == table.columns
    assert origin is not None and origin.fingerprint == table.fingerprint() == again.fingerprint()
    assert path.parent == store.folder() and not again.values.flags.writeable


def test_a_table_that_was_changed_on_the_disk_does_not_count(table: Prepared) -> None:
    entry = CATALOGUE["GAS"]
    path = store.save(entry, table, "somewhere", "", "known")
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[-5] ^= 1
    renamed = whole.replace(b'[\\"a\\"', b'[\\"x\\"')
    assert renamed != whole
    for content in (
        bytes(flipped),
        renamed,
        whole[:-9],
        whole[:40],
        b"",
        b"\xff" * 100,
        b"\x10" + bytes(7) + b"not json",
    ):
        path.write_bytes(content)
        assert store.load(entry) is None


def test_another_sets_table_does_not_count(table: Prepared) -> None:
    store.save(CATALOGUE["GAS"], table, "", "", "known").rename(store.path_of(CATALOGUE["POWER"]))
    assert store.load(CATALOGUE["POWER"]) is None and store.origin(CATALOGUE["POWER"]) is None


def test_the_fingerprint_follows_every_number_and_name(table: Prepared) -> None:
    other = table.values.copy()
    other[3, 1] = np.nextafter(other[3, 1], 9)
    found = {one.fingerprint() for one in (table, Prepared(other, table.columns), Prepared(table.values, ("a", "c")))}
    assert len(found) == 3
    assert Prepared(other, table.columns).content() == table.content()


def test_the_catalogue_says_everything_that_a_person_should_know() -> None:
    for entry in CATALOGUE.values():
        assert entry.title and entry.licence and entry.citation and entry.preparation.endswith(".")
        assert entry.page.startswith("https://")
        assert entry.bundled == (entry.size == 0) == (not entry.members)
    assert len({store.path_of(entry) for entry in CATALOGUE.values()}) == len(CATALOGUE)


@pytest.mark.parametrize("name", ["red wine", "Red Wine", "red-wine", "RED_WINE"])
def test_a_name_is_found_however_it_is_written(name: str) -> None:
    assert catalogue.find(name).name == "red wine"


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(RefusedError, match="MiniBooNE"):
        catalogue.find("no such set")


def test_sets_of_one_archive_know_each_other() -> None:
    assert [e.name for e in catalogue.sharing(CATALOGUE["red wine"])] == ["red wine", "white wine"]
    assert [e.name for e in catalogue.sharing(CATALOGUE["HEPMASS"])] == ["POWER", "HEPMASS"]
    assert catalogue.sharing(CATALOGUE["iris"]) == (CATALOGUE["iris"],)


def test_sizes_are_written_as_people_do() -> None:
    words = [catalogue.size_in_words(size) for size in (7, 91_353, 999_999, 857_000_000)]
    assert words == ["7 bytes", "91 kB", "1 MB", "857 MB"]
