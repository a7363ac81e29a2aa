# SPDX-License-Identifier: GPL-3.0-or-later
"""Globals of a Caché or IRIS instance, read and written through its terminal.

A write is collected in the session first, then checked and carried out in one transaction by
one line: what was seen before must still be true, or nothing is written.
"""

from __future__ import annotations

from typing import List, Sequence, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.items import GlobalChange, Node
from ansible_collections.relmgmt.release.plugins.module_utils._core.objectscript import Script
from ansible_collections.relmgmt.release.plugins.module_utils._engines.iris_terminal import LONG, IrisTerminal, Said
from ansible_collections.relmgmt.release.plugins.module_utils._errors import EngineError

# rmE tells the node in rmR, rmH its subscripts.
SUBSCRIPTS = 'for rmJ=1:1:$qlength(rmR) set rmV=$qsubscript(rmR,rmJ) write ":" xecute rmW'
NODE = 'write !,"[",rmM,":ND" xecute rmH write ":" set rmV=@rmR xecute rmW write "]"'
WALK = 'for  set rmR=$query(@rmR) quit:rmR=""  xecute rmE'
# The orders lie in rmA: a letter, a reference, a value. rmB becomes the reference that is not as
# expected. E value, N no value, C so many nodes with a value, S set, Z remove the value.
EXPECT = "set:$select($data(@rmA(rmJ,1))#10:@rmA(rmJ,1)'=rmA(rmJ,2),1:1) rmB=rmA(rmJ,1)"
EXPECT_NONE = "set:$data(@rmA(rmJ,1))#10 rmB=rmA(rmJ,1)"
EXPECT_COUNT = "set rmR=rmA(rmJ,1),rmO=$data(@rmR)#10 xecute rmH set:rmO'=rmA(rmJ,2) rmB=rmA(rmJ,1)"
COUNT = 'for  set rmR=$query(@rmR) quit:rmR=""  set rmO=rmO+1'
SET = "set @rmA(rmJ,1)=rmA(rmJ,2)"
REMOVE = "zkill @rmA(rmJ,1)"
CARRY_OUT = "for rmJ=1:1:rmZ xecute rmE(rmA(rmJ)) quit:rmB'=\"\""
# A command without arguments is followed by two blanks.
TRANSACTION = "tstart  xecute rmF tcommit:rmB=\"\"  trollback:rmB'=\"\"  set rmK=0"


def read_global(terminal: IrisTerminal, name: str) -> List[Node]:
    """Every node with a value, in collating order."""
    script = _reading(terminal).reference(name, ()).do("xecute:$data(@rmR)#10 rmE").run(WALK)
    return _nodes(terminal.talk(script, deadline=LONG))


def read_nodes(terminal: IrisTerminal, name: str, subscripts: Sequence[Tuple[str, ...]]) -> List[Node]:
    """Those of the named nodes that have a value."""
    if not subscripts:
        return []
    script = _reading(terminal)
    for path in subscripts:
        script.reference(name, path).do("xecute:$data(@rmR)#10 rmE")
    return _nodes(terminal.talk(script, deadline=LONG))


def write(terminal: IrisTerminal, changes: Sequence[GlobalChange]) -> int:
    """Apply all changes in one transaction; returns the process that wrote."""
    script = terminal.script().do("kill rmA,rmE", 'set rmZ=0,rmB=""')
    for change in changes:
        _orders(script, change)
    for letter, code in (("E", EXPECT), ("N", EXPECT_NONE), ("C", EXPECT_COUNT), ("S", SET), ("Z", REMOVE)):
        script.text(f'rmE("{letter}")', code)
    script.text("rmH", COUNT).text("rmF", CARRY_OUT).do(TRANSACTION).say("WR", "rmB")
    said = terminal.talk(script, deadline=LONG)
    changed = said.first("WR")[0]
    if changed:
        raise EngineError(
            f"{changed} changed between looking and writing; nothing was written", place=terminal.place,
            cure="quiesce the application and run again", pid=said.pid,
        )
    return said.pid


def _reading(terminal: IrisTerminal) -> Script:
    return terminal.script().text("rmH", SUBSCRIPTS).text("rmE", NODE)


def _nodes(said: Said) -> List[Node]:
    return [Node(fields[:-1], fields[-1]) for fields in said.fields("ND")]


def _orders(script: Script, change: GlobalChange) -> None:
    for path, value in change.expected.items():
        _order(script, "N" if value is None else "E", change.name, path, value)
    if change.whole:
        known = sum(value is not None for value in change.expected.values())
        _order(script, "C", change.name, (), str(known))
    for path in change.removes:
        _order(script, "Z", change.name, path, None)
    for node in change.sets:
        _order(script, "S", change.name, node.subscripts, node.value)


def _order(script: Script, letter: str, name: str, path: Tuple[str, ...], value: "str | None") -> None:
    script.reference(name, path).set("rmZ=rmZ+1", f'rmA(rmZ)="{letter}"', "rmA(rmZ,1)=rmR")
    if value is not None:
        script.text("rmA(rmZ,2)", value)
