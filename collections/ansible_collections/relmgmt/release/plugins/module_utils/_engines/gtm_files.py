# SPDX-License-Identifier: GPL-3.0-or-later
"""GT.M database files by themselves: header, integrity, rundown, a region of their own."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm import Answer, GtmInstance
from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    DatasetError,
    EngineError,
    HostStateUnknown,
    InvalidInput,
    Refused,
)

LONG = 6 * 3600.0
JOURNAL_OFF, JOURNAL_ON = 1, 2
MAPPED = 2
#: what a global directory for one file is called
ALONE = "alone.gld"


class FileHeader(NamedTuple):
    """A database file's header. ``transaction``: the number the next update will get.

    ``journal``: the journal file if journaling is on, else "". ``memory``: the shared memory of
    the processes that have it open, -1 for none. ``mapped``: it is accessed as memory (MM).
    """

    transaction: int
    journal: str
    before_images: bool
    frozen: bool
    memory: int
    mapped: bool
    block_size: int


def read_header(instance: GtmInstance, path: str) -> FileHeader:
    """The header as the file holds it; opens no database and changes nothing."""
    answer = instance.mupip("dumpfhead", "-file", path)
    header = _header(answer.out + answer.err)
    if header is None:
        raise DatasetError(
            "this is not a database file of this GT.M version", place=path, cure="restore it from a backup set",
        )
    return header


def read_headers(instance: GtmInstance) -> dict[str, FileHeader]:
    """The headers of all regions, in one process; one that cannot be read, and those after it, are absent."""
    answer = instance.mupip("dumpfhead", "-region", "*")
    found = {}
    for part in re.split(r"^Fileheader dump of region (?=\S)", answer.out + answer.err, flags=re.M)[1:]:
        header = _header(part)
        if header is not None:
            found[part.split(None, 1)[0]] = header
    return found


def _header(text: str) -> FileHeader | None:
    fields = dict(re.findall(r'record\("sgmnt_data\.([\w.]+)"\)="?([^"\n]*)', text))
    try:
        return FileHeader(
            transaction=int(fields["trans_hist.curr_tn"], 16),
            journal=fields.get("jnl_file_name", "") if int(fields["jnl_state"]) == JOURNAL_ON else "",
            before_images=fields["jnl_before_image"] != "0", frozen=int(fields["freeze"]) != 0,
            memory=int(fields["shmid"]), mapped=int(fields["acc_meth"]) == MAPPED, block_size=int(fields["blk_size"]),
        )
    except (KeyError, ValueError):
        return None


def regions(instance: GtmInstance) -> dict[str, str]:
    """Region name to dataset path, from the global directory; no dataset is opened or needed.

    $VIEW("GVFILE") would open them: that changes their headers (T43), and fails for a
    dataset that is damaged or gone.
    """
    answer = instance.mumps("-run", "GDE", stdin=b"show -commands\nquit\n")
    if not answer.has("LOADGD"):
        raise HostStateUnknown(
            "there is no global directory", place=instance.global_directory,
            cure="correct gtm.global_directory in the inventory",
        )
    segments = dict(re.findall(r'^ADD -SEGMENT (\S+) .*?-FILE_NAME="([^"]+)"', answer.out, re.M))
    found = re.findall(r"^ADD -REGION (\S+) -DYNAMIC_SEGMENT=(\S+)", answer.out, re.M)
    return {region: _place(instance, segments[segment]) for region, segment in found if segment in segments}


def _place(instance: GtmInstance, file: str) -> str:
    known = instance.environment()
    path = re.sub(r"\$(\w+)", lambda hit: known.get(hit.group(1), hit.group(0)), file)
    path = path if os.path.splitext(path)[1] else path + ".dat"
    if not os.path.isabs(path):
        raise InvalidInput(
            f"the global directory names a dataset by a relative path or an unknown variable: {file}",
            place=instance.global_directory,
            cure="name it by its absolute path, or add the variable to gtm.environment",
        )
    return path


def require_integrity(instance: GtmInstance, path: str, fast: bool = False) -> None:
    """``mupip integ`` finds no error. Standalone refusal and corruption share status 178.

    ``fast``: the index blocks alone, without the data blocks.
    """
    answer = instance.mupip("integ", *(["-fast"] if fast else []), "-file", path, deadline=LONG)
    if answer.has("MUSTANDALONE"):
        raise Refused(
            "the file is open by another process, its integrity cannot be checked", place=path,
            cure="end the processes that have it open",
        )
    clean = "No errors detected by fast integ" if fast else "No errors detected by integ"
    if answer.rc != 0 or clean not in answer.out + answer.err:
        raise DatasetError(
            f"the database is damaged: {_said(answer)}", place=path,
            cure="take the backup set again; if the live database is damaged too, restore an older set",
        )


def run_down(instance: GtmInstance, path: str) -> None:
    """Flush and remove what shared memory a database file has left behind."""
    answer = instance.mupip("rundown", "-file", path, deadline=LONG)
    if answer.rc != 0 and answer.has("MUUSERECOV"):
        # Its users were killed. What is restored replaces the file, so there is nothing to recover.
        answer = instance.mupip("rundown", "-override", "-file", path, deadline=LONG)
    if answer.rc != 0 or answer.problems:
        raise EngineError(
            f"shared memory cannot be run down: {_said(answer)}", place=path,
            cure="end the processes that have the dataset open (application: state quiesced)",
        )


def region_of_its_own(instance: GtmInstance, path: str, scratch: str) -> GtmInstance:
    """An instance whose global directory, in ``scratch``, maps every global to this file.

    A scratch directory serves one file after the other: GDE takes half a second to create a
    global directory, and milliseconds to change one.
    """
    directory = os.path.join(scratch, ALONE)
    alone = with_directory(instance, directory)
    commands = f'change -segment DEFAULT -file="{path}"\nexit\n'
    answer = alone.mumps("-run", "GDE", stdin=commands.encode())
    if not answer.has("GDCREATE") and not answer.has("GDUPDATE"):
        raise EngineError(f"no global directory could be made: {_said(answer)}", place=directory)
    return alone


def with_directory(instance: GtmInstance, global_directory: str) -> GtmInstance:
    """The same instance through another global directory."""
    return type(instance)(
        instance.name, instance.dist, global_directory, instance.source_directory,
        instance.object_directory, instance.extra,
    )


def _said(answer: Answer) -> str:
    said = "; ".join(str(message) for message in answer.problems or answer.messages)
    return f"{said or (answer.err or answer.out).strip()[-300:]} (status {answer.rc})"
