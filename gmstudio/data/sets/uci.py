"""Data sets from the UCI repository, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from gmstudio.data.base import Bounds, Dataset, DataSpec
from gmstudio.data.tables.fields import Dequantise, Seed, Standardise, TestShare, ValidationShare
from gmstudio.data.uci.catalogue import CATALOGUE, Entry, Name, size_in_words
from gmstudio.registry import SpecError, component, describe

if TYPE_CHECKING:
    from gmstudio.data.uci.preparations import Prepared


@component(
    "data",
    title="UCI data set",
    summary="A table from the UCI repository, prepared as in the papers; some are there at once, others a download.",
    reference="UCI Machine Learning Repository; Papamakarios et al., NeurIPS 2017; Tran et al., NeurIPS 2023",
    order=4,
)
class UciSpec(DataSpec, frozen=True, kw_only=True, tag="uci"):
    """A data set of the catalogue and how it is standardised and split.

    The fields but `name` and the split ``paper`` mean what they mean for a table of one's own.
    """

    name: Annotated[
        Name,
        describe(
            "Which data set. Iris, wine, breast cancer and digits are there at once; the others are downloaded once.",
            label="Data set",
        ),
    ] = "iris"
    standardise: Standardise = True
    # The papers add none, so it waits under "More".
    dequantise: Annotated[Dequantise, msgspec.Meta(extra={"advanced": True})] = 0.0
    split: Annotated[
        Literal["paper", "file order", "shuffled"],
        describe(
            "Which rows are for testing: as in the papers, the last ones of the file, or any. The papers have shares "
            "of their own: the last tenth, but a file of its own for HEPMASS; those that are there at once are sorted "
            "by class, so shuffled.",
            label="Test rows",
        ),
    ] = "paper"
    test_share: TestShare = 0.1
    validation_share: ValidationShare = 0.1
    seed: Seed = 0

    @property
    def entry(self) -> Entry:
        """What the catalogue says of it."""
        return CATALOGUE[self.name]

    @property
    def bounds(self) -> Bounds:
        """A rectangle for standardised columns; the built data set has its own."""
        return (-4.0, 4.0, -4.0, 4.0)

    def build(self, seed: int) -> Dataset:
        """Prepare, standardise and split the stored table; nothing is downloaded.

        Raises:
            SpecError: when the data set has not been downloaded yet, saying how large it is and what to do.
        """
        from gmstudio.data.tables.preparing import Preparation, prepare

        entry, table = self.entry, _table(self)
        split, test_share, validation_share = self.split, self.test_share, self.validation_share
        if split == "paper":
            split, validation_share = "shuffled" if entry.bundled else "file order", 0.1
            # Half a row more, so that rounding down gives the number of rows.
            test_share = (entry.test_rows + 0.5) / len(table.values) if entry.test_rows else 0.1
        chosen = Preparation(
            standardise=self.standardise,
            dequantise=self.dequantise,
            split=split,
            test_share=test_share,
            validation_share=validation_share,
            seed=self.seed,
        )
        return prepare(table.values, table.columns, chosen, name=entry.title)


def fingerprint(spec: UciSpec) -> str:
    """Hash of the prepared table that the specification stands for, in hexadecimal; the split does not change it.

    Raises:
        SpecError: when the data set has not been downloaded yet.
    """
    return _table(spec).fingerprint()


def available(name: Name) -> bool:
    """Whether a data set can be used at once; reads no more than the beginning of a file."""
    from gmstudio.data.uci import store

    entry = CATALOGUE[name]
    return entry.bundled or store.origin(entry) is not None


def _table(spec: UciSpec) -> Prepared:
    from gmstudio.data.uci import bundled, store

    entry = spec.entry
    if entry.bundled:
        return bundled.load(entry)
    table = store.load(entry)
    if table is None:
        there = store.path_of(entry).exists()
        state = "is damaged on the disk" if there else "has not been downloaded yet"
        raise SpecError(
            f"{entry.title} {state} (about {size_in_words(entry.size)}).",
            f"Download it under Data or with `gmstudio data fetch '{entry.name}'`, or choose a file that you have.",
            "data.name",
        )
    return table
