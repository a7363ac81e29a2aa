# SPDX-License-Identifier: GPL-3.0-or-later
"""Routines of a GT.M instance: sources in files, objects beside them.

GT.M compiles again only where the source is newer than the object (FACTS 5.3), so an older
source put back keeps the newer object running. Hence every load compiles explicitly, into a
directory aside, and renames the object over the old one; and looking at a routine compares
the checksum of the object with that of a fresh compilation of the source.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import contextmanager
from typing import Dict, Iterator, List, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import failpoint
from ansible_collections.relmgmt.release.plugins.module_utils._core.items import CompileError, Item, lines_of
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm import Answer, GtmInstance
from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    CompileFailed,
    EngineError,
    InvalidInput,
)
from ansible_collections.relmgmt.release.plugins.module_utils._files import (
    fsync_dir,
    make_dirs,
    write_durably,
)

TYPES = frozenset(["MAC", "INT"])
NAME = re.compile(r"%?[A-Za-z][A-Za-z0-9]{0,30}\Z")
PLACE = re.compile(r"At column (\d+), line (\d+), source module (.+)")
MESSAGE = re.compile(r"%\w+-[WEF]-(\w+)(?:, *(.*))?")
# A command line has room for about 2 MB; a batch stays far below.
BATCH = 200


def home_of(name: str) -> str:
    """The routine that an item ``CASE.MAC`` becomes: ``CASE``. MAC and INT share it."""
    routine, _dot, kind = name.rpartition(".")
    if kind not in TYPES:
        raise InvalidInput(
            f"{name}: GT.M holds routines only, not {kind or 'this'}", place=name,
            cure="take it out of the package of an instance on GT.M",
        )
    if not NAME.match(routine):
        raise InvalidInput(
            f"{name}: {routine!r} cannot be a routine on GT.M (31 letters and digits, % first)",
            place=name, cure="rename the routine",
        )
    return routine


def source_path(instance: GtmInstance, name: str) -> str:
    """Where the source of an item lies; ``%Z`` is ``_Z.m``."""
    return os.path.join(instance.source_directory, _stem(name) + ".m")


def object_path(instance: GtmInstance, name: str) -> str:
    """Where the object of an item lies."""
    return os.path.join(instance.object_directory, _stem(name) + ".o")


def read(instance: GtmInstance, names: List[str]) -> Dict[str, Item]:
    """The live items; ``stale`` where the object is absent or not that of the source.

    An object without a source still runs: it is an item without lines.
    """
    if not os.path.isdir(instance.source_directory):
        raise InvalidInput(
            "there is no directory of routines", place=instance.source_directory,
            cure="create it, or correct gtm.source_directory in the inventory",
        )
    sources = {name: _read_lines(source_path(instance, name)) for name in names}
    present = [name for name, lines in sources.items() if lines is not None]
    bare = [name for name in names if name not in present and os.path.isfile(object_path(instance, name))]
    stale = {**_stale_among(instance, present), **dict.fromkeys(bare, True)}
    return {name: Item(name, sources[name] or (), stale[name]) for name in names if name in stale}


def check(instance: GtmInstance, items: List[Item]) -> List[CompileError]:
    """Compile aside; no object is written (FACTS 5.2)."""
    with _aside() as folder:
        for item in items:
            _write_source(os.path.join(folder, _stem(item.name) + ".m"), item)
        found: List[CompileError] = []
        for batch in _batches([_stem(item.name) + ".m" for item in items]):
            answer = instance.mumps("-noobject", *batch, cwd=folder)
            found += _compile_errors(answer, {_stem(item.name): item.name for item in items})
            _require_told(answer, found)
        return found


def load(instance: GtmInstance, items: List[Item], removes: List[str]) -> None:
    """Write sources, compile each where it lies, put the objects in place; then remove."""
    make_dirs(instance.object_directory)
    for item in items:
        _install_source(source_path(instance, item.name), source_bytes(item))
        failpoint("package.source")
    compile_sources(instance, [item.name for item in items])
    failpoint("package.compiled")
    for name in removes:
        remove(instance, name)


def remove(instance: GtmInstance, name: str) -> None:
    """Remove source, then object: without its source GT.M would go on running the object."""
    for path in (source_path(instance, name), object_path(instance, name)):
        if os.path.exists(path):
            os.unlink(path)
            fsync_dir(os.path.dirname(path))
            failpoint("package.removed")


def own(path: str, uid: int, gid: int) -> None:
    """Give a file to the owner that its predecessor had."""
    status = os.stat(path)
    if (status.st_uid, status.st_gid) != (uid, gid):
        os.chown(path, uid, gid)


def source_bytes(item: Item) -> bytes:
    """The source as a file: UTF-8, a line feed after every line."""
    return "".join(line + "\n" for line in item.lines).encode("utf-8", "surrogateescape")


def compile_sources(instance: GtmInstance, names: List[str], strict: bool = True) -> None:
    """Compile sources where they lie and rename the objects over the old ones.

    ``strict=False`` takes back even a source that never compiled cleanly: its object fails
    at the same lines as it did before.
    """
    if not names:
        return
    # Below the object directory, so that the rename stays on one file system.
    with _aside(instance.object_directory) as folder:
        errors = _compile_into(instance, names, folder)
        if errors and strict:
            raise CompileFailed(
                f"compile errors after the check had passed: {_said(errors)}",
                place=instance.source_directory, errors=[error.as_dict() for error in errors],
            )
        for name in names:
            _install_object(os.path.join(folder, _stem(name) + ".o"), object_path(instance, name))
    fsync_dir(instance.object_directory)


def _compile_into(instance: GtmInstance, names: List[str], folder: str) -> List[CompileError]:
    """Compile sources by their final path, so that $TEXT finds them; objects go to ``folder``."""
    by_stem = {_stem(name): name for name in names}
    errors: List[CompileError] = []
    for batch in _batches([source_path(instance, name) for name in names]):
        answer = instance.mumps(*batch, cwd=folder)
        errors += _compile_errors(answer, by_stem)
        _require_told(answer, errors)
    return errors


def _install_source(path: str, data: bytes) -> None:
    if not os.path.exists(path):
        write_durably(path, data)
        return
    before = os.stat(path)
    write_durably(path, data, before.st_mode & 0o7777)
    own(path, before.st_uid, before.st_gid)


def _install_object(fresh: str, path: str) -> None:
    if os.path.exists(path):
        before = os.stat(path)
        os.chmod(fresh, before.st_mode & 0o7777)
        own(fresh, before.st_uid, before.st_gid)
    os.rename(fresh, path)


def _stale_among(instance: GtmInstance, names: List[str]) -> Dict[str, bool]:
    stale = {name: not os.path.isfile(object_path(instance, name)) for name in names}
    compiled = [name for name in names if not stale[name]]
    live = _checksums(instance, {name: object_path(instance, name) for name in compiled})
    with _aside() as folder:
        for batch in _batches([source_path(instance, name) for name in compiled]):
            instance.mumps(*batch, cwd=folder)  # a source that does not compile has no checksum
        fresh = _checksums(
            instance, {name: os.path.join(folder, _stem(name) + ".o") for name in compiled}
        )
    for name in compiled:
        stale[name] = not live.get(name) or live[name] != fresh.get(name)
    return stale


def _checksums(instance: GtmInstance, objects: Dict[str, str]) -> Dict[str, str]:
    """Checksum of the source each object was compiled from; absent for a broken object."""
    there = {name: path for name, path in objects.items() if os.path.isfile(path)}
    if not there:
        return {}
    with _aside() as folder:
        write_durably(os.path.join(folder, "RELMGMTSUM.m"), CHECKSUM_PROGRAM)
        rows = "".join(f"{path}\t{home_of(name)}\n" for name, path in there.items())
        answer = instance.mumps(
            "-run", "RELMGMTSUM", stdin=rows.encode(), first=(f"{folder}({folder})",)
        )
        instance.require(answer, "reading routine checksums")
    sums = dict(line.split("\t") for line in answer.out.splitlines() if "\t" in line)
    return {name: sums[home_of(name)] for name in there if sums.get(home_of(name))}


# ZLINK of an object by its path never compiles, so looking changes nothing.
CHECKSUM_PROGRAM = rb'''RELMGMTSUM ; checksums of the objects named on standard input
 new row,path,routine,sum
 for  read row quit:$zeof  do
 . set path=$piece(row,$char(9),1),routine=$piece(row,$char(9),2),sum=$$sum(path,routine)
 . write routine,$char(9),sum,!
 quit
sum(path,routine) ;
 new $etrap
 set $etrap="set $ecode="""" quit """""
 zlink path
 quit $view("RTNCHECKSUM",routine)
'''


def _compile_errors(answer: Answer, by_stem: Dict[str, str]) -> List[CompileError]:
    """From ``source line / marker / At column / %GTM-E-`` blocks of the compiler."""
    found = []
    lines = answer.err.splitlines()
    for number, line in enumerate(lines):
        hit = PLACE.search(line)
        if not hit:
            continue
        stem = os.path.splitext(os.path.basename(hit.group(3).strip()))[0]
        text = lines[number - 2].strip() if number >= 2 else ""
        said = MESSAGE.search(lines[number + 1]) if number + 1 < len(lines) else None
        message = f"{said.group(1)}: {said.group(2) or ''}".rstrip(": ") if said else "no message"
        found.append(CompileError(by_stem.get(stem, stem), int(hit.group(2)), text, message))
    return found


def _require_told(answer: Answer, errors: List[CompileError]) -> None:
    # A refusal that names no line (NOTMNAME, a full disk) must not pass as "compiles".
    if answer.rc and not errors:
        raise EngineError(
            f"the compile check failed without naming a line: {answer.err.strip()[-400:]}",
            place=" ".join(answer.args[:4]),
        )


def _said(errors: List[CompileError]) -> str:
    return "; ".join(f"{e.item} line {e.line}: {e.message}" for e in errors[:10])


def _read_lines(path: str) -> Tuple[str, ...] | None:
    try:
        with open(path, "rb") as stream:
            return lines_of(stream.read().decode("utf-8", "surrogateescape"))
    except FileNotFoundError:
        return None


def _write_source(path: str, item: Item) -> None:
    with open(path, "wb") as stream:
        stream.write(source_bytes(item))


def _stem(name: str) -> str:
    return home_of(name).replace("%", "_")


def _batches(words: List[str]) -> Iterator[List[str]]:
    for start in range(0, len(words), BATCH):
        yield words[start:start + BATCH]


@contextmanager
def _aside(parent: str | None = None) -> Iterator[str]:
    folder = tempfile.mkdtemp(prefix=".relmgmt-" if parent else "relmgmt-", dir=parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
