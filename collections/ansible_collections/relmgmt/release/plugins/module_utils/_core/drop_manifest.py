# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest that closes a delivery in the drop: what was delivered, with size and digest."""

from __future__ import annotations

import json
import posixpath
import re
from typing import Any, Dict, NamedTuple

from ansible_collections.relmgmt.release.plugins.module_utils._errors import DeliveryError, InvalidInput

MANIFEST_NAME = "MANIFEST.json"
MANIFEST_LIMIT = 1 << 20  # bytes; a manifest of 10 000 packages is smaller
DELIVER = "run ansible-playbook playbooks/deliver.yml for this change first"

_BUNDLE = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9._]*(?:-[A-Za-z0-9._]+)*-[0-9a-f]{12}\Z")
_SEGMENT = re.compile(r"\A[A-Za-z0-9_][A-Za-z0-9._+-]*\Z")
_SHA256 = re.compile(r"\A[0-9a-f]{64}\Z")


class DropEntry(NamedTuple):
    """One delivered package; size in bytes, sha256 as 64 hex digits."""

    file: str
    sha256: str
    size: int


def check_bundle(bundle: str) -> str:
    """The folder of a bundle in the drop, `<release>-<first 12 hex digits of the bundle digest>`."""
    if not _BUNDLE.match(bundle):
        raise InvalidInput("not the name of a delivered bundle", bundle, "give <release>-<12 hex digits>")
    return bundle


def release_of(bundle: str) -> str:
    """The release that a bundle's folder in the drop names."""
    return check_bundle(bundle).rpartition("-")[0]


def check_file(file: str) -> str:
    """A package's path inside its bundle: relative, plain characters, nothing hidden, no `..`."""
    if not file or not all(_SEGMENT.match(segment) for segment in file.split("/")):
        raise InvalidInput("not a plain package name", file, "use letters, digits and . _ + - only")
    return file


def check_sha256(sha256: str, place: str) -> str:
    if not _SHA256.match(sha256):
        raise InvalidInput("not a sha256 digest: %r" % sha256, place, "give 64 lower-case hex digits")
    return sha256


def drop_place(base: str, bundle: str, file: str) -> str:
    """The path of a file of a bundle inside the drop."""
    return posixpath.join(base, bundle, file)


def read_manifest(data: bytes, bundle: str, place: str) -> Dict[str, DropEntry]:
    """The entries of a manifest by file name; refuses one that is not of this bundle."""
    manifest = _load(data, place)
    digest = str(manifest.get("bundle_digest", ""))
    if "%s-%s" % (manifest.get("release"), digest[:12]) != bundle or not _SHA256.match(digest):
        raise DeliveryError("the manifest is not of bundle %s" % bundle, place, DELIVER)
    files = manifest.get("files")
    if not isinstance(files, dict):
        raise DeliveryError("the manifest lists no files", place, DELIVER)
    return {name: _entry(name, value, place) for name, value in files.items()}


def find_entry(entries: Dict[str, DropEntry], file: str, sha256: str, place: str) -> DropEntry:
    """The entry of one package, refused when it is missing or is not what the change is about."""
    entry = entries.get(file)
    if entry is None:
        raise DeliveryError("package %s was not delivered" % file, place, DELIVER)
    if entry.sha256 != sha256:
        raise DeliveryError(
            "package %s in the drop has another digest than the bundle" % file,
            place,
            DELIVER,
            expected=sha256,
            found=entry.sha256,
        )
    return entry


def _load(data: bytes, place: str) -> Dict[str, Any]:
    if len(data) > MANIFEST_LIMIT:
        raise DeliveryError("the manifest is larger than %d bytes" % MANIFEST_LIMIT, place, DELIVER)
    try:
        manifest = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise DeliveryError("the manifest cannot be read: %s" % error, place, DELIVER) from error
    if not isinstance(manifest, dict):
        raise DeliveryError("the manifest is not an object", place, DELIVER)
    return manifest


def _entry(name: str, value: Any, place: str) -> DropEntry:
    size = value.get("size") if isinstance(value, dict) else None
    sha256 = value.get("sha256") if isinstance(value, dict) else None
    if isinstance(size, int) and size >= 0 and isinstance(sha256, str) and _SHA256.match(sha256):
        return DropEntry(name, sha256, size)
    raise DeliveryError("the manifest's entry %s has no size and sha256" % name, place, DELIVER)
