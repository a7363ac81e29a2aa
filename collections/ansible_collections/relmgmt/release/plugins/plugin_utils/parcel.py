# SPDX-License-Identifier: GPL-3.0-or-later
"""What a delivery brings: the files of a bundle, from wherever they are, and the manifest that closes it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.drop_manifest import (
    MANIFEST_NAME,
    DropEntry,
    check_bundle,
    check_file,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DeliveryError
from ansible_collections.relmgmt.release.plugins.plugin_utils.bundle import Bundle
from ansible_collections.relmgmt.release.plugins.plugin_utils.remote_files import CHUNK

Source = Callable[[], Iterator[bytes]]
"""Reads a file's content from its beginning."""


class Parcel(NamedTuple):
    """What is to lie in a drop.

    ``digest``: the bundle's. ``folder``: its name in the drop. ``origin``: where the content
    comes from, as messages name it.
    """

    release: str
    digest: str
    folder: str
    manifest: bytes
    entries: dict[str, DropEntry]
    sources: dict[str, Source]
    origin: str


def parcel_of(bundle: Bundle) -> Parcel:
    """What of a verified bundle is delivered: its packages, files of configuration, and documents."""
    names = [file for file, _sha256 in bundle.release.files]
    names += bundle.release.documents.values()
    files = {name: bundle.files[name] for name in names}
    sources = {name: partial(_read, os.path.join(bundle.directory, *name.split("/"))) for name in names}
    return pack(bundle.name, bundle.digest, files, sources, bundle.directory)


def pack(
    release: str, digest: str, files: Mapping[str, tuple[str, int]], sources: Mapping[str, Source], origin: str
) -> Parcel:
    """The parcel of a bundle; ``files``: name to (sha256, size in bytes)."""
    folder = check_bundle(f"{release}-{digest[:12]}")
    entries = {check_file(name): DropEntry(name, *files[name]) for name in sorted(files)}
    listed = {name: {"sha256": entry.sha256, "size": entry.size} for name, entry in entries.items()}
    manifest = {"release": release, "bundle_digest": digest, "files": listed}
    text = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
    return Parcel(release, digest, folder, text.encode("utf-8"), entries, dict(sources), origin)


def manifest_entry(parcel: Parcel) -> DropEntry:
    """Size and digest of the manifest itself."""
    return DropEntry(MANIFEST_NAME, hashlib.sha256(parcel.manifest).hexdigest(), len(parcel.manifest))


def _read(path: str) -> Iterator[bytes]:
    try:
        with open(path, "rb") as stream:
            while chunk := stream.read(CHUNK):
                yield chunk
    except OSError as error:
        raise DeliveryError(
            f"a file of the bundle cannot be read: {error.strerror}", path, "check the bundle"
        ) from error
