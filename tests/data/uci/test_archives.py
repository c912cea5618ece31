"""Archives from others: nothing leaves the folder, nothing grows beyond its limit, and what is damaged is said."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from serving import zipped

from gmstudio.data.uci import archives
from gmstudio.data.uci.catalogue import Member
from gmstudio.data.uci.errors import DownloadCancelled, DownloadError

WANTED = Member("data/a.csv", 10_000)


def tarred(files: dict[str, bytes], links: dict[str, str] | None = None) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for name, target in (links or {}).items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return made.getvalue()


def extracted(content: bytes, tmp_path: Path, *members: Member) -> dict[str, Path]:
    archive, folder = tmp_path / "archive", tmp_path / "folder"
    archive.write_bytes(content)
    folder.mkdir(exist_ok=True)
    return archives.extract(archive, members or (WANTED,), folder)


def everything(tmp_path: Path) -> list[str]:
    return sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("above", ["", "top/", "./"])
def test_a_member_is_found_below_any_folder_and_others_stay_packed(pack, above: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    content = pack({"x.csv": b"no", f"{above}data/a.csv": b"1,2\n", "b.csv": bytes(5)})
    found = extracted(content, tmp_path)
    assert found["a.csv"].read_bytes() == b"1,2\n"
    assert everything(tmp_path) == ["archive", "folder/0/a.csv"]


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("name", ["../data/a.csv", "/data/a.csv", "data/../../data/a.csv", "../../a.csv"])
def test_a_member_that_leads_elsewhere_is_not_taken(pack, name: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DownloadError, match=r"does not hold data/a\.csv"):
        extracted(pack({name: b"evil"}), tmp_path)
    assert everything(tmp_path) == ["archive"]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="no plain file"):
        extracted(tarred({}, {"data/a.csv": "/etc/passwd"}), tmp_path)


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_member_that_unpacks_to_more_than_it_can_have_is_refused(pack, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DownloadError, match="more than the 10 kB"):
        extracted(pack({"data/a.csv": bytes(10**7)}), tmp_path)
    assert sum((tmp_path / name).stat().st_size for name in everything(tmp_path)) < 10**5


def test_a_zip_that_lies_about_the_size_of_a_member_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped({"data/a.csv": bytes(10**6)}))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = content.index(signature) + offset
        content[at : at + 4] = (100).to_bytes(4, "little")
    with pytest.raises(DownloadError):
        extracted(bytes(content), tmp_path)
    assert sum((tmp_path / name).stat().st_size for name in everything(tmp_path)) < 10**5


def test_a_tar_that_unpacks_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_BYTES", 10**6)
    with pytest.raises(DownloadError, match="unpacks to more than"):
        extracted(tarred({"big": bytes(5 * 10**6), "data/a.csv": b"1"}), tmp_path)


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_an_archive_of_very_many_files_is_refused(pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(archives, "MOST_FILES", 20)
    with pytest.raises(DownloadError, match="files"):
        extracted(pack({f"{i}": b"" for i in range(30)}), tmp_path)


def test_a_member_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="twice"):
        extracted(zipped({"data/a.csv": b"1", "other/data/a.csv": b"2"}), tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK",
        b"no archive at all",
        b"\x1f\x8b",
        b"\x1f\x8b" + bytes(100),
        gzip.compress(b"no tar", mtime=0),
        zipped({"data/a.csv": b"0123456789" * 300})[:-40],
        tarred({"data/a.csv": bytes(range(256)) * 30})[:-200],
    ],
)
def test_what_is_damaged_or_no_archive_is_said(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(DownloadError) as caught:
        extracted(content, tmp_path)
    assert "archive" in caught.value.message and caught.value.remedy


def test_a_flipped_byte_in_a_zip_is_found(tmp_path: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("data/a.csv", b"1,2,3\n" * 100)
    content = bytearray(made.getvalue())
    content[100] ^= 1
    with pytest.raises(DownloadError, match="damaged"):
        extracted(bytes(content), tmp_path)


def test_an_encrypted_member_is_said(tmp_path: Path) -> None:
    content = bytearray(zipped({"data/a.csv": b"1"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    with pytest.raises(DownloadError, match="encrypted"):
        extracted(bytes(content), tmp_path)


def test_unpacking_can_be_stopped(tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    archive.write_bytes(zipped({"data/a.csv": b"1"}))
    with pytest.raises(DownloadCancelled):
        archives.extract(archive, (WANTED,), tmp_path, cancelled=lambda: True)
