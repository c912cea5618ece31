"""Tables in every format: what was written is read."""

from __future__ import annotations

import codecs
import gzip
import hashlib
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gmstudio.data.tables import source as source_module
from gmstudio.data.tables.delimited import RowReader
from gmstudio.data.tables.reading import Table, TableCancelledError, TableError, read


def put(folder: Path, content: bytes | str, name: str = "table") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def names(table: Table) -> list[str]:
    return [column.name for column in table.columns]


def matrix(table: Table) -> list[list[float]]:
    """The numbers, row by row."""
    return [list(row) for row in zip(*(column.values.tolist() for column in table.numbers), strict=True)]  # type: ignore[union-attr]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_and_ends_of_lines_are_found(tmp_path: Path, separator: str, end: str) -> None:
    rows = [["height", "weight"], ["1.5", "-2e3"], ["+.5", "4."]]
    table = read(put(tmp_path, end.join(separator.join(row) for row in rows) + end))
    assert names(table) == ["height", "weight"] and table.first == 2
    assert matrix(table) == [[1.5, -2000.0], [0.5, 4.0]]


def test_a_decimal_comma_is_found_and_told(tmp_path: Path) -> None:
    table = read(put(tmp_path, "a;b\n1,5;2\n-0,25;1e3\n"))
    assert matrix(table) == [[1.5, 2.0], [-0.25, 1000.0]]
    assert any("decimal comma" in note for note in table.notes)


def test_points_in_dates_are_no_matter_beside_decimal_commas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "day;a\n" + "".join(f"{day:02}.05.2020;{day},5\n" for day in range(1, 31))
    monkeypatch.setattr(RowReader, "_add_careful", lambda *_: pytest.fail("read cell by cell"))
    table = read(put(tmp_path, text))
    assert matrix(table) == [[day + 0.5] for day in range(1, 31)] and table.columns[0].kind == "date"


def test_a_file_is_known_by_its_content_whatever_its_name(tmp_path: Path) -> None:
    plain = "a,b\n1,2\n3,4\n"
    parquet = io.BytesIO()
    pl.DataFrame({"a": [1, 3], "b": [2, 4]}).write_parquet(parquet)
    arff = "@relation r\n@attribute a numeric\n@attribute b real\n@data\n1,2\n3,4\n"
    for content in (plain.encode(), gzip.compress(plain.encode()), parquet.getvalue(), arff.encode()):
        table = read(put(tmp_path, content, "table.xyz"))
        assert names(table) == ["a", "b"] and matrix(table) == [[1, 2], [3, 4]]
        assert table.sha256 == hashlib.sha256(content).hexdigest() and table.rows == 2


@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8])
def test_utf8_is_read_with_and_without_a_mark(tmp_path: Path, mark: bytes) -> None:
    table = read(put(tmp_path, mark + "größe,β\n1,2\n".encode()))
    assert names(table) == ["größe", "β"] and not table.notes


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf16_with_a_mark_is_read(tmp_path: Path, encoding: str) -> None:
    marks = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
    table = read(put(tmp_path, marks.get(encoding, b"") + "größe,β\n1,2\n".encode(encoding)))
    assert names(table) == ["größe", "β"] and matrix(table) == [[1, 2]]


def test_what_is_not_utf8_is_read_as_windows_text_and_told(tmp_path: Path) -> None:
    table = read(put(tmp_path, "größe,euro\n1,2\n".encode("cp1252")))
    assert names(table) == ["größe", "euro"]
    assert any("Windows-1252" in note for note in table.notes)


@pytest.mark.parametrize(
    ("text", "header", "rows"),
    [
        ("1,2\n3,4\n", ["x1", "x2"], 2),
        ("a,b\n3,4\n", ["a", "b"], 1),
        ("a,2\n3,4\n", ["a", "2"], 1),
        ("5.1,setosa\n4.9,setosa\n", ["x1", "x2"], 2),
        ("width,kind\n4.9,setosa\n", ["width", "kind"], 1),
        ("1,?\n3,4\n", ["x1", "x2"], 2),
        ("\n\na,b\n3,4\n", ["a", "b"], 1),
    ],
)
def test_a_header_is_told_from_numbers(tmp_path: Path, text: str, header: list[str], rows: int) -> None:
    table = read(put(tmp_path, text))
    assert names(table) == header and table.rows == rows


def test_names_that_are_empty_or_twice_become_unique(tmp_path: Path) -> None:
    table = read(put(tmp_path, 'a,a,,a_2,"b\nc"\n1,2,3,4,5\n'))
    assert names(table) == ["a", "a_3", "x3", "a_2", "b c"]


