# SPDX-License-Identifier: GPL-3.0-or-later
"""Who wrote what since a point, as the journals show it (invariant 13).

Unknown is said as unknown: a journal that is off, missing, or does not reach back to the
point never reads as "nobody wrote".
"""

from __future__ import annotations

import os
import time
from datetime import datetime
from typing import Iterator, Mapping, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._core import journal_rows
from ansible_collections.relmgmt.release.plugins.module_utils._core.backup_manifest import Position
from ansible_collections.relmgmt.release.plugins.module_utils._core.journal_rows import PROCESS, Extract, Header
from ansible_collections.relmgmt.release.plugins.module_utils._core.writes import Counting, Write, Writer, Writes
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm import GtmInstance
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm_files import LONG, read_header, regions
from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown, RelmgmtError

MAX_JOURNALS = 10000
FLUSH = 'SET r="" FOR  SET r=$VIEW("GVNEXT",r) QUIT:r=""  VIEW "JNLFLUSH":r'


class _Unknown(Exception):
    pass


def writes_since(
    instance: GtmInstance, positions: Mapping[str, Position], writers: Sequence[Writer],
    scratch: str, flush: bool = True,
) -> Writes:
    """Who wrote what since the positions of a backup set, without ``writers``.

    ``scratch``: a directory for the extracts. ``flush``: have the journal buffers written
    first; without it, writes of processes that still run may be missing (check mode
    touches nothing).
    """
    found = Counting()
    try:
        for write in _all_writes(instance, positions, scratch, flush):
            if not journal_rows.is_proof(write.reference) and not _is_ours(write, writers):
                found.add(write)
    except (_Unknown, RelmgmtError) as error:
        return found.result(unknown=str(error))
    return found.result()


def _all_writes(
    instance: GtmInstance, positions: Mapping[str, Position], scratch: str, flush: bool,
) -> Iterator[Write]:
    files = regions(instance)
    if flush:
        # Without this, an extract misses what live processes hold in the journal buffer.
        instance.require(instance.mumps("-run", "%XCMD", FLUSH), "flushing the journals")
    for region, position in sorted(positions.items()):
        if region not in files:
            raise _Unknown(f"region {region} of the point is not in {instance.global_directory}")
        for journal in _chain(instance, files[region], position):
            yield from _rows(instance, journal.file, position.transaction, scratch)


def _chain(instance: GtmInstance, path: str, position: Position) -> list[Header]:
    """The journals from the point on, oldest first."""
    if not os.path.isfile(path):
        raise _Unknown(f"the dataset {path} is missing")
    live = read_header(instance, path)
    if live.transaction < position.transaction:
        raise _Unknown(f"{path} is older than the point: it was replaced since")
    if not live.journal or not position.journal:
        raise _Unknown(f"journaling of {path} is or was off")
    chain = [_header(instance, live.journal)]
    while chain[0].begin > position.transaction and chain[0].previous and len(chain) < MAX_JOURNALS:
        chain.insert(0, _header(instance, chain[0].previous))
    gap = journal_rows.chain_gap(chain, position.transaction)
    if gap:
        raise _Unknown(f"{path}: {gap}")
    if os.path.realpath(chain[-1].database) != os.path.realpath(path):
        raise _Unknown(f"the journal {live.journal} is not of {path}")
    return chain


def _header(instance: GtmInstance, journal: str) -> Header:
    answer = instance.mupip("journal", "-show=header", "-forward", "-noverify", journal)
    header = journal_rows.parse_header(answer.out + "\n" + answer.err)
    if answer.rc != 0 or header is None:
        raise _Unknown(f"the journal {journal} is missing or cannot be read")
    return header


def keep_written(instance: GtmInstance, positions: Mapping[str, Position], target: str) -> int:
    """Extract what was written since the positions into ``target/<region>.mjf``; how many writes.

    The rows are those of ``mupip journal -extract``. Raises HostStateUnknown where the journals do not tell.
    """
    try:
        files = regions(instance)
        return sum(_keep_region(instance, files[region], position, os.path.join(target, f"{region}.mjf"))
                   for region, position in sorted(positions.items()))
    except (_Unknown, KeyError) as error:
        raise HostStateUnknown(f"what was written cannot be kept aside: {error}", target,
                               "leave keep_written out if it may be lost") from error


def _keep_region(instance: GtmInstance, path: str, position: Position, target: str) -> int:
    count = 0
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as stream:
        for journal in _chain(instance, path, position):
            extract = Extract()
            for line in _lines(instance, journal.file, os.path.dirname(target)):
                write = extract.feed(line)
                is_write = write is not None and write.transaction >= position.transaction
                count += is_write
                if is_write or line.startswith((PROCESS, "GDSJEX")):
                    stream.write(line)
        stream.flush()
        os.fsync(stream.fileno())
    return count


def _rows(instance: GtmInstance, journal: str, first: int, scratch: str) -> Iterator[Write]:
    extract = Extract()
    for line in _lines(instance, journal, scratch):
        write = extract.feed(line)
        if write is not None and write.transaction >= first:
            yield write


def _lines(instance: GtmInstance, journal: str, scratch: str) -> Iterator[str]:
    """The lines of a journal's extract, which lies in ``scratch`` meanwhile."""
    target = os.path.join(scratch, f"relmgmt-{os.getpid()}-{os.path.basename(journal)}.mjf")
    try:
        answer = instance.mupip(
            "journal", f"-extract={target}", "-forward", "-nochain", "-noverify", journal, deadline=LONG
        )
        if answer.rc != 0 or not os.path.isfile(target):
            said = "; ".join(f"{one.name}, {one.text}" for one in answer.problems) or f"status {answer.rc}"
            raise _Unknown(f"the journal {journal} cannot be extracted: {said}")
        with open(target, encoding="utf-8", errors="surrogateescape") as lines:
            yield from lines
    finally:
        if os.path.exists(target):
            os.unlink(target)


def _is_ours(write: Write, writers: Sequence[Writer]) -> bool:
    at = time.mktime(datetime.fromisoformat(write.time).timetuple())
    # Journal times have whole seconds.
    return any(one.pid == write.pid and one.since - 1 <= at <= one.until + 1 for one in writers)
