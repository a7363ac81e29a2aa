# SPDX-License-Identifier: GPL-3.0-or-later
"""Routines that lie in files: packed into a set, compared, and put back.

On GT.M code is not in the datasets. A restored source carries the current time and its
object is removed: GT.M compiles by modification time, an older source would leave the
newer object running (FACTS 5.3).
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import tarfile
from typing import Iterator, NamedTuple

from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError
from ansible_collections.relmgmt.release.plugins.module_utils._files import fsync_dir, write_durably

FILE = "routines.tar"
MAX_ROUTINE = 16 << 20
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9]{0,30}\.m")


class Routine(NamedTuple):
    """A source file: name, content, mode and owner."""

    name: str
    data: bytes
    mode: int
    uid: int
    gid: int


class Difference(NamedTuple):
    """What makes the source directory the point's again."""

    write: tuple[str, ...]
    remove: tuple[str, ...]
    total: int


def pack(source_directory: str, target: str) -> int:
    """Write the sources into a plain tar; the same sources give the same bytes. Returns their number."""
    names = _names(source_directory)
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        for name in names:
            _add(archive, os.path.join(source_directory, name), name)
    return len(names)


def compare(archive: str, source_directory: str) -> Difference:
    """Which routines differ, content by content."""
    write, packed = [], set()
    for one in _packed(archive):
        packed.add(one.name)
        if _content(os.path.join(source_directory, one.name)) != one.data:
            write.append(one.name)
    extra = [name for name in _names(source_directory) if name not in packed]
    return Difference(tuple(write), tuple(extra), len(packed))


def put_back(archive: str, source_directory: str, object_directory: str) -> Difference:
    """Make the sources the point's again and remove the objects of what changed."""
    difference = compare(archive, source_directory)
    # Objects first: after a crash in the middle the next run still sees what differs, and
    # no object outlives its source (GT.M would run it).
    for name in difference.write + difference.remove:
        _remove(os.path.join(object_directory, name[:-2] + ".o"))
    for one in _packed(archive):
        if one.name in difference.write:
            _write(source_directory, one)
    for name in difference.remove:
        _remove(os.path.join(source_directory, name))
    if difference.remove:
        fsync_dir(source_directory)
    return difference


def _write(directory: str, one: Routine) -> None:
    path = os.path.join(directory, one.name)
    write_durably(path, one.data, one.mode)
    if os.geteuid() == 0:
        os.chown(path, one.uid, one.gid)


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _names(directory: str) -> list[str]:
    if not os.path.isdir(directory):
        return []
    return sorted(
        name for name in os.listdir(directory)
        if _NAME.fullmatch(name) and os.path.isfile(os.path.join(directory, name))
    )


def _add(archive: tarfile.TarFile, path: str, name: str) -> None:
    with open(path, "rb") as stream:
        data = stream.read(MAX_ROUTINE + 1)
        status = os.fstat(stream.fileno())
    if len(data) > MAX_ROUTINE:
        raise DatasetError("a routine is larger than 16 MiB", place=path, cure="move what is not a routine away")
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), status.st_mode & 0o7777
    entry.uid, entry.gid = status.st_uid, status.st_gid
    archive.addfile(entry, io.BytesIO(data))


def _packed(archive: str) -> Iterator[Routine]:
    try:
        with tarfile.open(archive, "r:") as stream:
            for entry in stream:
                if not entry.isreg() or not _NAME.fullmatch(entry.name) or entry.size > MAX_ROUTINE:
                    raise DatasetError(f"{entry.name!r} is no routine", place=archive)
                content = stream.extractfile(entry)
                data = content.read() if content else b""
                yield Routine(entry.name, data, entry.mode, entry.uid, entry.gid)
    except tarfile.TarError as error:
        raise DatasetError(f"the routines cannot be read: {error}", place=archive) from error


def _content(path: str) -> bytes | None:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return None
