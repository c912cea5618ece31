"""From the files of an archive to the table that the papers train on.

The wines and Parkinsons as in Tran et al. (NeurIPS 2023); MiniBooNE, POWER, GAS and HEPMASS as in Papamakarios et al.
(NeurIPS 2017).  MAF's own table of GAS is published as a pickle only; here it is made from UCI's file.
Standardising and splitting come later and are the same for all tables (`gmstudio.data.tables.preparing`).
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gmstudio.data.uci.catalogue import Entry
from gmstudio.data.uci.errors import OWN_FILE, DownloadCancelled, DownloadError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Files = Mapping[str, Path]
Asked = Callable[[], bool]

PARKINSONS: Final = (
    "test_time",
    "motor_UPDRS",
    "total_UPDRS",
    "Jitter(Abs)",
    "Jitter:PPQ5",
    "Jitter:DDP",
    "Shimmer(dB)",
    "Shimmer:APQ5",
    "Shimmer:APQ11",
    "Shimmer:DDA",
    "NHR",
    "HNR",
    "RPDE",
    "DFA",
    "PPE",
)
#: Columns of the MAF paper's file; those without noise are left out (Papamakarios et al., appendix D.1).
POWER: Final = (
    "global active power",
    "global reactive power",
    "voltage",
    "global intensity",
    "sub-metering 1",
    "sub-metering 2",
    "sub-metering 3",
    "time of day",
)
POWER_KEPT: Final = (0, 2, 4, 5, 6, 7)
GAS_SENSORS: Final = 16
GAS_SHARE: Final = 4
HEPMASS_FEATURES: Final = 27
#: A column whose smallest value occurs more often than this has atoms.
MOST_REPEATS: Final = 5
MOST_CORRELATION: Final = 0.98
BLOCK: Final = 50_000
LONGEST_LINE: Final = 100_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """A table as the papers have it, in the units of the data and in the order in which it is split.

    Attributes:
        values: (N, D) float64, all finite.
        columns: D names.
    """

    values: NDArray[np.float64]
    columns: tuple[str, ...]

    def fingerprint(self) -> str:
        """Hash of the columns' names and all numbers, in hexadecimal."""
        import numpy as np

        found = hashlib.sha256("\n".join(self.columns).encode())
        found.update(np.ascontiguousarray(self.values, dtype="<f8").data)
        return found.hexdigest()

    def content(self) -> str:
        """Hash of the numbers in float32, which is the same for copies that print more or fewer digits."""
        import numpy as np

        return hashlib.sha256(np.ascontiguousarray(self.values, dtype="<f4").data).hexdigest()


def prepare(entry: Entry, files: Files, cancelled: Asked = lambda: False) -> Prepared:
    """Make the table.

    Args:
        entry: the data set.
        files: the archive's members by name; for some, a NumPy file with the papers' own table under that name.
        cancelled: asked now and then.

    Raises:
        DownloadError: when the files are not what they should be, saying where.
    """
    import numpy as np

    from gmstudio.data.tables.errors import TableCancelledError, TableError

    try:
        columns, values = _PREPARATIONS[entry.name](entry, files, cancelled)
    except TableCancelledError as error:
        raise DownloadCancelled(entry.title) from error
    except TableError as error:
        raise DownloadError(f"{entry.title} cannot be read. {error.message}", _remedy()) from error
    except (ValueError, OSError, StopIteration, IndexError, OverflowError) as error:
        raise DownloadError(f"{entry.title} cannot be read: {error}.", _remedy()) from error
    rows, dim = values.shape
    if (entry.rows and rows != entry.rows) or (entry.columns and dim != entry.columns):
        raise DownloadError(
            f"{entry.title} has {rows:,} rows and {dim} columns after the preparation, and should have "
            f"{entry.rows:,} and {entry.columns or 'several'}.",
            _remedy(),
        )
    if not np.isfinite(values).all():
        row, column = (int(index[0]) for index in np.nonzero(~np.isfinite(values)))
        raise DownloadError(f"{entry.title} has no number in row {row + 1:,}, column {columns[column]}.", _remedy())
    return Prepared(np.ascontiguousarray(values, dtype=np.float64), columns)


_Table = tuple[tuple[str, ...], "NDArray[np.float64]"]


def _wine(entry: Entry, files: Files, cancelled: Asked) -> _Table:
    names, values = _table(files[entry.members[0].name], cancelled)
    keep = [i for i, name in enumerate(names) if name != "quality"]
    return tuple(names[i] for i in keep), values[:, keep]


def _parkinsons(entry: Entry, files: Files, cancelled: Asked) -> _Table:
    names, values = _table(files[entry.members[0].name], cancelled)
    missing = [name for name in PARKINSONS if name not in names]
    if missing:
        raise ValueError(f"there is no column {missing[0]!r}")
    return PARKINSONS, values[:, [names.index(name) for name in PARKINSONS]]


def _miniboone(entry: Entry, files: Files, cancelled: Asked) -> _Table:
    """The file begins with the numbers of signal and of background events, and the signal comes first."""
    import numpy as np

    path = files[entry.members[0].name]
    if _is_numpy(path):
        _, values = _table(path, cancelled)
        return tuple(f"feature {i + 1}" for i in range(values.shape[1])), values
    with _text(path) as lines:
        signal = int(next(lines).split()[0])
        values = _numbers(itertools.islice(lines, signal), cancelled, entry)
    values = values[values[:, 0] >= -100]
    keep = np.flatnonzero(~_has_atoms(values))
    return tuple(f"feature {i + 1}" for i in keep), values[:, keep]


