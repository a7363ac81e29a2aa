# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases of a Caché or IRIS instance: mounted, dismounted, checked, written to (FACTS 3.3, 3.5)."""

from __future__ import annotations

import contextlib
import os
from typing import List, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._core.objectscript import Script
from ansible_collections.relmgmt.release.plugins.module_utils._engines import iris_view
from ansible_collections.relmgmt.release.plugins.module_utils._engines.iris_terminal import (
    SYSTEM,
    VERY_LONG,
    IrisTerminal,
    Result,
)
from ansible_collections.relmgmt.release.plugins.module_utils._engines.iris_view import Place
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError, EngineError, InvalidInput

MOUNT = "##class(SYS.Database).MountDatabase(rmF)"
MOUNT_TO_READ = "##class(SYS.Database).MountDatabase(rmF,1)"
DISMOUNT = "##class(SYS.Database).DismountDatabase(rmF)"
INTEGRITY = "$$CheckList^Integrity(,$listbuild(rmF))"
#: what a check that found nothing leaves behind, in IRIS and in Caché
FORGET = "kill:+rmQ ^IRIS.TempIntegrityOutput($job),^CacheTempIntegrityOutput($job)"
PROOF_GLOBAL = "RELMGMTPROOF"
IN_USE = "end what uses it: productions, jobs, sessions; then run again"


def places(terminal: IrisTerminal) -> List[Place]:
    """The databases that count, wherever their files are."""
    status = terminal.status()
    return iris_view.places(terminal, status, iris_view.configured(terminal, status))


def mount(terminal: IrisTerminal, held: Sequence[Place]) -> List[Place]:
    """Mount those of the databases that are not mounted; the answer names them."""
    return _turn(terminal, held, MOUNT, True)


def dismount(terminal: IrisTerminal, held: Sequence[Place]) -> List[Place]:
    """Dismount those that are mounted, which writes what is in memory; the answer names them."""
    return _turn(terminal, held, DISMOUNT, False)


def check_copy(terminal: IrisTerminal, path: str) -> None:
    """Integrity of a copied dataset, mounted read-only where it lies."""
    directory, name = os.path.split(path)
    if name != terminal.status().dataset_file:
        raise InvalidInput(
            f"the instance mounts only what is called {terminal.status().dataset_file}", place=path,
            cure="put the copy in a directory of its own under that name",
        )
    copy = Place(path, directory + "/", path)
    script = terminal.script()
    # A run that was killed here has left it mounted.
    _to(script, copy, DISMOUNT, False)
    script.status(MOUNT_TO_READ).status(INTEGRITY).do(FORGET)
    _to(script, copy, DISMOUNT, False)
    try:
        said = terminal.talk(script, SYSTEM, VERY_LONG)
    except EngineError:
        with contextlib.suppress(EngineError):
            dismount(terminal, [copy])
        raise
    _before, mounted, checked, dismounted = said.outcomes
    _require(
        terminal, mounted, "mounting the copy to check it", path,
        "the instance's own user must be able to enter the directory and to write its lock file there",
    )
    _require(terminal, dismounted, "dismounting the copy", path, "dismount it by hand in %SYS")
    _require_integrity(checked, path)


def prove(terminal: IrisTerminal, one: Place) -> None:
    """A database mounts, has integrity, takes a write; it is dismounted again."""
    script = terminal.script()
    _to(script, one, MOUNT, True)
    script.status(INTEGRITY).do(FORGET).text("rmR", f'^|"^^{one.directory}"|{PROOF_GLOBAL}')
    script.do("set @rmR=$job", "set rmB=$get(@rmR)=$job", "kill @rmR", "set rmB=rmB&'$data(@rmR)").say("PW", "rmB")
    _to(script, one, DISMOUNT, False)
    said = terminal.talk(script, SYSTEM, VERY_LONG)
    mounted, checked, dismounted = said.outcomes
    _require(terminal, mounted, f"mounting {one.name}", one.path, "see the instance's log")
    _require_integrity(checked, one.path)
    if said.first("PW") != ("1",):
        raise EngineError(f"a write to {one.name} did not hold", place=one.path, cure="see the instance's log")
    _require(terminal, dismounted, f"dismounting {one.name}", one.path, IN_USE)


def _turn(terminal: IrisTerminal, held: Sequence[Place], call: str, wanted: bool) -> List[Place]:
    if not held:
        return []
    script = terminal.script()
    for one in held:
        _to(script, one, call, wanted)
    said = terminal.talk(script, SYSTEM)
    what = "mounting" if wanted else "dismounting"
    for one, result, after in zip(held, said.outcomes, said.fields("DA")):
        _require(terminal, result, f"{what} {one.name}", one.path, IN_USE)
        if (after == ("1",)) != wanted:
            raise EngineError(f"{what} {one.name} had no effect", place=one.path, cure=IN_USE)
    return [one for one, before in zip(held, said.fields("DB")) if (before == ("1",)) != wanted]


def _to(script: Script, one: Place, call: str, wanted: bool) -> None:
    """Mount or dismount, if it is not so already: records DB before, status, DA after."""
    condition = "'rmB" if wanted else "rmB"
    script.text("rmF", one.directory)
    _mounted(script, "DB")
    script.do("set rmQ=1", f"set:{condition} rmQ={call}", "xecute rmD")
    _mounted(script, "DA")


def _mounted(script: Script, tag: str) -> None:
    # An object that is still there would answer with what it has seen before.
    script.do('set rmO="",rmB=0', "set rmO=##class(SYS.Database).%OpenId(rmF)")
    script.do("set:$isobject(rmO) rmB=rmO.Mounted").say(tag, "rmB")


def _require_integrity(result: Result, path: str) -> None:
    if not result.good:
        raise DatasetError(
            f"the integrity check found errors: {'; '.join(result.texts) or 'see ^Integrity'}", place=path,
            cure="see them with Display^Integrity in %SYS; take the set from a sound database",
        )


def _require(terminal: IrisTerminal, result: Result, what: str, place: str, cure: str) -> None:
    if not result.good:
        raise EngineError(
            f"{what} failed: {'; '.join(result.texts) or 'the instance does not say why'}", place=place, cure=cure,
        )
