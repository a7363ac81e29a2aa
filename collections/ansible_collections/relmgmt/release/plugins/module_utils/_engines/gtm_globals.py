# SPDX-License-Identifier: GPL-3.0-or-later
"""Globals of a GT.M instance, read and written by one small M program.

The program reads names, subscripts and values as escaped text from standard input and
builds references with $NAME: nothing of a package ever becomes M code. A write is one
transaction, checked against what was seen before; what fails leaves everything as it was.
"""

from __future__ import annotations

import re
from typing import List, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.items import GlobalChange, Node
from ansible_collections.relmgmt.release.plugins.module_utils._engines import gtm_program
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm import Answer, GtmInstance
from ansible_collections.relmgmt.release.plugins.module_utils._errors import EngineError, InvalidInput

NAME = re.compile(r"\^%?[A-Za-z][A-Za-z0-9]{0,30}\Z")
PROGRAM_NAME = "RELMGMTGLOBALS"
DEADLINE = 300.0

# Lines in: a letter and its argument, escaped as %XX. Names and subscripts open a reference,
# a letter then says what is to be done with it:
#   G ^NAME   start at a global      B sub   one subscript down      V text   more value
#   S set  Z zkill  E expect value  N expect no value  C expect this count  R read  W walk
# Lines out: B (subscript), V (value part), D (done with one node), OK or CHANGED at the end.
PROGRAM = rb"""RELMGMTGLOBALS ; reads and writes globals; every name and value comes from standard input
 new act,count,done,i,safe
 view "NOBADCHAR"
 set safe=$$safe()
 do load
 if $data(act("wrong")) write "%RELMGMT-E-ORDER, ",act("wrong"),! zhalt 1
 if $data(act("read")) for i=1:1:count do:"RW"[act(i) show(i)
 if '$data(act("write")) write "OK",! quit
 tstart ():serial
 set done="" for i=1:1:count do check(i) quit:done'=""
 if done'="" trollback  write "CHANGED ",$$out(done),! zhalt 3
 for i=1:1:count do apply(i)
 tcommit
 write "OK",!
 quit
load ; everything is read before the transaction starts, for it may be restarted
 new arg,letter,ref,row,value
 set count=0,ref="",value=""
 for  read row quit:$zeof  do
 . set letter=$zextract(row,1),arg=$$in($zextract(row,3,$zlength(row)))
 . if letter="G" set value="",ref=$select(arg?1"^".1"%"1A.30AN:arg,1:"") set:ref="" act("wrong")=row quit
 . if ref="" set act("wrong")=row quit
 . if letter="B" set ref=$name(@ref@(arg)) quit
 . if letter="V" set value=value_arg quit
 . set count=count+1,act(count)=letter,act(count,"ref")=ref,act(count,"value")=value,value=""
 . if letter="C" set act(count,"value")=arg
 . if "SZ"[letter set act("write")=""
 . if "RW"[letter set act("read")=""
 quit
check(i) ; what must still be true
 new ref
 set ref=act(i,"ref")
 if act(i)="E" set:$select($data(@ref)#10:@ref'=act(i,"value"),1:1) done=ref
 if act(i)="N" set:$data(@ref)#10 done=ref
 if act(i)="C" set:$$count(ref)'=act(i,"value") done=ref
 quit
apply(i) ;
 if act(i)="S" set @act(i,"ref")=act(i,"value")
 if act(i)="Z" zkill @act(i,"ref")
 quit
count(at) ; nodes with a value
 new n
 set n=$data(@at)#10
 for  set at=$query(@at) quit:at=""  set n=n+1
 quit n
show(i) ; one node, or a whole global
 new at
 set at=act(i,"ref")
 if $data(@at)#10 do node(at)
 if act(i)="R" quit
 for  set at=$query(@at) quit:at=""  do node(at)
 quit
node(at) ;
 new i,value
 for i=1:1:$qlength(at) write "B ",$$out($qsubscript(at,i)),!
 set value=@at
 for  write "V ",$$out($zextract(value,1,4000)),! set value=$zextract(value,4001,$zlength(value)) quit:value=""
 write "D",!
 quit
"""


def check_name(name: str) -> None:
    """Refuse what cannot be a global's name on GT.M."""
    if not NAME.match(name):
        raise InvalidInput(
            f"{name!r} cannot be a global on GT.M (^, then 31 letters and digits, % first)",
            place=name, cure="rename the global, or take it out of the package",
        )


def read_global(instance: GtmInstance, name: str) -> List[Node]:
    """Every node with a value, in collating order."""
    return _nodes(_converse(instance, [*_open(name, ()), b"W"], f"reading {name}"))


def read_nodes(instance: GtmInstance, name: str, subscripts: List[Tuple[str, ...]]) -> List[Node]:
    """Those of the named nodes that have a value."""
    rows = [row for path in subscripts for row in [*_open(name, path), b"R"]]
    return _nodes(_converse(instance, rows, f"reading {name}")) if rows else []


def write(instance: GtmInstance, changes: List[GlobalChange]) -> int:
    """Apply all changes in one transaction; returns the pid of the process that wrote."""
    rows = [row for change in changes for row in _orders(change)]
    return _converse(instance, rows, "writing globals").pid


def _orders(change: GlobalChange) -> List[bytes]:
    rows: List[bytes] = []
    for path, value in change.expected.items():
        rows += _open(change.name, path)
        rows += [b"N"] if value is None else [*gtm_program.value_rows(value), b"E"]
    if change.whole:
        known = sum(value is not None for value in change.expected.values())
        rows += [*_open(change.name, ()), b"C %d" % known]
    for path in change.removes:
        rows += [*_open(change.name, path), b"Z"]
    for node in change.sets:
        rows += _open(change.name, node.subscripts) + gtm_program.value_rows(node.value) + [b"S"]
    return rows


def _open(name: str, subscripts: Tuple[str, ...]) -> List[bytes]:
    check_name(name)
    subs = [gtm_program.escape(gtm_program.text_bytes(one)) for one in subscripts]
    return [b"G " + gtm_program.escape(name.encode("ascii"))] + [b"B " + one for one in subs]


def _converse(instance: GtmInstance, rows: List[bytes], what: str) -> Answer:
    with gtm_program.staged(PROGRAM_NAME, PROGRAM + gtm_program.CODING) as folder:
        answer = instance.mumps(
            "-run", PROGRAM_NAME, stdin=b"".join(row + b"\n" for row in rows),
            first=(f"{folder}({folder})",), deadline=DEADLINE,
        )
    lines = answer.out.splitlines()
    if lines and lines[-1].startswith("CHANGED "):
        raise EngineError(
            f"{gtm_program.unescape(lines[-1][8:])} changed between looking and writing; nothing was written",
            place=f"instance {instance.name}", cure="quiesce the application and run again",
        )
    instance.require(answer, what)
    if not lines or lines[-1] != "OK":
        raise EngineError(f"{what}: the M program ended early", place=f"instance {instance.name}")
    return answer


def _nodes(answer: Answer) -> List[Node]:
    nodes, path, parts = [], [], []  # type: List[Node], List[str], List[str]
    for line in answer.out.splitlines():
        if line.startswith("B "):
            path.append(gtm_program.unescape(line[2:]))
        elif line.startswith("V "):
            parts.append(line[2:])
        elif line == "D":
            nodes.append(Node(tuple(path), gtm_program.unescape("".join(parts))))
            path, parts = [], []
    return nodes
