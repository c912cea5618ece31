"""The data sets that a person can choose by name: what they are, whose they are, and where they come from.

Hashes are given where they could be checked against the bytes: those of the wines and of Parkinsons telemonitoring.
The archive of the MAF paper has the MD5 sum that Zenodo publishes for it.  For the others the hash of the first
download is kept beside the data, and the person is told that there was nothing to check it against.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, get_args

from gmstudio.errors import RefusedError

Name = Literal[
    "iris",
    "wine",
    "breast cancer",
    "digits",
    "red wine",
    "white wine",
    "Parkinsons",
    "MiniBooNE",
    "POWER",
    "GAS",
    "HEPMASS",
]

#: The only hosts that anything is fetched from.
HOSTS: Final = ("archive.ics.uci.edu", "zenodo.org")

MB: Final = 10**6


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside an archive.

    Attributes:
        path: its path in the archive.
        limit: the most bytes that it may have.
        sha256: its hash in hexadecimal; empty where it is not known.
    """

    path: str
    limit: int
    sha256: str = ""

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Entry:
    """One data set of the catalogue.

    Attributes:
        name: as a specification writes it.
        title: as people read it.
        rows, columns: of the prepared table; 0 where the papers' preparation does not fix it.
        licence: of the data.
        citation: whom to cite.
        page: where a person can read about the data.
        preparation: what is done to the file before it is a table, in words.
        url: of the archive; empty for what scikit-learn brings along.
        size: bytes of the download, about.
        sha256: hash of the archive; empty where it is not known.
        md5: published sum of the archive, where there is no sha256; it tells damage, not malice.
        members: what is taken from the archive.
        content: hash of the prepared table in float32, for copies of the file in other formats; empty where unknown.
        test_rows: how many rows at the end are the published test points; 0 for a tenth.
    """

    name: Name
    title: str
    rows: int
    columns: int
    licence: str
    citation: str
    page: str
    preparation: str
    url: str = ""
    size: int = 0
    sha256: str = ""
    md5: str = ""
    members: tuple[Member, ...] = ()
    content: str = ""
    test_rows: int = 0

    @property
    def bundled(self) -> bool:
        """Whether scikit-learn brings it along, so that nothing is downloaded."""
        return not self.url

    @property
    def archive(self) -> str:
        """The file name of the archive."""
        return self.url.rpartition("/")[2].replace("+", "-")


_UCI = "https://archive.ics.uci.edu"
_MAF_URL = "https://zenodo.org/records/1161203/files/data.tar.gz"
_MAF_MD5 = "9b9c9b0375315ad270eba4ce80c093ab"
_MAF = "G. Papamakarios, T. Pavlakou, I. Murray, Masked autoregressive flow for density estimation, NeurIPS 2017"
_WINES = "P. Cortez, A. Cerdeira, F. Almeida, T. Matos, J. Reis (2009). Wine Quality. UCI. doi:10.24432/C56S3T"
_WINE_PREPARATION = "All columns but the quality, rows in the file's order (Tran et al., NeurIPS 2023)."
_WINE_URL = f"{_UCI}/static/public/186/wine+quality.zip"
_WINE_PAGE = f"{_UCI}/dataset/186/wine+quality"

