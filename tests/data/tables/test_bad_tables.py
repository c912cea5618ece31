"""Bad tables: each is refused with its reason, a remedy, and the row and column where one of them is to blame."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from gmstudio.data.tables import chunks as chunks_module
from gmstudio.data.tables import source as source_module
from gmstudio.data.tables import table as table_module
from gmstudio.data.tables.reading import TableError, read

Content = bytes | Callable[[], bytes]


def saved(save: Callable[..., Any], *arrays: Any) -> Callable[[], bytes]:
    def made() -> bytes:
        file = io.BytesIO()
        save(file, *arrays)
        return file.getvalue()

    return made


def parquet(**columns: Any) -> bytes:
    file = io.BytesIO()
    pl.DataFrame(columns).write_parquet(file)
    return file.getvalue()


def zipped(**files: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    return file.getvalue()


def lying() -> bytes:
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (17592186044416, 1), }"
    header += b" " * (117 - len(header)) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(64)


HEAD = b"@relation r\n@attribute a numeric\n@attribute b numeric\n"
NUMBERS = np.arange(6.0).reshape(3, 2)
OBJECTS = np.array([[1, "a"], [None, 2]], dtype=object)

#: What it is, its bytes, what the message says, the row and the column to blame.
BAD: list[tuple[str, Content, str, int | None, str]] = [
    ("empty", b"", "is empty", None, ""),
    ("blank lines only", b"\n\r\n  \n", "no rows", None, ""),
    ("a header only", b"a,b\n", "a header, but no rows", None, ""),
    ("a short row", b"a,b\n1,2\n3\n5,6\n", "Row 3 has 1 cell; the header has 2", 3, ""),
    ("a long row", b"1,2\n3,4\n5,6,7\n", "Row 3 has 3 cells; the first row has 2", 3, ""),
    ("text among numbers", b"a,b\n1,2\n3,abc\n5,6\n", "Row 3, column “b”: “abc” is not a number", 3, "b"),
    ("underscores in a number", b"a,b\n1_000,2\n3,4\n5,6\n", "“1_000” is not a number", 2, "a"),
    ("hexadecimal", b"a,b\n1,2\n0x10,4\n5,6\n", "“0x10” is not a number", 3, "a"),
    ("two decimal points", b"a,b\n1,2\n3,1.2.3\n5,6\n", "“1.2.3” is not a number", 3, "b"),
    ("digits of another script", "a,b\n1,2\n3,٣\n5,6\n".encode(), "“٣” is not a number", 3, "b"),
    ("1e400", b"a,b\n1,2\n3,1e400\n", "Row 3, column “b”: “1e400” is not a finite number", 3, "b"),
    ("infinity", b"a,b\n1,2\n-inf,4\n", "“-inf” is not a finite number", 3, "a"),
    ("a decimal comma among points", b"a;b\n1.5;2.5\n3,5;4.5\n", "“3,5” is not a number: the others have a d", 3, "a"),
    ("a decimal point among commas", b"a;b\n1,5;2,5\n3.5;4,5\n", "“3.5” is not a number: the others have a d", 3, "a"),
    ("texts only", b"a,b\nx,y\nz,w\n", "no column of numbers; it has “a”, “b”", None, ""),
    ("gaps only", b"a,b\n,\nNA,?\n", "no column of numbers", None, ""),
    ("5,001 columns", b",".join([b"1"] * 5001), "has 5,001 columns", None, ""),
    ("a quotation mark left open", b'a,b\n1,2\n3,"4\n5,6\n', "Row 3 has a quotation mark that is never closed", 3, ""),
    ("a quotation mark inside a cell", b'a,b\n1,2\n3,"4"5\n', "Row 3 has a quotation mark in the middle", 3, ""),
    ("a NUL byte", b"a,b\n1,2\n" * 9000 + b"3,\0\n", "Row 18,001 holds a NUL byte", 18_001, ""),
    ("UTF-16 without a mark", "a,b\n1,2\n".encode("utf-16-le"), "is not a text", None, ""),
    ("broken UTF-16", b"\xff\xfe\x00\xd8\x00\xd8", "says that it is UTF-16", None, ""),
    ("binary", bytes(range(256)), "is not a text", None, ""),
    ("a picture", b"\x89PNG\r\n\x1a\n" + bytes(50), "is a picture", None, ""),
    ("a pickle", pickle.dumps([1, 2]), "is a pickle", None, ""),
    ("HDF5", b"\x89HDF\r\n\x1a\n" + bytes(50), "is an HDF5 file", None, ""),
    ("a cut-off gzip", gzip.compress(b"a,b\n" + os.urandom(99).hex().encode())[:-9], "is cut off", None, ""),
    ("a damaged gzip", b"\x1f\x8b\x08\0\0\0\0\0\0\0\xff\xff\xff", "is damaged", None, ""),
    ("gzip of nothing", gzip.compress(b""), "no rows", None, ""),
    ("gzip of an array", lambda: gzip.compress(saved(np.save, NUMBERS)()), "is not a text", None, ""),
    ("a cut-off array", lambda: saved(np.save, NUMBERS)()[:-4], "44 bytes for them", None, ""),
    ("an array with a lying header", lying(), "17,592,186,044,416 x 1 numbers of 8 bytes, but", None, ""),
    ("an array with a hostile header", b"\x93NUMPY\x01\0\xff\xff" + b"(" * 60_000, "header that cannot be", None, ""),
    (
        "an array whose header does not end",
        b"\x93NUMPY\x01\0\x0f\0{'shape': (3,2L\n",
        "header that cannot be",
        None,
        "",
    ),
    ("an array of objects", saved(np.save, OBJECTS), "holds Python objects", None, ""),
    ("an array of texts", saved(np.save, np.array(["a", "b"])), "does not hold plain numbers", None, ""),
    ("complex numbers", saved(np.save, NUMBERS * 1j), "does not hold plain numbers", None, ""),
    ("records", saved(np.save, np.zeros(3, "i4,f8")), "does not hold plain numbers", None, ""),
    ("three dimensions", saved(np.save, np.zeros((2, 2, 2))), "has 3 dimensions", None, ""),
    ("no dimension", saved(np.save, np.float64(3)), "has 0 dimensions", None, ""),
    ("an array without rows", saved(np.save, np.zeros((0, 2))), "0 rows of 2 columns", None, ""),
    ("infinity in an array", saved(np.save, np.array([[1, 2], [3, np.inf]])), "Row 2, column “x2”", 2, "x2"),
    ("several arrays", saved(np.savez, NUMBERS, NUMBERS), "holds 2 arrays: “arr_0”, “arr_1”", None, ""),
    ("objects in an archive", saved(np.savez, OBJECTS), "holds Python objects", None, ""),
    ("a damaged archive", lambda: saved(np.savez, NUMBERS)()[:-30], "is damaged", None, ""),
    ("a ZIP file", zipped(table__csv=b"a,b\n1,2\n"), "is a ZIP file", None, ""),
    ("Excel", zipped(**{"xl/workbook__xml": b""}), "is an Excel file", None, ""),
    ("a cut-off Parquet", parquet(a=[1, 2])[:-6], "is cut off", None, ""),
    ("a damaged Parquet", b"PAR1" + b"\xff" * 100 + b"PAR1", "is damaged", None, ""),
    ("Parquet without its middle", lambda: (p := parquet(a=[1, 2]))[:20] + p[60:], "is damaged", None, ""),
    ("Parquet without rows", parquet(a=pl.Series([], dtype=pl.Float64)), "no rows", None, ""),
    ("Parquet of texts", parquet(a=["x", "y"]), "no column of numbers", None, ""),
    ("infinity in Parquet", parquet(a=[1.0, 2.0], b=[1.0, float("inf")]), "Row 2, column “b”", 2, "b"),
    ("ARFF without data", HEAD, "has no data", None, ""),
    ("ARFF without rows", HEAD + b"@data\n", "but no rows", None, ""),
    ("ARFF without columns", b"@relation r\n@data\n1\n", "Row 2 begins the data, but no column", 2, ""),
    ("sparse ARFF", HEAD + b"@data\n% c\n\n{0 1, 1 2}\n", "Row 7 is sparse ARFF", 7, ""),
    ("ARFF of an unknown kind", b"@relation r\n@attribute a matrix\n@data\n1\n", "unknown kind “matrix”", 2, ""),
    ("ARFF with nonsense", HEAD + b"nonsense\n@data\n1,2\n", "Row 4 is neither", 4, ""),
    ("a short row in ARFF", HEAD + b"@data\n1,2\n%\n3\n", "Row 7 has 1 cell", 7, ""),
    ("text among numbers in ARFF", HEAD + b"@data\n1,2\nx,3\n", "Row 6, column “a”: “x” is not", 6, "a"),
]


def refused(path: Path) -> TableError:
    with pytest.raises(TableError) as caught:
        read(path)
    error = caught.value
    assert error.message.endswith(".") and error.remedy.endswith(".")
    return error


@pytest.mark.parametrize(("content", "says", "row", "column"), [pytest.param(*b[1:], id=b[0]) for b in BAD])
def test_a_bad_table_is_refused_with_its_reason(
    tmp_path: Path, content: Content, says: str, row: int | None, column: str
) -> None:
    path = tmp_path / "bad"
    path.write_bytes(content() if callable(content) else content)
    error = refused(path)
    assert says in error.message
    assert (error.row, error.column) == (row, column)


def test_a_wrong_cell_deep_in_a_large_file_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "BLOCK", 500)
    rows = ["name,value", *(f'"of\n{place}",{place}' for place in range(1000))]
    rows[701] = '"of\n700",seven'
    (tmp_path / "t.csv").write_text("\n".join(rows))
    error = refused(tmp_path / "t.csv")
    assert (error.row, error.column) == (2 + 2 * 700, "value")


def test_a_short_row_deep_in_a_large_file_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "BLOCK", 500)
    rows = ["a,b,c", *["1,2,3"] * 1000]
    rows[888] = "1,2"
    (tmp_path / "t.csv").write_text("\r\n".join(rows))
    assert refused(tmp_path / "t.csv").row == 889


def test_a_gzip_bomb_is_refused_before_it_has_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "BOMB_FROM", 2**18)
    monkeypatch.setattr(source_module, "BLOCK", 2**16)
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"0,0\n" * 2**20))
    assert "unpacks to 0 MiB or more, from" in refused(tmp_path / "bomb.csv.gz").message
    np.savez_compressed(tmp_path / "bomb.npz", np.zeros((2**16, 2)))
    assert "unpacks to 1 MiB or more, from" in refused(tmp_path / "bomb.npz").message


def test_a_parquet_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gmstudio.data.tables import parquet as parquet_module

    monkeypatch.setattr(parquet_module, "BOMB_FROM", 2**16)
    pl.DataFrame({"a": np.zeros(2**20)}).write_parquet(tmp_path / "bomb.parquet")
    assert "1,048,576 numbers in" in refused(tmp_path / "bomb.parquet").message


def test_a_row_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "BLOCK", 2**16)
    monkeypatch.setattr(chunks_module, "LONGEST_ROW", 2**20)
    (tmp_path / "t.csv").write_bytes(b"a,b\n1,2\n" + b"1," * 2**20)
    assert refused(tmp_path / "t.csv").row == 3
    (tmp_path / "t.csv").write_bytes(b'a,b\n1,"2\n' + b"1,2\n" * 2**19)
    error = refused(tmp_path / "t.csv")
    assert "quotation mark" in error.message and error.row == 2


def test_a_cell_without_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"a,b\n1,2\n3," + b"4" * 200_000 + b"x\n")
    assert refused(tmp_path / "t.csv").row == 3


def test_more_numbers_than_fit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_module, "MOST_NUMBERS", 100)
    rows = np.zeros((60, 2))
    np.save(tmp_path / "t.npy", rows)
    pl.DataFrame({"a": rows[:, 0], "b": rows[:, 1]}).write_parquet(tmp_path / "t.parquet")
    (tmp_path / "t.csv").write_bytes(b"1,2\n" * 60)
    for name in ("t.npy", "t.parquet", "t.csv"):
        assert "more than 100 numbers" in refused(tmp_path / name).message


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "t.csv").open("wb") as file:
        file.truncate(source_module.MOST_BYTES + 1)
    assert "is larger than 16 GiB" in refused(tmp_path / "t.csv").message


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    assert "is a folder" in refused(tmp_path).message
    assert "is not there" in refused(tmp_path / "nothing.csv").message
    assert "cannot be opened" in refused(Path("a\0b")).message
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        assert "a device or a pipe" in refused(tmp_path / "pipe").message
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    assert "points to a file that is not there" in refused(tmp_path / "dangling").message
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "cannot be opened" in refused(tmp_path / "loop").message
    if Path("/dev/zero").exists():
        (tmp_path / "zero.csv").symlink_to("/dev/zero")
        assert "a device or a pipe" in refused(tmp_path / "zero.csv").message


def test_a_link_to_a_table_is_a_table(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"a,b\n1,2\n")
    (tmp_path / "link").symlink_to(tmp_path / "t.csv")
    assert read(tmp_path / "link").rows == 1


def test_a_disk_that_fails_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: source_module.Source) -> Any:
        raise OSError(5, "Input/output error")
        yield

    (tmp_path / "t.csv").write_bytes(b"a,b\n1,2\n")
    monkeypatch.setattr(source_module.Source, "blocks", fail)
    assert "Input/output error" in refused(tmp_path / "t.csv").message


def test_5_000_columns_are_read(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"\n".join([b",".join([b"1.5"] * 5000)] * 3))
    table = read(tmp_path / "t.csv")
    assert len(table.columns) == 5000 and table.rows == 3


def test_threads_end_with_the_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    monkeypatch.setattr(source_module, "BLOCK", 100)
    (tmp_path / "t.csv").write_bytes(b"a,b\n" + b"1,2\n" * 100 + b"1,x\n" + b"1,2\n" * 1000)
    refused(tmp_path / "t.csv")
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("table")]
