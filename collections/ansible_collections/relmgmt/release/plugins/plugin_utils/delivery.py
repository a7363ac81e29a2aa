# SPDX-License-Identifier: GPL-3.0-or-later
"""The delivery protocol: how a bundle's packages come to lie in the drop (A9, A13).

A file travels under a temporary name, is read back (size and SHA-256) and only then renamed,
never over another one; the manifest comes last, so a delivery without a manifest is no
delivery. What lies there already with the right digest stays; with another one it is refused.
A file that an interrupted delivery began is continued if what arrived of it is right.

Nothing here knows SFTP: ``RemoteFiles`` is the port.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import NamedTuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.drop_manifest import (
    MANIFEST_LIMIT,
    MANIFEST_NAME,
    DropEntry,
    read_manifest,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DeliveryError
from ansible_collections.relmgmt.release.plugins.plugin_utils.parcel import Parcel, manifest_entry
from ansible_collections.relmgmt.release.plugins.plugin_utils.remote_files import Progress, RemoteFiles

_TOKEN = re.compile(r"\A[0-9a-f]{16}\Z")
_FOREIGN = "find out who put it there, then remove it or have it removed, and deliver again"


class Part(NamedTuple):
    """The right beginning of a file that an interrupted delivery left; size in bytes."""

    name: str
    size: int


class Survey(NamedTuple):
    """What lies in the drop already, measured against a parcel.

    ``parts``: by missing file, the part that can be continued. ``useless``: names of other
    remains of interrupted deliveries.
    """

    kept: list[str]
    missing: list[str]
    parts: dict[str, Part]
    useless: list[str]

    @property
    def complete(self) -> bool:
        return not self.missing and not self.useless


def survey(remote: RemoteFiles, base: str, parcel: Parcel, progress: Progress) -> Survey:
    """Look what lies in the drop; raises DeliveryError for a foreign file under a final name."""
    root = posixpath.join(base, parcel.folder)
    kept = [
        name
        for name, entry in parcel.entries.items()
        if _holds(remote, posixpath.join(root, name), entry, progress)
    ]
    missing = [name for name in parcel.entries if name not in kept]
    remains = _remains(remote, root, parcel)
    parts = {name: part for name in missing if (part := _right_part(remote, root, parcel, name, remains, progress))}
    going_on = {part.name for part in parts.values()}
    if _holds_manifest(remote, root, parcel):
        kept.append(MANIFEST_NAME)
    else:
        missing.append(MANIFEST_NAME)
    return Survey(kept, missing, parts, [name for name in remains if name not in going_on])


def require_room(remote: RemoteFiles, base: str, parcel: Parcel, found: Survey) -> None:
    """Refuse before anything is sent when the server says that it would not fit."""
    entries = {**parcel.entries, MANIFEST_NAME: manifest_entry(parcel)}
    needed = sum(entries[name].size for name in found.missing) - sum(part.size for part in found.parts.values())
    for name in found.useless:
        needed -= remote.size(posixpath.join(base, parcel.folder, name)) or 0
    free = remote.free(base) if needed > 0 else None
    if free is not None and free < needed:
        raise _full(remote.place(base), needed, free)


def send(
    remote: RemoteFiles, base: str, parcel: Parcel, found: Survey, token: str, progress: Progress
) -> None:
    """Send what is missing, the manifest last; ``token``: 16 random hex digits for temporary names."""
    root = posixpath.join(base, parcel.folder)
    for name in found.useless:
        remote.remove(posixpath.join(root, name))
    if found.missing:
        remote.make_directory(root)
    for name in found.missing:
        if name != MANIFEST_NAME:
            _make_parents(remote, root, name)
            job = _Sending(remote, root, parcel.entries[name], parcel.origin, token, progress)
            job.carry_out(parcel.sources[name](), found.parts.get(name))
    if MANIFEST_NAME in found.missing:
        job = _Sending(remote, root, manifest_entry(parcel), parcel.origin, token, progress)
        job.carry_out(iter([parcel.manifest]), None)


def temporary_name(name: str, token: str) -> str:
    """Where a file lies until it is whole: hidden, in the same directory, so that a rename can publish it."""
    directory, base = posixpath.split(name)
    return posixpath.join(directory, f".{base}.{token}.part")


def manifest_bytes(remote: RemoteFiles, root: str) -> bytes | None:
    """The manifest in a folder of a drop; None when there is none, empty when it is too big to be one."""
    path = posixpath.join(root, MANIFEST_NAME)
    size = remote.size(path)
    if size is None:
        return None
    return b"".join(remote.chunks(path)) if size <= MANIFEST_LIMIT else b""


class _TakenOver(Exception):
    """Another delivery of the same bundle has renamed or removed the file under way."""


class _Unread(Exception):
    """The content could not be read, whatever the drop says."""

    def __init__(self, error: DeliveryError) -> None:
        super().__init__(str(error))
        self.error = error


class _Tally:
    """Size and digest of what has gone by of a file; a copy goes on from there."""

    def __init__(self) -> None:
        self.size = 0
        self._digest = hashlib.sha256()

    def take(self, chunk: bytes) -> None:
        self._digest.update(chunk)
        self.size += len(chunk)

    def copy(self) -> _Tally:
        other = _Tally()
        other.size, other._digest = self.size, self._digest.copy()
        return other

    @property
    def found(self) -> tuple[int, str]:
        return self.size, self._digest.hexdigest()


class _Sending(NamedTuple):
    """One file on its way into the folder ``root``."""

    remote: RemoteFiles
    root: str
    entry: DropEntry
    origin: str
    token: str
    progress: Progress

    @property
    def aside(self) -> str:
        return posixpath.join(self.root, temporary_name(self.entry.file, self.token))

    @property
    def final(self) -> str:
        return posixpath.join(self.root, self.entry.file)

    def carry_out(self, content: Iterator[bytes], part: Part | None) -> None:
        """Store the content aside, or what a part lacks of it, read it back, publish it.

        Another delivery of the same bundle may take over what lies aside, as a part to continue.
        """
        try:
            self._carry(content, part)
        except _TakenOver as taken:
            if not _holds(self.remote, self.final, self.entry, self.progress):
                raise DeliveryError(
                    f"another delivery of the same bundle has taken over {self.entry.file}",
                    self.remote.place(self.final), "let that one end, then deliver again: what it brought is kept",
                ) from taken

    def _carry(self, content: Iterator[bytes], part: Part | None) -> None:
        begun, rest = _beginning(content, part.size if part else 0)
        if part:
            left = posixpath.join(self.root, part.name)
            with self._ours(left):
                self.remote.rename(left, self.aside)
        self._store(rest, begun)
        with self._ours(self.aside):
            found = _measure(self.remote, self.aside, self.entry, self.progress, begun)
        if found != (self.entry.size, self.entry.sha256):
            _remove_quietly(self.remote, self.aside)
            raise DeliveryError(
                f"{self.entry.file} read back from the drop is not what was sent", self.remote.place(self.final),
                "deliver again; if it happens again, check the drop's disk",
                expected=self.entry.sha256, found=found[1],
            )
        self._publish()

    @contextmanager
    def _ours(self, path: str) -> Iterator[None]:
        """What fails because the file at ``path`` is gone was taken over."""
        try:
            yield
        except DeliveryError as error:
            try:
                gone = self.remote.size(path) is None
            except DeliveryError:
                gone = False  # the connection is lost: the first failure tells it
            if gone:
                raise _TakenOver from error
            raise

    def _store(self, rest: Iterator[bytes], begun: _Tally) -> None:
        sent = begun.copy()
        try:
            self.remote.store(self.aside, self._counted(_source(rest), sent), begun.size)
        except _Unread as unread:
            raise unread.error from unread  # what arrived is right, the next delivery goes on with it
        except DeliveryError as error:
            full = self._give_up()
            if full is None:
                raise
            raise full from error
        if sent.found != (self.entry.size, self.entry.sha256):
            _remove_quietly(self.remote, self.aside)
            raise DeliveryError(
                f"{self.entry.file} is not what its digest says, it was changed meanwhile", self.origin,
                "find out who changed it, bring it back as it was sealed, and deliver again",
                expected=self.entry.sha256, found=sent.found[1],
            )

    def _counted(self, chunks: Iterable[bytes], sent: _Tally) -> Iterator[bytes]:
        for chunk in chunks:
            yield chunk
            sent.take(chunk)
            self.progress("sent", self.entry.file, sent.size, self.entry.size)

    def _give_up(self) -> DeliveryError | None:
        """Remove what arrived, so that it does not keep the drop full, and see whether that was the reason.

        A server that is full says "Failure", no more. Over a connection that is lost nothing can be
        removed; then the next delivery goes on with what arrived.
        """
        try:
            self.remote.remove(self.aside)
            free = self.remote.free(self.root)
        except DeliveryError:
            return None
        if free is None or free >= self.entry.size:
            return None
        return _full(self.remote.place(self.final), self.entry.size, free)

    def _publish(self) -> None:
        """Rename without overwriting; another delivery of the same bundle may have been faster."""
        remote, entry = self.remote, self.entry
        if _holds(remote, self.final, entry, self.progress):
            remote.remove(self.aside)
            return
        try:
            with self._ours(self.aside):
                remote.rename(self.aside, self.final)
        except DeliveryError:
            if not _holds(remote, self.final, entry, self.progress):
                raise
            remote.remove(self.aside)
        if remote.size(self.final) != entry.size:
            raise DeliveryError(
                f"{entry.file} is not in the drop after its rename", remote.place(self.final),
                "something else works on the drop: stop it, and deliver again",
            )


def _source(content: Iterable[bytes]) -> Iterator[bytes]:
    try:
        yield from content
    except DeliveryError as error:
        raise _Unread(error) from error


def _full(place: str, needed: int, free: int) -> DeliveryError:
    return DeliveryError(
        f"the drop is full: {needed} bytes are needed, {free} are free", place,
        "free room there, then deliver again: what has arrived whole is kept", needed=needed, free=free,
    )


def _holds(remote: RemoteFiles, path: str, entry: DropEntry, progress: Progress) -> bool:
    """True when the file lies there, False when nothing does; a foreign one is refused."""
    size = remote.size(path)
    if size is None:
        return False
    found = _measure(remote, path, entry, progress)[1] if size == entry.size else ""
    if found != entry.sha256:
        raise DeliveryError(
            f"{entry.file} lies in the drop with another content ({size} bytes)", remote.place(path),
            _FOREIGN, file=entry.file, expected=entry.sha256, found=found, size=size,
        )
    return True


def _holds_manifest(remote: RemoteFiles, root: str, parcel: Parcel) -> bool:
    data = manifest_bytes(remote, root)
    if data is None:
        return False
    place = remote.place(posixpath.join(root, MANIFEST_NAME))
    try:
        same = read_manifest(data, parcel.folder, place) == parcel.entries
    except DeliveryError:
        same = False
    if not same:
        raise DeliveryError(
            f"{MANIFEST_NAME} in the drop is not of bundle {parcel.folder}", place, _FOREIGN, file=MANIFEST_NAME,
        )
    return True


def _measure(
    remote: RemoteFiles, path: str, entry: DropEntry, progress: Progress, begun: _Tally | None = None
) -> tuple[int, str]:
    """Size and SHA-256 of a file of the drop; ``begun``: of its beginning, which is not read again."""
    tally = begun.copy() if begun else _Tally()
    for chunk in remote.chunks(path, tally.size):
        tally.take(chunk)
        progress("read back", entry.file, tally.size, entry.size)
    return tally.found


def _beginning(content: Iterator[bytes], size: int) -> tuple[_Tally, Iterator[bytes]]:
    """The first ``size`` bytes of a content, measured, and what comes after them."""
    tally = _Tally()
    for chunk in content:
        left = size - tally.size
        tally.take(chunk[:left])
        if len(chunk) > left:
            return tally, chain([chunk[left:]], content)
    return tally, iter(())


def _remains(remote: RemoteFiles, root: str, parcel: Parcel) -> dict[str, str]:
    """Temporary names of earlier tries, and whose they are: this protocol's own, of this bundle's files only."""
    found = {}
    for directory in sorted({posixpath.dirname(name) for name in [MANIFEST_NAME, *parcel.entries]}):
        for name in remote.names(posixpath.join(root, directory) if directory else root):
            path = posixpath.join(directory, name)
            original = _original_name(path)
            if original in parcel.entries or original == MANIFEST_NAME:
                found[path] = original
    return found


def _right_part(
    remote: RemoteFiles, root: str, parcel: Parcel, name: str, remains: Mapping[str, str], progress: Progress
) -> Part | None:
    """The longest part of a file whose bytes are the file's; a server may have lost or exchanged some."""
    entry, right = parcel.entries[name], []
    for path in (path for path, original in remains.items() if original == name):
        listed = remote.size(posixpath.join(root, path)) or 0
        if 0 < listed <= entry.size:
            found = _measure(remote, posixpath.join(root, path), entry, progress)
            if _beginning(parcel.sources[name](), found[0])[0].found == found:
                right.append(Part(path, found[0]))
    return max(right, key=lambda part: part.size, default=None)


def _original_name(path: str) -> str:
    directory, name = posixpath.split(path)
    parts = name.rsplit(".", 2)
    whole = name.startswith(".") and len(parts) == 3 and parts[2] == "part" and _TOKEN.match(parts[1])
    return posixpath.join(directory, parts[0][1:]) if whole else ""


def _make_parents(remote: RemoteFiles, root: str, name: str) -> None:
    path = root
    for part in name.split("/")[:-1]:
        path = posixpath.join(path, part)
        remote.make_directory(path)


def _remove_quietly(remote: RemoteFiles, path: str) -> None:
    try:
        remote.remove(path)
    except DeliveryError:
        return  # the first failure is the one to tell; the next delivery cleans up
