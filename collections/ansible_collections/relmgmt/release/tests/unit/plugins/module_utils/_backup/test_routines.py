# SPDX-License-Identifier: GPL-3.0-or-later
"""Routines in a backup set (FACTS 5.3)."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._backup.routines import compare, pack, put_back
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "r"
    folder.mkdir()
    (folder / "CASE.m").write_text("CASE\tQUIT\n")
    (folder / "_UTIL.m").write_text("%UTIL\tQUIT\n")
    (folder / "notes.txt").write_text("no routine")
    (tmp_path / "o").mkdir()
    return folder


def packed(folder: Path, name: str = "routines.tar") -> str:
    target = str(folder.parent / name)
    pack(str(folder), target)
    return target


def test_the_same_sources_give_the_same_bytes(sources: Path) -> None:
    first = packed(sources, "1.tar")
    os.utime(sources / "CASE.m", (1, 1))
    second = packed(sources, "2.tar")
    assert Path(first).read_bytes() == Path(second).read_bytes()
    with tarfile.open(first) as archive:
        assert archive.getnames() == ["CASE.m", "_UTIL.m"]


def test_sources_and_objects_go_back(sources: Path) -> None:
    archive = packed(sources)
    objects = sources.parent / "o"
    (sources / "CASE.m").write_text("CASE\tQUIT 2\n")
    (sources / "NEW.m").write_text("NEW\tQUIT\n")
    (sources / "_UTIL.m").unlink()
    for name in ("CASE", "NEW", "_UTIL", "OTHER"):
        (objects / f"{name}.o").write_text("object")
    planned = compare(archive, str(sources))
    assert (planned.write, planned.remove, planned.total) == (("CASE.m", "_UTIL.m"), ("NEW.m",), 2)
    assert put_back(archive, str(sources), str(objects)) == planned
    assert (sources / "CASE.m").read_text() == "CASE\tQUIT\n"
    assert sorted(one.name for one in sources.iterdir()) == ["CASE.m", "_UTIL.m", "notes.txt"]
    assert sorted(one.name for one in objects.iterdir()) == ["OTHER.o"]
    assert compare(archive, str(sources))[:2] == ((), ())


def test_a_restored_source_is_newer_than_an_object_compiled_before(sources: Path) -> None:
    os.utime(sources / "CASE.m", (1000, 1000))
    archive = packed(sources)
    (sources / "CASE.m").write_text("other")
    before = (sources / "CASE.m").stat().st_mtime
    put_back(archive, str(sources), str(sources.parent / "o"))
    assert (sources / "CASE.m").stat().st_mtime >= before


def test_the_mode_goes_back(sources: Path) -> None:
    (sources / "CASE.m").chmod(0o600)
    archive = packed(sources)
    (sources / "CASE.m").unlink()
    put_back(archive, str(sources), str(sources.parent / "o"))
    assert (sources / "CASE.m").stat().st_mode & 0o7777 == 0o600


@pytest.mark.parametrize("name,kind", [
    ("../CASE.m", tarfile.REGTYPE), ("/etc/CASE.m", tarfile.REGTYPE), ("CASE.m", tarfile.SYMTYPE),
    ("x.o", tarfile.REGTYPE),
])
def test_a_hostile_archive_is_refused(sources: Path, name: str, kind: bytes) -> None:
    archive = sources.parent / "evil.tar"
    with tarfile.open(archive, "w") as stream:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, "/etc/passwd"
        stream.addfile(entry, io.BytesIO())
    with pytest.raises(DatasetError, match="no routine"):
        compare(str(archive), str(sources))