def _power(entry: Entry, files: Files, cancelled: Asked) -> _Table:
    """The draws are in the order of the MAF paper's code: rows, then noise on voltage, active power, sub-metering."""
    import numpy as np

    _, values = _table(files[entry.members[0].name], cancelled)
    if values.shape[1] != len(POWER):
        raise ValueError(f"there are {values.shape[1]} columns instead of {len(POWER)}")
    rng = np.random.RandomState(42)
    rng.shuffle(values)
    values = values[:, POWER_KEPT]
    rows = len(values)
    values[:, 1] += 0.01 * rng.rand(rows)
    values[:, 0] += 0.001 * rng.rand(rows)
    values[:, 2:5] += rng.rand(rows, 3)
    return tuple(POWER[i] for i in POWER_KEPT), values


def _gas(entry: Entry, files: Files, cancelled: Asked) -> _Table:
    import numpy as np

    path = files[entry.members[0].name]
    if _is_numpy(path):
        _, values = _table(path, cancelled)
        return tuple(f"sensor column {i + 1}" for i in range(values.shape[1])), values
    with _text(path) as lines:
        next(lines)
        # time, two concentrations, sensors
        values = _numbers(itertools.islice(lines, 0, None, GAS_SHARE), cancelled, entry)[:, 3:]
    if values.shape[1] != GAS_SENSORS:
        raise ValueError(f"there are {values.shape[1]} sensors instead of {GAS_SENSORS}")
    values = values[: entry.rows or None]
    keep = list(range(GAS_SENSORS))
    correlated = np.asarray(np.corrcoef(values, rowvar=False) > MOST_CORRELATION)
    while True:
        others = correlated[np.ix_(keep, keep)].sum(1) - 1
        if not (others > 0).any():
            return tuple(f"sensor {i + 1}" for i in keep), values[:, keep]
        del keep[int(np.flatnonzero(others > 0)[0])]


def _hepmass(entry: Entry, files: Files, cancelled: Asked) -> _Table:
    """Label first, then the features; the test file has one column more, which is nobody's."""
    import numpy as np

    def signal(path: Path) -> NDArray[np.float64]:
        with _text(path) as lines:
            next(lines)
            cut = (line.split(",", HEPMASS_FEATURES + 1)[: HEPMASS_FEATURES + 1] for line in lines)
            values = _numbers((",".join(parts) for parts in cut), cancelled, entry, delimiter=",")
        return values[values[:, 0] == 1, 1:]

    train, test = (signal(files[member.name]) for member in entry.members)
    if len(test) != (entry.test_rows or len(test)):
        raise ValueError(f"there are {len(test):,} test rows instead of {entry.test_rows:,}")
    keep = np.flatnonzero(~_has_atoms(train))
    return tuple(f"f{i}" for i in keep), np.concatenate([train, test])[:, keep]


def _has_atoms(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """For each column, whether its smallest value occurs too often; (D,)."""
    return (values == values.min(0)).sum(0) > MOST_REPEATS  # type: ignore[no-any-return]


def _table(path: Path, cancelled: Asked) -> tuple[list[str], NDArray[np.float64]]:
    """A table with names, or a NumPy file, with the limits and messages of any table that a person opens."""
    import numpy as np

    from gmstudio.data.tables.reading import read

    names, numbers = [], []
    for column in read(path, cancelled=cancelled).columns:
        if column.values is None:
            raise ValueError(f"column “{column.name}” holds no numbers")
        names.append(column.name)
        numbers.append(column.values)
    return names, np.column_stack(numbers)


def _numbers(lines: Iterator[str], cancelled: Asked, entry: Entry, delimiter: str | None = None) -> NDArray[np.float64]:
    """Numbers of lines of text, (N, D); asks in between whether to go on."""
    import numpy as np

    blocks: list[NDArray[np.float64]] = []
    while block := list(itertools.islice(lines, BLOCK)):
        if cancelled():
            raise DownloadCancelled(entry.title)
        try:
            blocks.append(np.loadtxt(block, delimiter=delimiter, comments=None, ndmin=2))
        except ValueError as error:
            start = BLOCK * len(blocks)
            raise ValueError(f"after line {start:,}: {error}" if start else str(error)) from error
    if not blocks:
        raise ValueError("there are no rows")
    return np.concatenate(blocks)


class _text:  # noqa: N801 - reads as a function in a with statement
    """Lines of a text file, none of them endless."""

    def __init__(self, path: Path) -> None:
        self._file = path.open(encoding="utf-8-sig")

    def __enter__(self) -> Iterator[str]:
        return self._lines()

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def _lines(self) -> Iterator[str]:
        while line := self._file.readline(LONGEST_LINE):
            if len(line) == LONGEST_LINE:
                raise ValueError("a line is too long")
            yield line


def _is_numpy(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(6) == b"\x93NUMPY"


def _remedy() -> str:
    return f"Download it again, or {OWN_FILE}."


_PREPARATIONS: Final[Mapping[str, Callable[[Entry, Files, Asked], _Table]]] = {
    "red wine": _wine,
    "white wine": _wine,
    "Parkinsons": _parkinsons,
    "MiniBooNE": _miniboone,
    "POWER": _power,
    "GAS": _gas,
    "HEPMASS": _hepmass,
}
