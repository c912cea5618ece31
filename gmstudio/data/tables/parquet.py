"""Parquet files."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from gmstudio.data.tables.errors import TableError, at_cell
from gmstudio.data.tables.source import Source
from gmstudio.data.tables.store import Numbers
from gmstudio.data.tables.table import Column, Kind, Table, check_columns, check_size, complete, unique_names

if TYPE_CHECKING:
    import polars as pl

#: Columns that are read at once: several threads have work, and there are looks at whether to stop.
AT_ONCE = 8
#: From so many numbers on, files that hold more than `MOST_RATIO` bytes of them for each of their own are refused.
BOMB_FROM = 2**26
MOST_RATIO = 1_000
_WHOLE = "Get the whole file again, or save it anew."


def read_parquet(source: Source) -> Table:
    """Read a Parquet file: its columns in groups, its hash beside them.

    Raises:
        TableError: when it is damaged, too large, or holds no numbers or infinite ones.
    """
    import polars as pl

    name = source.path.name
    source.file.seek(-4, 2)
    if source.size < 12 or source.file.read(4) != b"PAR1":
        raise TableError(f"“{name}” is cut off: a Parquet file ends as it begins.", _WHOLE)
    try:
        with ThreadPoolExecutor(1, thread_name_prefix="table") as pool:
            hashed = pool.submit(_sha256, source)
            columns, rows = _read(source)
            return Table(columns=columns, rows=rows, path=source.path, sha256=hashed.result())
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, ValueError, OverflowError) as error:
        raise TableError(f"“{name}” is damaged: it is no Parquet file that can be read.", _WHOLE) from error


def _sha256(source: Source) -> str:
    for _ in source.blocks():
        pass
    return source.sha256


def _read(source: Source) -> tuple[tuple[Column, ...], int]:
    import polars as pl

    # A name with a star in it is a name.
    lazy = pl.scan_parquet(source.path, glob=False, hive_partitioning=False)
    schema = lazy.collect_schema()
    check_columns(len(schema))
    kinds = [_kind(dtype) for dtype in schema.dtypes()]
    rows = int(lazy.select(pl.len()).collect().item())
    if not rows or not len(schema):
        raise TableError(f"“{source.path.name}” holds no rows.", "Choose a file that holds a table.")
    _check_memory(rows, kinds.count("number"), source)
    names = unique_names(schema.names())
    store: Numbers = np.empty((kinds.count("number"), rows))
    numbers: list[Numbers | None] = [None] * len(kinds)
    for row, place in zip(store, (place for place, kind in enumerate(kinds) if kind == "number"), strict=True):
        numbers[place] = row
    missing = [0] * len(kinds)
    for start in range(0, len(kinds), AT_ONCE):
        source.report(start / len(kinds))
        _fill(lazy, schema.names(), names, numbers, missing, range(start, min(start + AT_ONCE, len(kinds))))
    return complete(names, kinds, numbers, missing), rows


def _fill(
    lazy: pl.LazyFrame,
    stored: list[str],
    names: tuple[str, ...],
    numbers: list[Numbers | None],
    missing: list[int],
    places: range,
) -> None:
    """Read some columns: the numbers of those that hold numbers, the gaps of the others."""
    import polars as pl

    wanted = [place for place in places if numbers[place] is not None]
    others = [place for place in places if numbers[place] is None]
    if wanted:
        frame = lazy.select(pl.col(stored[place]) for place in wanted).collect()
        for place, series in zip(wanted, frame.get_columns(), strict=True):
            values = numbers[place]
            assert values is not None
            values[:] = series.cast(pl.Float64).to_numpy()
            infinite = np.isinf(values)
            if infinite.any():
                remedy = "Correct the value, or leave it out where it is missing."
                raise at_cell("the value is infinite.", remedy, int(infinite.argmax()) + 1, names[place])
    if others:
        counts = lazy.select(pl.col(stored[place]).null_count() for place in others).collect().row(0)
        for place, count in zip(others, counts, strict=True):
            missing[place] = int(count)


def _check_memory(rows: int, columns: int, source: Source) -> None:
    check_size(rows, columns)
    count = rows * columns
    if count > BOMB_FROM and 8 * count > MOST_RATIO * source.size:
        raise TableError(
            f"“{source.path.name}” says that it holds {count:,} numbers in {-(-source.size // 1024):,} KiB.",
            "Tables are not like that: if you trust it, save it anew without compression.",
        )


def _kind(dtype: pl.DataType) -> Kind:
    import polars as pl

    if dtype.is_numeric():
        return "number"
    if dtype.is_temporal():
        return "date"
    return "boolean" if dtype == pl.Boolean else "text"
