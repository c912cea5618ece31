"""The papers' preparations, on made files in the format of the real ones."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from serving import HEADER, as_text, wine_numbers

from gmstudio.data.uci import preparations
from gmstudio.data.uci.catalogue import CATALOGUE, Entry
from gmstudio.data.uci.errors import DownloadCancelled, DownloadError

PARKINSONS = (
    "subject#,age,sex,test_time,motor_UPDRS,total_UPDRS,Jitter(%),Jitter(Abs),Jitter:RAP,Jitter:PPQ5,Jitter:DDP,"
    "Shimmer,Shimmer(dB),Shimmer:APQ3,Shimmer:APQ5,Shimmer:APQ11,Shimmer:DDA,NHR,HNR,RPDE,DFA,PPE"
)


def free(name: str) -> Entry:
    """An entry whose shape is not fixed."""
    return dataclasses.replace(CATALOGUE[name], rows=0, columns=0, content="", test_rows=0)


def prepared(entry: Entry, *paths: Path) -> preparations.Prepared:
    return preparations.prepare(entry, {member.name: path for member, path in zip(entry.members, paths, strict=True)})


def lattice(rng: np.random.Generator, rows: int, repeats: int) -> np.ndarray:
    """A column whose smallest value occurs `repeats` times."""
    values = rng.normal(size=rows)
    values[rng.permutation(rows)[:repeats]] = -9.0
    return values


def atoms(values: np.ndarray) -> list[int]:
    """The columns whose smallest value occurs more than five times, counted one by one."""
    counted = (sorted(Counter(column.tolist()).items()) for column in values.T)
    return [i for i, pairs in enumerate(counted) if pairs[0][1] > 5]


@pytest.mark.parametrize("delimiter", [";", ","])
def test_a_wine_keeps_all_columns_but_the_quality_in_the_files_order(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "winequality-red.csv"
    path.write_text(as_text(HEADER, wine_numbers(), delimiter))
    table = prepared(free("red wine"), path)
    assert table.columns == tuple(HEADER[:11])
    assert np.array_equal(table.values, wine_numbers()[:, :11])
    assert table.values.dtype == np.float64 and table.values.flags.c_contiguous


def test_parkinsons_keeps_fifteen_columns_by_name(tmp_path: Path) -> None:
    header = PARKINSONS.split(",")
    values = np.arange(22.0) + np.arange(50)[:, None] / 100
    path = tmp_path / "parkinsons_updrs.data"
    path.write_text(",".join(header) + "\n" + "\n".join(",".join(map(str, row)) for row in values.tolist()) + "\n")
    table = prepared(free("Parkinsons"), path)
    dropped = {"subject#", "age", "sex", "Jitter(%)", "Jitter:RAP", "Shimmer", "Shimmer:APQ3"}
    assert list(table.columns) == [name for name in header if name not in dropped] and len(table.columns) == 15
    assert np.array_equal(table.values, values[:, [i for i, name in enumerate(header) if name not in dropped]])
    path.write_text(path.read_text().replace("PPE", "XXX", 1))
    with pytest.raises(DownloadError, match="no column 'PPE'"):
        prepared(free("Parkinsons"), path)


def test_miniboone_keeps_signal_without_outliers_and_columns_without_atoms(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    signal = np.column_stack([lattice(rng, 300, repeats) for repeats in (1, 5, 6, 40, 2)])
    signal[:, 0] = rng.normal(size=300)
    outliers = [7, 90, 200]
    signal[outliers] = -999.0
    background = rng.normal(size=(100, 5)) - 50
    path = tmp_path / "MiniBooNE_PID.txt"
    lines = [" ".join(f"{x: .6E}" for x in row) for row in np.concatenate([signal, background])]
    path.write_text("\n".join([" 300   100", *lines]) + "\n")
    table = prepared(free("MiniBooNE"), path)
    clean = np.delete(np.array([[float(f"{x:.6E}") for x in row] for row in signal]), outliers, axis=0)
    keep = [i for i in range(5) if i not in atoms(clean)]
    assert 0 < len(keep) < 5
    assert np.array_equal(table.values, clean[:, keep])
    assert table.columns == tuple(f"feature {i + 1}" for i in keep)


def test_miniboone_takes_the_table_that_the_maf_paper_distributes(tmp_path: Path) -> None:
    values = np.random.default_rng(4).normal(size=(60, 43))
    np.save(tmp_path / "data.npy", values)
    assert np.array_equal(prepared(free("MiniBooNE"), tmp_path / "data.npy").values, values)


def test_power_is_shuffled_and_made_continuous_as_in_the_maf_papers_code(tmp_path: Path) -> None:
    raw = np.random.default_rng(5).integers(0, 50, (500, 8)).astype(float)
    np.save(tmp_path / "data.npy", raw)
    table = prepared(free("POWER"), tmp_path / "data.npy")
    rng = np.random.RandomState(42)
    order = np.arange(500)
    rng.shuffle(order)
    kept = raw[order][:, [0, 2, 4, 5, 6, 7]]
    noise = table.values - kept
    assert np.allclose(noise[:, 1], 0.01 * rng.rand(500, 1)[:, 0])
    assert np.allclose(noise[:, 0], 0.001 * rng.rand(500, 1)[:, 0])
    assert np.allclose(noise[:, 2:5], rng.rand(500, 3))
    assert np.array_equal(noise[:, 5], np.zeros(500))
    assert table.columns[0] == "global active power" and table.columns[-1] == "time of day"


def test_gas_takes_every_fourth_row_and_drops_correlated_sensors_one_by_one(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    base = rng.normal(size=(400, 16))
    base[:, 5] = base[:, 2] + 0.01 * rng.normal(size=400)
    base[:, 9] = base[:, 2] + 0.01 * rng.normal(size=400)
    base[:, 12] = -base[:, 3]
    rows = np.column_stack([np.arange(400) / 100, rng.normal(size=(400, 2)), base]).round(4)
    path = tmp_path / "ethylene_CO.txt"
    text = "\n".join("   ".join(map(str, row)) for row in rows.tolist())
    path.write_text(f"Time (seconds), CO conc (ppm), Ethylene conc (ppm), sensor readings (16 channels)\n{text}\n")
    table = prepared(free("GAS"), path)
    # Of 3, 6 and 10 the last one stays; a negative correlation does not count.
    keep = [i for i in range(16) if i not in (2, 5)]
    assert table.columns == tuple(f"sensor {i + 1}" for i in keep)
    assert np.array_equal(table.values, rows[::4, 3:][:, keep])
    assert prepared(dataclasses.replace(free("GAS"), rows=77), path).values.shape == (77, 14)


def test_hepmass_keeps_signal_and_its_own_test_rows(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)

    def made(rows: int, name: str, more: str) -> tuple[Path, np.ndarray]:
        features = rng.normal(size=(rows, 27)).round(6)
        features[:, 4] = rng.integers(0, 3, rows)
        labels = rng.integers(0, 2, rows)
        lines = [
            ",".join([f"{label:.1f}", *map(str, row)]) + more
            for label, row in zip(labels, features.tolist(), strict=True)
        ]
        path = tmp_path / name
        path.write_text("# label," + ",".join(f"f{i}" for i in range(27)) + "\n" + "\n".join(lines) + "\n")
        return path, features[labels == 1]

    train_path, train = made(300, "1000_train.csv", "")
    test_path, test = made(120, "1000_test.csv", ",1000.0")
    entry = dataclasses.replace(free("HEPMASS"), test_rows=len(test))
    table = prepared(entry, train_path, test_path)
    keep = [i for i in range(27) if i not in atoms(train)]
    assert 4 not in keep and len(keep) == 26
    assert np.array_equal(table.values, np.concatenate([train, test])[:, keep])
    assert table.columns == tuple(f"f{i}" for i in keep)
    with pytest.raises(DownloadError, match="test rows"):
        prepared(dataclasses.replace(entry, test_rows=5), train_path, test_path)


def test_the_published_sizes_of_the_splits_are_those_of_the_maf_paper() -> None:
    published = {
        "POWER": (1_659_917, 184_435, 204_928, 6),
        "GAS": (852_174, 94_685, 105_206, 0),
        "HEPMASS": (315_123, 35_013, 174_987, 21),
        "MiniBooNE": (29_556, 3_284, 3_648, 43),
    }
    for name, (train, validation, test, columns) in published.items():
        entry = CATALOGUE[name]
        assert entry.rows == train + validation + test and entry.columns == columns
        assert (entry.test_rows or int(0.1 * entry.rows)) == test
        assert int(0.1 * (entry.rows - test)) == validation


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "cannot be read"),
        ("a;b\n", "cannot be read"),
        ("a;b\n1;2\n3\n", "Row 3"),
        ("a;b\n1;2\n3;x\n", "“x” is not a number"),
        ("a;b\n1;2\n3;\n", "no number in row 2, column b"),
        ("a;b\n1;2\n3;1e400\n", "“1e400”"),
        ("a" * 200_000, "cannot be read"),
    ],
)
def test_a_table_that_cannot_be_read_is_said(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "winequality-red.csv"
    path.write_text(text)
    with pytest.raises(DownloadError) as caught:
        prepared(free("red wine"), path)
    assert words in caught.value.message and "Red wine" in caught.value.message


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "cannot be read"),
        ("signal background\n", "'signal'"),
        ("2 1\n", "no rows"),
        ("2 1\n1 2\n3\n", "cannot be read"),
        ("2 1\n1 2\n3 x\n", "'x'"),
        ("2 1\n1 2\n3 nan\n", "no number in row 2, column feature 2"),
        ("2 1\n1 2\n3 1e400\n", "no number in row 2, column feature 2"),
        ("1" * 200_000, "too long"),
    ],
)
def test_lines_that_cannot_be_read_are_said(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "MiniBooNE_PID.txt"
    path.write_text(text)
    with pytest.raises(DownloadError) as caught:
        prepared(free("MiniBooNE"), path)
    assert words in caught.value.message and "MiniBooNE" in caught.value.message


def test_bytes_that_are_no_text_are_said(tmp_path: Path) -> None:
    path = tmp_path / "winequality-red.csv"
    path.write_bytes(bytes(range(255, 0, -1)))
    with pytest.raises(DownloadError, match="cannot be read"):
        prepared(free("red wine"), path)


def test_another_shape_than_the_papers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "winequality-red.csv"
    path.write_text(as_text(HEADER, wine_numbers()))
    with pytest.raises(DownloadError, match=r"400 rows and 11 columns.*1,599 and 11"):
        prepared(CATALOGUE["red wine"], path)


def test_a_numpy_file_that_is_damaged_or_holds_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.npy"
    np.save(path, np.zeros((10, 8)))
    whole = path.read_bytes()
    lying = whole.replace(b"(10, 8), }          ", b"(9999999999, 8), }  ")
    assert lying != whole and len(lying) == len(whole)
    for content in (lying, whole[:-100]):
        path.write_bytes(content)
        with pytest.raises(DownloadError, match="cannot be read"):
            prepared(free("POWER"), path)
    np.save(path, np.array([[{}] * 8], dtype=object), allow_pickle=True)
    with pytest.raises(DownloadError, match="cannot be read"):
        prepared(free("POWER"), path)
    np.save(path, np.zeros((10, 7)))
    with pytest.raises(DownloadError, match="7 columns instead of 8"):
        prepared(free("POWER"), path)
    path.write_text("no numbers")
    with pytest.raises(DownloadError, match="cannot be read"):
        prepared(free("POWER"), path)


def test_a_long_preparation_can_be_stopped(tmp_path: Path) -> None:
    path = tmp_path / "MiniBooNE_PID.txt"
    path.write_text("2 1\n1 2\n3 4\n5 6\n")
    entry = free("MiniBooNE")
    with pytest.raises(DownloadCancelled):
        preparations.prepare(entry, {entry.members[0].name: path}, lambda: True)
