# SPDX-License-Identifier: GPL-3.0-or-later
"""Classes, routines and pages of a Caché or IRIS instance: read, loaded, removed.

What is live is read by exporting it and reading the export like a package: so both sides have
the same digest. A load is not transactional and may leave out items that it does not tell of
(FACTS 2.2): it succeeded only if its status, its console and the list of what it loaded agree.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import contextmanager
from typing import Dict, Iterable, Iterator, Mapping, NamedTuple, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._core import iris_console
from ansible_collections.relmgmt.release.plugins.module_utils._core.cache_xml import read_export
from ansible_collections.relmgmt.release.plugins.module_utils._core.cache_xml_items import ExportItem
from ansible_collections.relmgmt.release.plugins.module_utils._core.cache_xml_write import header_for, write_export
from ansible_collections.relmgmt.release.plugins.module_utils._core.iris_items import (
    CLASS,
    COMPILED,
    PAGE,
    deletion_order,
    key_of,
    parts_of,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.items import CompileError, Item
from ansible_collections.relmgmt.release.plugins.module_utils._core.objectscript import Script, flags, saying
from ansible_collections.relmgmt.release.plugins.module_utils._engines.iris_terminal import LONG, IrisTerminal, Said
from ansible_collections.relmgmt.release.plugins.module_utils._errors import CompileFailed, EngineError

CHUNK = 1 << 20
#: subclasses too: without them they would go on with what they inherited before
LOAD_FLAGS = "cbk"
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
#: Load before its fifth argument existed
NO_LIST = "<PARAMETER>"
LOG = f"for rmJ=1:1:$get(rmL) {saying('TX', '$get(rmL(rmJ))')}"
LISTED = f"set rmK=\"\" for  set rmK=$order(rmA(rmK)) quit:rmK=\"\"  {saying('LI', 'rmK')}"


class Live(NamedTuple):
    """An item as the instance holds it. ``stale``: what runs is not what its source compiles to."""

    item: ExportItem
    stale: bool

    def as_item(self) -> Item:
        """As the port speaks of it."""
        return Item(self.item.name, self.item.lines, self.stale, self.item.changed, self.item.mode)


def read(terminal: IrisTerminal, names: Sequence[str]) -> Dict[str, Live]:
    """The live items among ``names``, by the name that was asked for."""
    if not names:
        return {}
    with scratch() as folder:
        file = os.path.join(folder, "items.xml")
        stale = export(terminal, names, file)
        if not stale:
            return {}
        found = {key_of(item.name): item for item in items_of(file)}
    missing = [name for name in stale if key_of(name) not in found]
    if missing:
        raise EngineError(
            f"the instance says that it holds {', '.join(missing)}, and does not export it", place=terminal.place,
            cure="see whether the class or routine is deployed without its source",
        )
    return {name: Live(found[key_of(name)], is_stale) for name, is_stale in stale.items()}


def export(terminal: IrisTerminal, names: Sequence[str], file: str) -> Dict[str, bool]:
    """Export those of the items that are there; the answer says of each whether it is stale."""
    script = terminal.script().do("kill rmT,rmL", "set rmQ=1")
    for number, name in enumerate(names):
        _look(script, number, name)
    script.text("rmF", file).do('set:$data(rmT) rmQ=##class(%SYSTEM.OBJ).Export(.rmT,rmF,"-d",.rmL)', "xecute rmD")
    said = terminal.talk(script.run(LOG), deadline=LONG)
    if said.failed:
        raise _failed(terminal, said, "the export of live items")
    states = {names[int(fields[0])]: fields[1].split("|") for fields in said.fields("IT")}
    return {name: _is_stale(name, state) for name, state in states.items() if state[0] == "1"}


def items_of(file: str) -> Iterator[ExportItem]:
    """The items of an export file."""
    with open(file, "rb") as stream:
        yield from read_export(iter(lambda: stream.read(CHUNK), b""), os.path.basename(file))


def check(terminal: IrisTerminal, items: Sequence[Item]) -> None:
    """Let the instance list the package without loading it: it must see exactly these items."""
    if not items:
        return
    with _package(terminal, items) as file:
        script = _load_script(terminal, file, "Load(rmF,\"-d\",.rmL,.rmA,1)")
        try:
            said = terminal.talk(script, deadline=LONG)
        except EngineError as error:
            if NO_LIST in error.message:
                return
            raise
    if said.failed:
        raise _failed(terminal, said, "reading the package")
    _require_listed(terminal, said, items, "would load")


def load(terminal: IrisTerminal, items: Sequence[Item]) -> int:
    """Load and compile exactly these items; returns the session's process."""
    if not items:
        return 0
    with _package(terminal, items) as file:
        call = f"Load(rmF,{flags(LOAD_FLAGS)},.rmL,.rmA)"
        said = terminal.talk(_load_script(terminal, file, call), deadline=LONG)
    errors = iris_console.compile_errors(said.text, said.texts, {item.name: item.lines for item in items})
    if said.failed or errors or iris_console.detected(said.text):
        raise CompileFailed(
            f"the load failed: {_shown(errors) or '; '.join(said.texts) or 'it says not why'}", place=terminal.place,
            cure="correct the package; what is live is a mix until the items are put back",
            errors=[error.as_dict() for error in errors], pid=said.pid,
        )
    _require_listed(terminal, said, items, "loaded")
    return said.pid