_ENTRIES: tuple[Entry, ...] = (
    Entry(
        name="iris",
        title="Iris",
        rows=150,
        columns=4,
        licence="CC BY 4.0",
        citation="R. A. Fisher (1936). Iris. UCI. doi:10.24432/C56C76",
        page=f"{_UCI}/dataset/53/iris",
        preparation="All four measurements, without the species.",
    ),
    Entry(
        name="wine",
        title="Wine",
        rows=178,
        columns=13,
        licence="CC BY 4.0",
        citation="S. Aeberhard, M. Forina (1992). Wine. UCI. doi:10.24432/C5PC7J",
        page=f"{_UCI}/dataset/109/wine",
        preparation="All thirteen measurements, without the cultivar.",
    ),
    Entry(
        name="breast cancer",
        title="Breast cancer (Wisconsin, diagnostic)",
        rows=569,
        columns=30,
        licence="CC BY 4.0",
        citation="W. Wolberg, O. Mangasarian, N. Street, W. Street (1993). Breast Cancer Wisconsin (Diagnostic). UCI. "
        "doi:10.24432/C5DW2B",
        page=f"{_UCI}/dataset/17/breast+cancer+wisconsin+diagnostic",
        preparation="All thirty measurements, without the diagnosis.",
    ),
    Entry(
        name="digits",
        title="Digits, 8 × 8",
        rows=1797,
        columns=64,
        licence="CC BY 4.0",
        citation="E. Alpaydin, C. Kaynak (1998). Optical Recognition of Handwritten Digits. UCI. doi:10.24432/C50P49",
        page=f"{_UCI}/dataset/80/optical+recognition+of+handwritten+digits",
        preparation="One column for each of the 64 pixels, grey values from 0 to 16 with uniform noise below 1 added, "
        "since some pixels are never inked.",
    ),
    Entry(
        name="red wine",
        title="Red wine quality",
        rows=1599,
        columns=11,
        licence="CC BY 4.0",
        citation=_WINES,
        preparation=_WINE_PREPARATION,
        size=91_353,
        members=(
            Member("winequality-red.csv", MB, "4a402cf041b025d4566d954c3b9ba8635a3a8a01e039005d97d6a710278cf05e"),
        ),
        content="ab2aa5638286d12cb9ab5c6ed65e07a8950e97c9b06e81620886502440b87eb4",
        url=_WINE_URL,
        page=_WINE_PAGE,
    ),
    Entry(
        name="white wine",
        title="White wine quality",
        rows=4898,
        columns=11,
        licence="CC BY 4.0",
        citation=_WINES,
        preparation=_WINE_PREPARATION,
        size=91_353,
        members=(
            Member("winequality-white.csv", MB, "76c3f809815c17c07212622f776311faeb31e87610d52c26d87d6e361b169836"),
        ),
        content="dc5cfcd61f876406a4cf1580b3e1e330d5716ee556d57c6227482331ef535159",
        url=_WINE_URL,
        page=_WINE_PAGE,
    ),
    Entry(
        name="Parkinsons",
        title="Parkinsons telemonitoring",
        rows=5875,
        columns=15,
        licence="CC BY 4.0",
        citation="A. Tsanas, M. Little (2009). Parkinsons Telemonitoring. UCI. doi:10.24432/C5ZS3N",
        page=f"{_UCI}/dataset/189/parkinsons+telemonitoring",
        preparation="Fifteen columns: without subject, age and sex, and without those that nearly repeat another "
        "(Jitter(%), Jitter:RAP, Shimmer, Shimmer:APQ3); rows in the file's order (Tran et al., NeurIPS 2023).",
        url=f"{_UCI}/static/public/189/parkinsons+telemonitoring.zip",
        size=300_000,
        members=(
            Member("parkinsons_updrs.data", 2 * MB, "f2c7d5025dec4e92e7feae367a5f7ccf58789a10ac6b54bdf15976c599f9dd39"),
        ),
        content="8337a9baa874d9005efb1f15e6cd7fa5a8fdcd2d41b23800d7be7117caac6c6c",
    ),
    Entry(
        name="MiniBooNE",
        title="MiniBooNE particle identification",
        rows=36_488,
        columns=43,
        licence="CC BY 4.0",
        citation=f"B. Roe (2005). MiniBooNE particle identification. UCI. doi:10.24432/C5QC87; prepared as in {_MAF}",
        page=f"{_UCI}/dataset/199/miniboone+particle+identification",
        preparation="The signal events, without the rows whose first column is below -100, and without the columns "
        "whose smallest value occurs more than five times.",
        url=f"{_UCI}/static/public/199/miniboone+particle+identification.zip",
        size=35 * MB,
        members=(Member("MiniBooNE_PID.txt", 150 * MB),),
    ),
    Entry(
        name="POWER",
        title="POWER, household electric power",
        rows=2_049_280,
        columns=6,
        licence="CC BY 4.0",
        citation=f"G. Hebrail, A. Berard (2006). Individual Household Electric Power Consumption. UCI. "
        f"doi:10.24432/C58K54; prepared as in {_MAF}",
        page="https://zenodo.org/records/1161203",
        preparation="The MAF paper's own table: rows shuffled and uniform noise added as in its code (numpy's "
        "RandomState(42)), without global reactive power and global intensity. It comes in one archive with HEPMASS.",
        size=857 * MB,
        members=(Member("data/power/data.npy", 400 * MB),),
        url=_MAF_URL,
        md5=_MAF_MD5,
    ),
    Entry(
        name="GAS",
        title="GAS, sensors in dynamic gas mixtures",
        rows=1_052_065,
        columns=0,
        licence="CC BY 4.0",
        citation=f"J. Fonollosa (2015). Gas sensor array under dynamic gas mixtures. UCI. doi:10.24432/C5WP4C; "
        f"prepared after {_MAF}",
        page=f"{_UCI}/dataset/322/gas+sensor+array+under+dynamic+gas+mixtures",
        preparation="Every fourth row of ethylene and CO, without time and concentrations and, one after another, "
        "without columns correlated above 0.98 with another one. The MAF paper has as many rows, but published its "
        "choice as a pickle only, which is not read here; likelihoods compare with its table roughly.",
        url=f"{_UCI}/static/public/322/gas+sensor+array+under+dynamic+gas+mixtures.zip",
        size=369_001_314,
        members=(Member("ethylene_CO.txt", 1500 * MB),),
    ),
    Entry(
        name="HEPMASS",
        title="HEPMASS, signal of mass 1000",
        rows=525_123,
        columns=21,
        licence="CC BY 4.0",
        citation=f"D. Whiteson (2015). HEPMASS. UCI. doi:10.24432/C5PP5W; prepared as in {_MAF}",
        page="https://zenodo.org/records/1161203",
        preparation="The signal events of the MAF paper's files (UCI's are ten times as long), without the columns "
        "whose smallest value occurs more than five times; the test points have a file of their own. It comes in one "
        "archive with POWER.",
        size=857 * MB,
        members=(Member("data/hepmass/1000_train.csv", 1000 * MB), Member("data/hepmass/1000_test.csv", 500 * MB)),
        test_rows=174_987,
        url=_MAF_URL,
        md5=_MAF_MD5,
    ),
)

#: Every entry by its name, in the order of menus.
CATALOGUE: Final[dict[str, Entry]] = {entry.name: entry for entry in _ENTRIES}
assert tuple(CATALOGUE) == get_args(Name)


def find(name: str) -> Entry:
    """The entry of that name; capitals, spaces and hyphens do not matter.

    Raises:
        RefusedError: where there is none, naming those that there are.
    """
    known = {_plain(entry.name): entry for entry in _ENTRIES}
    if _plain(name) not in known:
        raise RefusedError(f"There is no data set called {name[:80]!r}.", f"Choose one of: {', '.join(CATALOGUE)}.")
    return known[_plain(name)]


def sharing(entry: Entry) -> tuple[Entry, ...]:
    """The entries that come in the same archive, itself among them."""
    return tuple(one for one in _ENTRIES if one.url == entry.url) if entry.url else (entry,)


def size_in_words(size: int) -> str:
    """A number of bytes as people write it, such as ``857 MB``."""
    if size < 950:
        return f"{size} bytes"
    return f"{size / 1000:.0f} kB" if size < 950_000 else f"{size / MB:.0f} MB"


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).casefold()
