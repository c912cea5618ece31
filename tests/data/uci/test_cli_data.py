"""`gmstudio data`, run as a person runs it."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest
from serving import HEADER, as_text, wine_numbers

from gmstudio import cli
from gmstudio.data.uci import catalogue, download, store
from gmstudio.data.uci.catalogue import CATALOGUE, Entry, Member
from gmstudio.data.uci.errors import DownloadError


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Entry:
    made = dataclasses.replace(
        CATALOGUE["red wine"], rows=400, content="", members=(Member("winequality-red.csv", 10**6),)
    )
    monkeypatch.setitem(CATALOGUE, "red wine", made)
    monkeypatch.setattr(catalogue, "find", lambda _: made)
    return made


def test_the_list_says_what_is_there_and_what_is_a_download(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["data"]) == 0
    out, err = capsys.readouterr()
    listed = {one["name"]: one for one in json.loads(out.splitlines()[-1])}
    assert list(listed) == list(CATALOGUE)
    assert listed["iris"]["available"] and not listed["POWER"]["available"]
    assert all(one["licence"] and one["citation"] for one in listed.values())
    assert "download, 857 MB" in err and "1,599 × 11" in err


def test_ones_own_file_is_taken(capsys: pytest.CaptureFixture[str], small: Entry, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(as_text(HEADER, wine_numbers()))
    assert cli.main(["data", "fetch", "red-wine", "--file", str(path)]) == 0
    out, err = capsys.readouterr()
    result = json.loads(out.splitlines()[-1])
    assert result["available"] and result["checked"] == "first use" and Path(result["path"]).exists()
    assert "CC BY 4.0" in err and "no known hash" in err
    assert store.load(small) is not None


def test_a_download_that_fails_is_said_with_what_to_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(entry: Entry, **_: object) -> Path:
        raise DownloadError("There is no network.")

    monkeypatch.setattr(download, "fetch", fail)
    assert cli.main(["data", "fetch", "POWER"]) == 2
    assert "There is no network. Try again later, or choose a file" in capsys.readouterr().err


def test_a_download_can_be_interrupted(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(entry: Entry, **_: object) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(download, "fetch", interrupt)
    assert cli.main(["data", "fetch", "POWER"]) == 130
    assert "goes on where this one stopped" in capsys.readouterr().err


def test_an_unknown_set_is_answered_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["data", "fetch", "no-such-set"]) == 2
    assert "MiniBooNE" in capsys.readouterr().err


def test_the_list_needs_neither_torch_nor_qt_nor_scikit_learn() -> None:
    code = (
        "import sys; from gmstudio import cli; cli.main(['data'])\n"
        "assert not {'torch', 'PySide6', 'sklearn', 'scipy'} & set(sys.modules), set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