@pytest.mark.parametrize("word", ["", "NA", "NaN", "nan", "N/A", "n/a", "null", "NULL", "?", "-", " ", " NA "])
def test_missing_values_have_many_spellings(tmp_path: Path, word: str) -> None:
    table = read(put(tmp_path, f"a,b\n1,2\n{word},4\n5,{word}\n"))
    assert [column.missing for column in table.columns] == [1, 1]
    assert np.array_equal(matrix(table), [[1, 2], [math.nan, 4], [5, math.nan]], equal_nan=True)


def test_columns_are_numbers_texts_dates_or_booleans(tmp_path: Path) -> None:
    table = read(put(tmp_path, "n,t,d,b,e\n1,x,2020-01-02,true,\n2,?,03.04.2021,No,\n3,z,2021-05-06T07:08:09,yes,NA\n"))
    assert [column.kind for column in table.columns] == ["number", "text", "date", "boolean", "text"]
    assert [column.values is None for column in table.columns] == [False, True, True, True, True]
    assert [column.missing for column in table.columns] == [0, 1, 0, 0, 3]


def test_quotation_marks_hold_separators_and_lines_together(tmp_path: Path) -> None:
    table = read(put(tmp_path, 'name,"v,w"\n"a,b",1\n"c\nd","2"\n"say ""hi""",3\n'))
    assert names(table) == ["name", "v,w"] and matrix(table) == [[1], [2], [3]]


def test_blanks_around_cells_and_blank_lines_are_no_matter(tmp_path: Path) -> None:
    table = read(put(tmp_path, "a, b\n 1,\t2\n\n3 , 4\n   \n\n"))
    assert names(table) == ["a", "b"] and matrix(table) == [[1, 2], [3, 4]]


def test_one_column_is_a_table_and_its_blank_lines_are_no_values(tmp_path: Path) -> None:
    assert matrix(read(put(tmp_path, "x\n1\n\n2\n"))) == [[1], [2]]


def test_large_files_are_read_in_portions_with_rows_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "BLOCK", 1000)
    values = np.random.default_rng(1).normal(size=(2_000, 3)).round(5)
    lines = [f'{a!r},"te""x,\nt",{b!r},{c!r}' for a, b, c in values.tolist()]
    marks: list[float] = []
    table = read(put(tmp_path, "a,t,b,c\n" + "\n".join(lines)), progress=marks.append)
    assert np.array_equal(matrix(table), values) and table.rows == 2_000
    assert marks == sorted(marks) and marks[0] == 0 and marks[-1] == 1 and len(marks) > 50


def test_a_spelling_of_missing_that_first_comes_late_is_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "BLOCK", 1000)
    rows = ["1,2"] * 800 + ["NA,2"] * 800 + ["1, null"] * 800
    table = read(put(tmp_path, "a,b\n" + "\n".join(rows)))
    assert [column.missing for column in table.columns] == [800, 800] and table.rows == 2_400


def test_a_column_whose_first_value_comes_late_is_what_its_values_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_module, "BLOCK", 1000)
    rows = ["1,,,"] * 1500 + ["2,3,a remark,?"] * 1500 + ["2,,another,2020-01-01"] * 1500
    table = read(put(tmp_path, "a,late,words,day\n" + "\n".join(rows)))
    assert [column.kind for column in table.columns] == ["number", "number", "text", "date"]
    assert [column.missing for column in table.columns] == [0, 3000, 1500, 3000]
    assert table.columns[1].values is not None and float(np.nansum(table.columns[1].values)) == 4500


@pytest.mark.parametrize("packed", [False, True])
def test_reading_can_be_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: bool) -> None:
    monkeypatch.setattr(source_module, "BLOCK", 1000)
    text = ("a,b\n" + "1,2\n" * 5000).encode()
    path, marks = put(tmp_path, gzip.compress(text) if packed else text), list[float]()
    with pytest.raises(TableCancelledError):
        read(path, progress=marks.append, cancelled=lambda: len(marks) > 3)
    assert 3 < len(marks) < 10


