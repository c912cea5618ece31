"""What the tests of sweeps share; also lets them use `sweeping.py`, which is no test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from gmstudio.projects.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    made = Project.create(tmp_path / "swept.gmstudio")
    yield made
    made.close()
