# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and unpacking ZIP and WAR files, with every bound enforced while bytes are read."""

from __future__ import annotations

import hashlib
import os
import stat
import zipfile
import zlib
from contextlib import contextmanager
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional

from ansible_collections.relmgmt.release.plugins.module_utils._core.archive import Limits, Member, check_listing
from ansible_collections.relmgmt.release.plugins.module_utils._core.tree import Entry, complete, wanted_mode
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput
from ansible_collections.relmgmt.release.plugins.module_utils._files import fsync_dir

_CHUNK = 1 << 18
_CURE = "have the package built and delivered again"
_FILE_MODE, _DIRECTORY_MODE = 0o644, 0o755
Sink = Callable[[bytes], object]


class Ownership(NamedTuple):
    """Who owns what is unpacked; -1 and None leave owner and permissions as they come."""

    uid: int = -1
    gid: int = -1
    mode: Optional[int] = None


class _Opened:
    """An archive whose listing is safe, and how many bytes it may still unpack to."""

    def __init__(self, archive: zipfile.ZipFile, limits: Limits, label: str) -> None:
        self.archive = archive
        self.label = label
        self.left = limits.size
        self.infos: Dict[str, zipfile.ZipInfo] = {info.orig_filename: info for info in archive.infolist()}
        self.members = [_member(info) for info in archive.infolist()]
        check_listing(label, self.members, limits, archive.start_dir)

    def pump(self, member: Member, sink: Sink) -> None:
        """Copy a member out; the sizes an archive declares are claims, the bytes read are counted."""
        count = 0
        with self.archive.open(self.infos[member.name]) as stream:
            for chunk in iter(lambda: stream.read(_CHUNK), b""):
                count += len(chunk)
                self.left -= len(chunk)
                if count > member.size or self.left < 0:
                    raise self._fault(member, "unpacks to more than its listing or the limit allows")
                sink(chunk)
        if count != member.size:
            raise self._fault(member, "is shorter than its listing says")

    def _fault(self, member: Member, what: str) -> InvalidInput:
        return InvalidInput("member %r %s" % (member.name, what), self.label, _CURE, member=member.name)


def read_entries(path: str, limits: Limits, label: str = "", mode: Optional[int] = None) -> List[Entry]:
    """Unpack to nowhere: the tree that the archive would become; `label` is its name in messages."""
    with _open(path, limits, label or path) as opened:
        return complete([_digested(opened, member) for member in opened.members], mode)


def extract(path: str, into: str, limits: Limits, ownership: Ownership, label: str = "") -> List[Entry]:
    """Unpack into the empty directory `into`; returns the tree that must now lie there.

    Permissions are the archive's own (T20) or those of `ownership`. Every file and directory is synced.
    """
    with _open(path, limits, label or path) as opened:
        entries = [_extracted(opened, member, into, ownership) for member in opened.members]
    wanted = complete(entries, ownership.mode)
    for entry in wanted:
        if entry.is_directory:
            _finish_directory(os.path.join(into, entry.path), entry.mode, ownership)
    _finish_directory(into, wanted_mode(True, _DIRECTORY_MODE, ownership.mode), ownership)
    for directory, _names, _files in os.walk(into, topdown=False):
        fsync_dir(directory)
    return wanted


@contextmanager
def _open(path: str, limits: Limits, label: str) -> Iterator[_Opened]:
    broken = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, NotImplementedError, ValueError)
    try:
        with zipfile.ZipFile(path) as archive:
            yield _Opened(archive, limits, label)
    except broken as error:
        raise InvalidInput("not a sound ZIP or WAR file: %s" % error, label, _CURE) from error


def _member(info: zipfile.ZipInfo) -> Member:
    # orig_filename: zipfile cuts the other one at a NUL, which would hide it.
    return Member(
        name=info.orig_filename,
        size=info.file_size,
        packed=info.compress_size,
        mode=(info.external_attr >> 16) & 0xFFFF,
        flags=info.flag_bits,
        method=info.compress_type,
        offset=info.header_offset,
    )


def _digested(opened: _Opened, member: Member) -> Entry:
    if member.is_directory:
        return Entry(member.path, "", _kept_mode(member), 0)
    digest = hashlib.sha256()
    opened.pump(member, digest.update)
    return Entry(member.path, digest.hexdigest(), _kept_mode(member), member.size)


def _extracted(opened: _Opened, member: Member, into: str, ownership: Ownership) -> Entry:
    target = os.path.join(into, member.path)
    if member.is_directory:
        os.makedirs(target, exist_ok=True)
        return Entry(member.path, "", _kept_mode(member), 0)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    digest = hashlib.sha256()

    def sink(chunk: bytes) -> None:
        digest.update(chunk)
        stream.write(chunk)

    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(target, flags, 0o600), "wb") as stream:
        opened.pump(member, sink)
        os.fchown(stream.fileno(), ownership.uid, ownership.gid)
        os.fchmod(stream.fileno(), wanted_mode(False, _kept_mode(member), ownership.mode))
        stream.flush()
        os.fsync(stream.fileno())
    return Entry(member.path, digest.hexdigest(), _kept_mode(member), member.size)


def _finish_directory(path: str, mode: int, ownership: Ownership) -> None:
    os.chown(path, ownership.uid, ownership.gid)
    os.chmod(path, mode)


def _kept_mode(member: Member) -> int:
    kept = stat.S_IMODE(member.mode)
    return kept or (_DIRECTORY_MODE if member.is_directory else _FILE_MODE)
