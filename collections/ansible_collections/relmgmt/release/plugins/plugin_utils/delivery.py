# SPDX-License-Identifier: GPL-3.0-or-later
"""The delivery protocol: how a bundle's packages come to lie in the drop (A9, A13).

A file travels under a temporary name, is read back (size and SHA-256) and only then renamed,
never over another one; the manifest comes last, so a delivery without a manifest is no
delivery. What lies there already with the right digest stays; with another one it is refused.

Nothing here knows SFTP: ``RemoteFiles`` is the port, ``sftp_drop.py`` its adapter.
"""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol

from ansible_collections.relmgmt.release.plugins.module_utils._core.drop_manifest import (
    MANIFEST_LIMIT,
    MANIFEST_NAME,
    DropEntry,
    check_bundle,
    check_file,
    read_manifest,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DeliveryError
from ansible_collections.relmgmt.release.plugins.plugin_utils.bundle import Bundle

CHUNK = 1 << 18
_TOKEN = re.compile(r"\A[0-9a-f]{16}\Z")
_FOREIGN = "find out who put it there, then remove it or have it removed, and deliver again"

Progress = Callable[[str, str, int, int], None]
"""Called with verb (``sent`` or ``read back``), file, bytes so far, bytes in all."""


class RemoteFiles(Protocol):
    """The drop's file system; every failure is a DeliveryError that names the place."""

    def place(self, path: str) -> str:
        """The path as messages name it."""

    def size(self, path: str) -> int | None:
        """Size in bytes of a regular file; None when nothing has that name."""

    def chunks(self, path: str) -> Iterator[bytes]:
        """The content of a file."""

    def names(self, directory: str) -> list[str]:
        """The names in a directory; none when there is no such directory."""

    def make_directory(self, path: str) -> None:
        """Create a directory; one that is there already is fine. Its parent must exist."""

    def store(self, path: str, chunks: Iterable[bytes]) -> None:
        """Create a file that must not exist yet, and sync it where the server can."""

    def rename(self, old: str, new: str) -> None:
        """Give a file its final name; fails when something has that name already."""

    def remove(self, path: str) -> None:
        """Remove a file; one that is gone already is fine."""


class Parcel(NamedTuple):
    """What is to lie in the drop: the folder's name, its manifest, the entries, the local files."""

    folder: str
    manifest: bytes
    entries: dict[str, DropEntry]
    sources: dict[str, str]


class Survey(NamedTuple):
    """What lies in the drop already, measured against a parcel; ``partial``: earlier tries' remains."""

    kept: list[str]
    missing: list[str]
    partial: list[str]

    @property
    def complete(self) -> bool:
        return not self.missing and not self.partial


def parcel_of(bundle: Bundle) -> Parcel:
    """What of a verified bundle is delivered: its packages, files of configuration, and documents."""
    names = [file for file, _sha256 in bundle.release.files]
    names += bundle.release.documents.values()
    files = {name: bundle.files[name] for name in names}
    return pack(bundle.name, bundle.digest, files, bundle.directory)


def pack(release: str, digest: str, files: Mapping[str, tuple[str, int]], directory: str) -> Parcel:
    """The parcel of a verified bundle; ``files``: name to (sha256, size), ``directory``: where they are."""
    folder = check_bundle(f"{release}-{digest[:12]}")
    entries = {check_file(name): DropEntry(name, *files[name]) for name in sorted(files)}
    listed = {name: {"sha256": entry.sha256, "size": entry.size} for name, entry in entries.items()}
    manifest = {"release": release, "bundle_digest": digest, "files": listed}
    text = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
    sources = {name: os.path.join(directory, *name.split("/")) for name in entries}
    return Parcel(folder, text.encode("utf-8"), entries, sources)


def survey(remote: RemoteFiles, base: str, parcel: Parcel, progress: Progress) -> Survey:
    """Look what lies in the drop; raises DeliveryError for a foreign file under a final name."""
    root = posixpath.join(base, parcel.folder)
    kept = [
        name
        for name, entry in parcel.entries.items()
        if _holds(remote, posixpath.join(root, name), entry, progress)
    ]
    missing = [name for name in parcel.entries if name not in kept]
    if not _holds_manifest(remote, root, parcel):
        missing.append(MANIFEST_NAME)
    else:
        kept.append(MANIFEST_NAME)
    return Survey(kept, missing, _partials(remote, root, parcel))


def send(
    remote: RemoteFiles, base: str, parcel: Parcel, found: Survey, token: str, progress: Progress
) -> None:
    """Send what is missing, the manifest last; ``token``: 16 random hex digits for temporary names."""
    root = posixpath.join(base, parcel.folder)
    for name in found.partial:
        remote.remove(posixpath.join(root, name))
    if found.missing:
        remote.make_directory(root)
    for name in found.missing:
        if name != MANIFEST_NAME:
            _make_parents(remote, root, name)
            _send_file(remote, root, parcel.entries[name], _read(parcel.sources[name]), token, progress)
    if MANIFEST_NAME in found.missing:
        _send_file(remote, root, _manifest_entry(parcel), iter([parcel.manifest]), token, progress)


def temporary_name(name: str, token: str) -> str:
    """Where a file lies until it is whole: hidden, in the same directory, so that a rename can publish it."""
    directory, base = posixpath.split(name)
    return posixpath.join(directory, f".{base}.{token}.part")


def _manifest_entry(parcel: Parcel) -> DropEntry:
    return DropEntry(MANIFEST_NAME, hashlib.sha256(parcel.manifest).hexdigest(), len(parcel.manifest))


def _send_file(
    remote: RemoteFiles,
    root: str,
    entry: DropEntry,
    content: Iterator[bytes],
    token: str,
    progress: Progress,
) -> None:
    aside = posixpath.join(root, temporary_name(entry.file, token))
    final = posixpath.join(root, entry.file)
    try:
        remote.store(aside, _counted(content, "sent", entry, progress))
    except DeliveryError:
        _remove_quietly(remote, aside)
        raise
    found = _measure(remote, aside, entry, progress)
    if found != (entry.size, entry.sha256):
        _remove_quietly(remote, aside)
        raise DeliveryError(
            f"{entry.file} read back from the drop is not what was sent", remote.place(final),
            "deliver again; if it happens again, check the drop's disk and the bundle",
            expected=entry.sha256, found=found[1],
        )
    _publish(remote, aside, final, entry, progress)


def _publish(
    remote: RemoteFiles, aside: str, final: str, entry: DropEntry, progress: Progress
) -> None:
    """Rename without overwriting; another delivery of the same bundle may have been faster."""
    if _holds(remote, final, entry, progress):
        remote.remove(aside)
        return
    try:
        remote.rename(aside, final)
    except DeliveryError:
        if not _holds(remote, final, entry, progress):
            raise
        remote.remove(aside)
    if remote.size(final) != entry.size:
        raise DeliveryError(
            f"{entry.file} is not in the drop after its rename", remote.place(final),
            "something else works on the drop: stop it, and deliver again",
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
    path = posixpath.join(root, MANIFEST_NAME)
    size = remote.size(path)
    if size is None:
        return False
    data = b"".join(remote.chunks(path)) if size <= MANIFEST_LIMIT else b""
    try:
        same = read_manifest(data, parcel.folder, path) == parcel.entries
    except DeliveryError:
        same = False
    if not same:
        raise DeliveryError(
            f"{MANIFEST_NAME} in the drop is not of bundle {parcel.folder}", remote.place(path),
            _FOREIGN, file=MANIFEST_NAME,
        )
    return True


def _measure(
    remote: RemoteFiles, path: str, entry: DropEntry, progress: Progress
) -> tuple[int, str]:
    digest = hashlib.sha256()
    size = 0
    for chunk in _counted(remote.chunks(path), "read back", entry, progress):
        digest.update(chunk)
        size += len(chunk)
    return size, digest.hexdigest()


def _counted(
    chunks: Iterable[bytes], verb: str, entry: DropEntry, progress: Progress
) -> Iterator[bytes]:
    done = 0
    for chunk in chunks:
        yield chunk
        done += len(chunk)
        progress(verb, entry.file, done, entry.size)


def _partials(remote: RemoteFiles, root: str, parcel: Parcel) -> list[str]:
    """Temporary names of earlier tries: this protocol's own, of this bundle's files, nothing else."""
    found = []
    for directory in sorted({posixpath.dirname(name) for name in [MANIFEST_NAME, *parcel.entries]}):
        for name in remote.names(posixpath.join(root, directory) if directory else root):
            path = posixpath.join(directory, name)
            if _original_name(path) in parcel.entries or _original_name(path) == MANIFEST_NAME:
                found.append(path)
    return found


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


def _read(path: str) -> Iterator[bytes]:
    try:
        with open(path, "rb") as stream:
            while chunk := stream.read(CHUNK):
                yield chunk
    except OSError as error:
        raise DeliveryError(
            f"a file of the bundle cannot be read: {error.strerror}", path, "check the bundle"
        ) from error
