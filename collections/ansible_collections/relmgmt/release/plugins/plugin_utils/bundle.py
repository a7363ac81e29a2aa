# SPDX-License-Identifier: GPL-3.0-or-later
"""Release bundles, change tickets and approvals, read from the controller's disk."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_settings import check_fragment
from ansible_collections.relmgmt.release.plugins.module_utils._core.release import (
    Approval,
    Release,
    Ticket,
    approvals_from,
    bundle_digest,
    on_demand_release,
    release_from,
    ticket_from,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_config import FRAGMENT, settings_of
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput, RelmgmtError
from ansible_collections.relmgmt.release.plugins.module_utils._files import sha256_file
from ansible_collections.relmgmt.release.plugins.plugin_utils.documents import load_document

SUMS = "SHA256SUMS"
MAX_FILES = 10000
CHUNK = 1 << 16
MAX_FRAGMENT = 1 << 20
SUM_LINE = re.compile(r"([0-9a-f]{64}) [ *]([^\x00-\x1f]+)")


class Bundle(NamedTuple):
    """A verified release bundle. ``files``: (sha256, size in bytes) by path in the bundle."""

    name: str
    digest: str
    release: Release
    files: dict[str, tuple[str, int]]
    directory: str

    @property
    def drop_name(self) -> str:
        """The bundle's directory in the drop: release and the digest's first 12 digits."""
        return f"{self.name}-{self.digest[:12]}"


def load_bundle(path: str) -> Bundle:
    """Read a bundle and verify every file of it against SHA256SUMS and release.yml.

    Raises InvalidInput naming the file that is missing, unlisted or different.
    """
    directory = os.path.abspath(path)
    if not os.path.isdir(directory):
        raise InvalidInput("no such release bundle", place=directory,
                           cure="correct 'bundle:' in the change ticket")
    files = _verify_files(directory)
    release = release_from(load_document(os.path.join(directory, "release.yml"), "release"))
    _verify_packages(release, files, directory)
    _verify_configuration(release, directory)
    digest = bundle_digest({name: sha256 for name, (sha256, _size) in files.items()})
    return Bundle(release.name, digest, release, files, directory)


def load_ticket(path: str) -> tuple[Ticket, list[Approval], str]:
    """A change ticket, the approvals beside it, and the absolute path of its bundle ("" if it names none)."""
    document = load_document(path, "ticket")
    ticket = ticket_from(document)
    if ticket.on_demand and {"release", "bundle"} & set(document):
        raise InvalidInput("a ticket of kind test_mode brings no release", place=path,
                           cure="take 'release' and 'bundle' out, or give a release's ticket 'test_mode: true'")
    beside = approvals_path(path)
    approvals = (
        approvals_from(load_document(beside, "approvals")) if os.path.exists(beside) else []
    )
    if ticket.on_demand:
        return ticket, approvals, ""
    bundle = os.path.join(os.path.dirname(os.path.abspath(path)), ticket.bundle)
    return ticket, approvals, os.path.normpath(bundle)


def bundle_of(ticket: Ticket, path: str) -> Bundle:
    """The bundle of a ticket, read from ``path``; what stands for it where test mode alone is asked for."""
    if ticket.on_demand:
        return Bundle(ticket.release, ticket.own_digest, on_demand_release(ticket), {}, "")
    return load_bundle(path)


def approvals_path(ticket_path: str) -> str:
    """Where the approvals of a ticket lie: CHG1.yml -> CHG1.approvals.yml."""
    return os.path.splitext(ticket_path)[0] + ".approvals.yml"


def read_sums(directory: str) -> dict[str, str]:
    """SHA-256 by path, as SHA256SUMS says."""
    path = os.path.join(directory, SUMS)
    try:
        with open(path, encoding="utf-8") as stream:
            lines = stream.read(1 << 22).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"the bundle has no readable {SUMS}: {error}", place=path,
                           cure=f"relmgmt seal {directory}") from error
    sums: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        match = SUM_LINE.fullmatch(line)
        if match is None or match[2] in sums:
            raise InvalidInput("not a checksum line, or a second one for the same file",
                               place=f"{path}:{number}", cure=f"relmgmt seal {directory}")
        sums[match[2]] = match[1]
    return sums


def bundle_files(directory: str) -> list[str]:
    """Paths of a bundle's files, SHA256SUMS left out, sorted; links are refused."""
    found = []
    for parent, names, files in os.walk(directory):
        for name in names + files:
            full = os.path.join(parent, name)
            if os.path.islink(full) or (name in files and not os.path.isfile(full)):
                raise InvalidInput("a bundle holds plain files only", place=full, cure="remove it")
        found += [os.path.relpath(os.path.join(parent, name), directory) for name in files]
        if len(found) > MAX_FILES:
            raise InvalidInput(f"more than {MAX_FILES} files in a bundle", place=directory,
                               cure="give the bundle's own directory")
    return sorted(name for name in found if name != SUMS)


def _verify_files(directory: str) -> dict[str, tuple[str, int]]:
    sums, present = read_sums(directory), bundle_files(directory)
    seal = f"bring the bundle back as it was sealed, or seal a new one: relmgmt seal {directory}"
    for name in sorted(set(sums) ^ set(present)):
        word = "is missing from the bundle" if name in sums else f"is not listed in {SUMS}"
        raise InvalidInput(f"{name} {word}", place=directory, cure=seal)
    files = {}
    for name in present:
        full = os.path.join(directory, name)
        digest = sha256_file(full)
        if digest != sums[name]:
            raise InvalidInput(f"{name} is not what {SUMS} says: {digest[:12]}…, not {sums[name][:12]}…",
                               place=full, cure=seal)
        files[name] = (digest, os.path.getsize(full))
    return files


def _verify_packages(release: Release, files: dict[str, tuple[str, int]], directory: str) -> None:
    named = [file for file, _sha256 in release.files]
    twice = {name for name in named if named.count(name) > 1}
    if twice:
        raise InvalidInput(f"the package {sorted(twice)[0]} is named twice", place=directory,
                           cure="name each package once in release.yml")
    for file, sha256 in release.files:
        digest, _size = files.get(file, ("", 0))
        if digest != sha256:
            raise InvalidInput(
                f"package {file}: release.yml says sha256 {sha256[:12]}…, "
                f"the file is {digest[:12] or 'missing'}…",
                place=os.path.join(directory, "release.yml"), cure=f"relmgmt seal {directory}",
            )
    for document in release.documents.values():
        if document not in files:
            raise InvalidInput(f"the document {document} is missing", place=directory,
                               cure="add it, or correct 'documents' in release.yml")


def _verify_configuration(release: Release, directory: str) -> None:
    """Every entry can be read, whatever the inventory's values, and a fragment holds what it may."""
    place = os.path.join(directory, "release.yml")
    stand_in = {entry["from_inventory"]: "${value}" for entry in release.configuration if "from_inventory" in entry}
    try:
        for setting in settings_of(release.configuration, stand_in):
            if setting.type == FRAGMENT and setting.file:
                place = os.path.join(directory, setting.file)
                with open(place, "rb") as stream:
                    check_fragment(stream.read(MAX_FRAGMENT), setting.file)
    except RelmgmtError as error:
        raise InvalidInput(error.message, place=place, cure=error.cure) from error
