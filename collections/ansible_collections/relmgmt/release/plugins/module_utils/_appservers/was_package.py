# SPDX-License-Identifier: GPL-3.0-or-later
"""EAR files on disk: packing a WAR into one, and taking out of one what was delivered in it."""

from __future__ import annotations

import os
import shutil
import zipfile
import zlib
from typing import NamedTuple, Optional

from ansible_collections.relmgmt.release.plugins.module_utils._archive import read_entries
from ansible_collections.relmgmt.release.plugins.module_utils._core.archive import Limits
from ansible_collections.relmgmt.release.plugins.module_utils._core.was_ear import (
    DESCRIPTOR,
    NOTE,
    Note,
    content_digest,
    delivered_digest,
    module_name,
    read_note,
    render_descriptor,
    render_note,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_app import WebApp
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput, RelmgmtError
from ansible_collections.relmgmt.release.plugins.module_utils._files import CHUNK, sha256_file

_LIMITS = Limits()
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError)
_NOTE_LIMIT = 1 << 12
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same EAR from the same WAR


class Delivered(NamedTuple):
    """What an EAR holds: the WAR taken out of it (None if it is not one WAR), digest of what was delivered."""

    war: Optional[str]
    sha256: str


def pack(app: WebApp, war: str, ear: str) -> None:
    """Write the EAR that holds this very WAR."""
    note = Note(sha256_file(war), content_digest(read_entries(war, _LIMITS)))
    with zipfile.ZipFile(ear, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(DESCRIPTOR, _EPOCH), render_descriptor(app.name, app.context_root))
        archive.writestr(zipfile.ZipInfo(NOTE, _EPOCH), render_note(note))
        with archive.open(zipfile.ZipInfo(module_name(app.name), _EPOCH), "w", force_zip64=True) as member:
            with open(war, "rb") as stream:
                shutil.copyfileobj(stream, member, CHUNK)


def unpack(ear: str, directory: str) -> Delivered:
    """Take the only WAR out of an EAR; an EAR of another make is told by its own digest."""
    try:
        with zipfile.ZipFile(ear) as archive:
            wars = [info for info in archive.infolist() if info.filename.lower().endswith(".war")]
            if len(wars) != 1 or wars[0].file_size > _LIMITS.size:
                return Delivered(None, sha256_file(ear))
            note = _note(archive)
            war = os.path.join(directory, "installed.war")
            with archive.open(wars[0]) as member, open(war, "wb") as stream:
                shutil.copyfileobj(member, stream, CHUNK)
    except _BROKEN as error:
        raise InvalidInput("not a sound EAR file: %s" % error, ear, "see what the cell holds") from error
    return Delivered(war, delivered_digest(sha256_file(war), _content(war), note))


def _note(archive: zipfile.ZipFile) -> Optional[Note]:
    if NOTE not in archive.namelist() or archive.getinfo(NOTE).file_size > _NOTE_LIMIT:
        return None
    return read_note(archive.read(NOTE))


def _content(war: str) -> str:
    try:
        return content_digest(read_entries(war, _LIMITS))
    except RelmgmtError:
        return ""  # what is installed may be older than the rules for packages
