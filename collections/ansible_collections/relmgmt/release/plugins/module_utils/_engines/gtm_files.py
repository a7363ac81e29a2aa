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


class FileHeader(NamedTuple):
    """A database file's header. ``transaction``: the number the next update will get.

    ``journal``: the journal file if journaling is on, else "".
    """

    transaction: int
    journal: str
    before_images: bool
    frozen: bool


def read_header(instance: GtmInstance, path: str) -> FileHeader:
    """The header as the file holds it; opens no database and changes nothing."""
    answer = instance.mupip("dumpfhead", "-file", path)
    fields = dict(re.findall(r'record\("sgmnt_data\.([\w.]+)"\)="?([^"\n]*)', answer.out + answer.err))
    try:
        state, frozen = int(fields["jnl_state"]), int(fields["freeze"]) != 0
        transaction = int(fields["trans_hist.curr_tn"], 16)
        before_images = fields["jnl_before_image"] != "0"
    except (KeyError, ValueError) as error:
        raise DatasetError(
            "this is not a database file of this GT.M version", place=path,
            cure="restore it from a backup set",
        ) from error
    journal = fields.get("jnl_file_name", "") if state == JOURNAL_ON else ""
    return FileHeader(transaction, journal, before_images, frozen)


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


def require_integrity(instance: GtmInstance, path: str) -> None:
    """``mupip integ`` finds no error. Standalone refusal and corruption share status 178."""
    answer = instance.mupip("integ", "-file", path, deadline=LONG)
    if answer.has("MUSTANDALONE"):
        raise Refused(
            "the file is open by another process, its integrity cannot be checked", place=path,
            cure="end the processes that have it open",
        )
    if answer.rc != 0 or "No errors detected by integ" not in answer.out + answer.err:
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
    """An instance whose global directory, in ``scratch``, maps every global to this file."""
    directory = os.path.join(scratch, f"{os.path.basename(path)}.{os.getpid()}.gld")
    if os.path.exists(directory):
        os.unlink(directory)
    alone = with_directory(instance, directory)
    commands = f'change -segment DEFAULT -file="{path}"\nexit\n'
    answer = alone.mumps("-run", "GDE", stdin=commands.encode())
    if not os.path.isfile(directory):
        raise EngineError(f"no global directory could be made: {_said(answer)}", place=directory)
    return alone


def with_directory(instance: GtmInstance, global_directory: str) -> GtmInstance:
    """The same instance through another global directory."""
    return GtmInstance(
        instance.name, instance.dist, global_directory, instance.source_directory,
        instance.object_directory, instance.extra,
    )


def _said(answer: Answer) -> str:
    said = "; ".join(str(message) for message in answer.problems or answer.messages)
    return f"{said or (answer.err or answer.out).strip()[-300:]} (status {answer.rc})"