def remove(terminal: IrisTerminal, names: Sequence[str]) -> int:
    """Remove items, in an order in which each can go (T19); returns the session's process."""
    if not names:
        return 0
    script = terminal.script()
    for name in deletion_order(names, _supers(terminal, names)):
        _delete(script, name)
    said = terminal.talk(script, deadline=LONG)
    if said.failed:
        raise _failed(terminal, said, "removing items")
    return said.pid


@contextmanager
def scratch() -> Iterator[str]:
    """A directory for files that pass between us and the session: nobody else may look into it."""
    folder = tempfile.mkdtemp(prefix="relmgmt-")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _look(script: Script, number: int, name: str) -> None:
    """Whether an item is there, whether it is compiled, when it was changed and compiled."""
    bare, kind = parts_of(name)
    script.text("rmF", name)
    if kind == PAGE:
        script.do("set rmB=##class(%RoutineMgr).Exists(rmF),rmO=1")
    elif kind == CLASS:
        script.text("rmA", bare).do("set rmB=##class(%Dictionary.ClassDefinition).%ExistsId(rmA)")
        script.do("set rmO=##class(%Dictionary.CompiledClass).%ExistsId(rmA)")
    else:
        script.text("rmA", f"{bare}.OBJ" if kind in COMPILED else name)
        script.do("set rmB=##class(%Routine).Exists(rmF),rmO=##class(%Routine).Exists(rmA)")
    script.attempt('set rmU="",rmK=##class(%RoutineMgr).TS(rmF,.rmU)', 'set rmU="",rmK=""')
    script.say("IT", str(number), 'rmB_"|"_rmO_"|"_rmK_"|"_rmU').do('set:rmB rmT(rmF)=""')


def _is_stale(name: str, state: Sequence[str]) -> bool:
    _there, is_compiled, changed, compiled = state
    if parts_of(name).kind not in COMPILED | {CLASS}:
        return False
    if is_compiled != "1":
        return True
    # A load that failed leaves the new source beside what was compiled before.
    return bool(TIME.match(changed) and TIME.match(compiled) and changed > compiled)


def _load_script(terminal: IrisTerminal, file: str, call: str) -> Script:
    script = terminal.script().do("kill rmL,rmA").text("rmF", file).status(f"##class(%SYSTEM.OBJ).{call}").run(LOG)
    # One item makes a scalar, several make an array; the scalar has the array's node too (FACTS 2.1).
    return script.do('set:$get(rmA)\'="" rmA(rmA)=""').run(LISTED)


def _require_listed(terminal: IrisTerminal, said: Said, items: Sequence[Item], verb: str) -> None:
    listed = {key_of(fields[0]) for fields in said.fields("LI")}
    wanted = {key_of(item.name) for item in items}
    if listed != wanted:
        left, more = ", ".join(sorted(wanted - listed)), ", ".join(sorted(listed - wanted))
        raise EngineError(
            f"the instance {verb} other items than the package holds"
            + (f"; not {left}" if left else "") + (f"; besides {more}" if more else ""),
            place=terminal.place, cure="see the console of a load by hand", console=said.text[-2000:], pid=said.pid,
        )


def _delete(script: Script, name: str) -> None:
    """Delete an item that is there; removing a routine removes what it was compiled to as well."""
    bare, kind = parts_of(name)
    script.do("kill rmL", "set rmQ=1").text("rmF", bare if kind == CLASS else name)
    if kind == CLASS:
        # Without a flag that reaches data: the extent of a class stays (FACTS 2.2).
        delete = f"##class(%SYSTEM.OBJ).Delete(rmF,{flags('-d')},.rmL)"
        script.do(f"set:##class(%Dictionary.ClassDefinition).%ExistsId(rmF) rmQ={delete}", "xecute rmD").run(LOG)
        return
    owner = "%RoutineMgr" if kind == PAGE else "%Routine"
    delete = f"set:##class({owner}).Exists(rmF) rmQ=##class({owner}).Delete(rmF)"
    script.do(delete, "xecute rmD")
    for left in ("INT", "OBJ") if kind in COMPILED else ():
        script.do("set rmQ=1").text("rmF", f"{bare}.{left}").do(delete, "xecute rmD")


def _supers(terminal: IrisTerminal, names: Iterable[str]) -> Mapping[str, Sequence[str]]:
    classes = [parts_of(name).name for name in names if parts_of(name).kind == CLASS]
    if len(classes) < 2:
        return {}
    script = terminal.script()
    for number, name in enumerate(classes):
        script.text("rmF", name).do("set rmO=##class(%Dictionary.ClassDefinition).%OpenId(rmF)", 'set rmB=""')
        script.do("set:$isobject(rmO) rmB=rmO.Super").say("SU", str(number), "rmB")
    said = terminal.talk(script)
    return {classes[int(number)]: [one.strip() for one in held.split(",") if one.strip()]
            for number, held in said.fields("SU")}


@contextmanager
def _package(terminal: IrisTerminal, items: Sequence[Item]) -> Iterator[str]:
    status = terminal.status()
    with scratch() as folder:
        path = os.path.join(folder, "package.xml")
        with open(path, "wb") as stream:
            for part in write_export(items, header_for(status.is_iris, status.version)):
                stream.write(part)
        yield path


def _failed(terminal: IrisTerminal, said: Said, what: str) -> EngineError:
    return EngineError(
        f"{what} failed: {'; '.join(said.texts) or 'the instance does not say why'}", place=terminal.place,
        cure="see the instance's log", pid=said.pid,
    )


def _shown(errors: Sequence[CompileError]) -> str:
    placed = [(f"{one.item} line {one.line}" if one.line else one.item, one.message) for one in errors[:10]]
    return "; ".join(f"{place}: {message}" for place, message in placed)