@pytest.mark.parametrize("dtype", ["f8", ">f4", "f2", "i4", "u1", "?"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_are_read(tmp_path: Path, dtype: str, order: Any) -> None:
    array = np.asarray(np.arange(12).reshape(4, 3) % 5, dtype=dtype, order=order)
    for save in (np.save, np.savez, np.savez_compressed):
        file = io.BytesIO()
        save(file, array)
        table = read(put(tmp_path, file.getvalue()))
        assert names(table) == ["x1", "x2", "x3"] and np.array_equal(matrix(table), array.astype(float))
        assert table.sha256 == hashlib.sha256(file.getvalue()).hexdigest()


def test_a_vector_is_one_column(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.array([1.0, np.nan, 3.0]))
    table = read(tmp_path / "v.npy")
    assert names(table) == ["x1"] and table.columns[0].missing == 1


def test_parquet_has_types(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "i": [1, None, 3],
            "f": pl.Series([0.5, float("nan"), 2.0], dtype=pl.Float32),
            "m": pl.Series(["1.25", "2.50", "3.75"]).cast(pl.Decimal(10, 2)),
            "t": ["x", None, "z"],
            "b": [True, False, None],
            "d": pl.Series([1, 2, 3]).cast(pl.Date),
            "l": [[1], [2], None],
        }
    )
    path = tmp_path / "a [1]*.parquet"
    frame.write_parquet(path)
    table = read(path)
    assert names(table) == ["i", "f", "m", "t", "b", "d", "l"]
    assert [c.kind for c in table.columns] == ["number", "number", "number", "text", "boolean", "date", "text"]
    assert [c.missing for c in table.columns] == [1, 1, 0, 1, 1, 0, 1]
    assert matrix(table)[2] == [3.0, 2.0, 3.75]


ARFF = """% a comment
@RELATION 'some data'

@attribute 'first one' NUMERIC
@attribute grade {1, 2, 3}
@attribute kind {x, 'y z'}
@attribute day date "yyyy-MM-dd"
@attribute note string
@DATA
% another
1.5, 2, x, 2020-01-01, 'hi, you'

?,3,'y z',?,u
"""


@pytest.mark.parametrize("packed", [False, True])
def test_arff_says_what_its_columns_are(tmp_path: Path, packed: bool) -> None:
    table = read(put(tmp_path, gzip.compress(ARFF.encode()) if packed else ARFF.encode()))
    assert names(table) == ["first one", "grade", "kind", "day", "note"]
    assert [column.kind for column in table.columns] == ["number", "number", "text", "date", "text"]
    assert [column.missing for column in table.columns] == [1, 0, 0, 1, 0]
    assert np.array_equal(matrix(table), [[1.5, 2], [math.nan, 3]], equal_nan=True)


NUMBERS = st.floats(allow_infinity=False, width=64)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=8)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[float]]]:
    width = draw(st.integers(2, 4))
    rows = draw(st.lists(st.lists(NUMBERS, min_size=width, max_size=width), min_size=2, max_size=8))
    # A column of which nothing is known but gaps is text, and a name must not be a number.
    rows[0] = [0.0 if math.isnan(value) else value for value in rows[0]]
    return [f"{draw(TEXTS)}c{place}" for place in range(width)], rows


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=tables(),
    separator=st.sampled_from([",", ";", "\t"]),
    comma=st.booleans(),
    gap=st.sampled_from(["", "NA", "?", "-", "nan"]),
    end=st.sampled_from(["\n", "\r\n"]),
    mark=st.sampled_from([b"", codecs.BOM_UTF8, codecs.BOM_UTF16_LE]),
    packed=st.booleans(),
    quotes=st.booleans(),
)
def test_what_is_written_is_read_back_to_the_bit(
    tmp_path: Path,
    content: tuple[list[str], list[list[float]]],
    separator: str,
    comma: bool,
    gap: str,
    end: str,
    mark: bytes,
    packed: bool,
    quotes: bool,
) -> None:
    header, rows = content
    comma &= separator != ","

    def cell(value: float) -> str:
        text = gap if math.isnan(value) else repr(value)
        text = text.replace(".", ",") if comma else text
        return f'"{text}"' if quotes else text

    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    lines = [separator.join(map(quoted, header)), *(separator.join(map(cell, row)) for row in rows)]
    text = end.join(lines) + end
    data = mark + text.encode("utf-16-le" if mark == codecs.BOM_UTF16_LE else "utf-8")
    table = read(put(tmp_path, gzip.compress(data) if packed else data))
    assert table.rows == len(rows) and len(table.columns) == len(header)
    assert [name.rsplit("c", 1)[1] for name in names(table)] == [str(place) for place in range(len(header))]
    assert np.array_equal(matrix(table), rows, equal_nan=True)


STARTS = [
    b"",
    b"\x1f\x8b\x08\0",
    b"\x93NUMPY\x01\0",
    b"PK\x03\x04",
    b"PAR1",
    b"@relation x\n@data\n",
    b"\xff\xfe",
    b"a,b\n",
]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.sampled_from(STARTS),
    body=st.one_of(st.binary(max_size=200), st.text(st.sampled_from("0123456789.,;\t\n\r\"'ae-+?{}@% "), max_size=80)),
    end=st.sampled_from([b"", b"PAR1"]),
    packed=st.booleans(),
)
def test_any_bytes_are_a_table_or_refused(
    tmp_path: Path, start: bytes, body: bytes | str, end: bytes, packed: bool
) -> None:
    data = start + (body.encode() if isinstance(body, str) else body) + end
    try:
        table = read(put(tmp_path, gzip.compress(data) if packed else data))
    except TableError as error:
        assert error.message and error.remedy
    else:
        assert table.numbers and all(len(c.values) == table.rows for c in table.numbers if c.values is not None)
        assert len(set(names(table))) == len(table.columns)
