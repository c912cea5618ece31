"""Fields that specifications of tables and of images have.

They are types and no base class: the fields of a base would come first, in JSON and before the choice of a data set in
its form.
"""

from __future__ import annotations

from typing import Annotated

from gmstudio.registry import describe

FilePath = Annotated[
    str, describe("The file, or for images the folder; empty for the digits that are here.", widget="hidden")
]
Sha256 = Annotated[
    str,
    describe("Hash of the file or folder, in hexadecimal: another one is refused. Empty for any.", widget="hidden"),
]
Standardise = Annotated[
    bool,
    describe(
        "Shift and scale every column to mean 0 and variance 1, by training and validation rows. Everything is "
        "shown in the units of the data."
    ),
]
Dequantise = Annotated[
    float,
    describe(
        "Uniform noise on columns with few different values, as a share of the smallest gap between two of them; "
        "0 adds none. Without noise, a density can grow without limit on such values.",
        ge=0.0,
        le=1.0,
        label="Noise on few values",
    ),
]
TestShare = Annotated[
    float, describe("Share of the rows that are for testing; 0 for none.", ge=0.0, le=0.9, advanced=True)
]
ValidationShare = Annotated[
    float, describe("Share of the other rows that are for validation.", gt=0.0, le=0.9, advanced=True)
]
Seed = Annotated[
    int, describe("Seed of the shuffling and of the noise on few values.", ge=0, le=2**31 - 1, advanced=True)
]
