"""The file of a backup."""

from __future__ import annotations

import pytest

from app.backup.archive import Archive, ArchiveWriter, BadArchive


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.backup"
    with ArchiveWriter(path) as archive:
        archive.add("database/users/000000.jsonl", b"one" * 1000)
        archive.add("events/events/000000.native", b"two" * 1000)
        archive.finish({"revision": "r"})
    return path


def test_what_was_written_is_read_and_only_the_owner_may(path):
    archive = Archive(path)
    assert archive.facts["revision"] == "r"
    assert list(archive.names("events")) == ["events/events/000000.native"]
    assert archive.read("database/users/000000.jsonl") == b"one" * 1000
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_existing_file_is_not_overwritten(path):
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        ArchiveWriter(path)
    assert path.read_bytes() == before


def test_a_backup_that_failed_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), ArchiveWriter(tmp_path / "b.backup") as archive:
        archive.add("x", b"1")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_cut_off_is_refused(path):
    content = path.read_bytes()
    for length in (0, 100, 600, content.index(b"manifest.json") + 100):
        path.write_bytes(content[:length])
        with pytest.raises(BadArchive):
            Archive(path)


def test_a_changed_byte_is_found(path):
    content = bytearray(path.read_bytes())
    position = content.index(b"\x28\xb5\x2f\xfd") + 8  # behind the magic number of the first member
    content[position] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(BadArchive):
        Archive(path)
