# SPDX-License-Identifier: GPL-3.0-or-later
"""Globals of a GT.M instance, read and written by one small M program.

The program reads names, subscripts and values as escaped text from standard input and
builds references with $NAME: nothing of a package ever becomes M code. A write is one
transaction, checked against what was seen before; what fails leaves everything as it was.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import contextmanager
from typing import Iterator, List, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.items import GlobalChange, Node
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm import Answer, GtmInstance
from ansible_collections.relmgmt.release.plugins.module_utils._errors import EngineError, InvalidInput

NAME = re.compile(r"\^%?[A-Za-z][A-Za-z0-9]{0,30}\Z")
PROGRAM_NAME = "RELMGMTGLOBALS"
#: characters of escaped text on one line; longer values take several lines
CHUNK = 4000
DEADLINE = 300.0
UNSAFE = re.compile(rb"[^ -$&-~]")
ESCAPED = re.compile(rb"%([0-9A-F]{2})")

# Lines in: a letter and its argument, escaped as %XX. Names and subscripts open a reference,
# a letter then says what is to be done with it:
#   G ^NAME   start at a global      B sub   one subscript down      V text   more value
#   S set  Z zkill  E expect value  N expect no value  C expect this count  R read  W walk
# Lines out: B (subscript), V (value part), D (done with one node), OK or CHANGED at the end.
# Byte functions ($ZEXTRACT ...) give the same answer in M and in UTF-8 mode, where bytes that
# are not UTF-8 would otherwise stop the program.
PROGRAM = rb"""RELMGMTGLOBALS ; reads and writes globals; every name and value comes from standard input
 new act,count,done,i,safe
 view "NOBADCHAR"
 set safe="" for i=32:1:126 set:i'=37 safe=safe_$zchar(i)
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
in(text) ; %XX to bytes
 new p,made
 set made="",p=0
 for  set p=$zfind(text,"%") quit:'p  do
 . set made=made_$zextract(text,1,p-2)_$zchar($$dec($zextract(text,p,p+1)))
 . set text=$zextract(text,p+2,$zlength(text))
 quit made_text
dec(hex) ;
 quit $find("0123456789ABCDEF",$extract(hex,1))-2*16+$find("0123456789ABCDEF",$extract(hex,2))-2
out(text) ; bytes to %XX
 new c,i,made
 if $ztranslate(text,safe)="" quit text
 set made=""
 for i=1:1:$zlength(text) set c=$zextract(text,i),made=made_$select(safe[c:c,1:"%"_$$hex($zascii(c)))
 quit made
hex(c) ;
 quit $extract("0123456789ABCDEF",c\16+1)_$extract("0123456789ABCDEF",c#16+1)
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
        rows += [b"N"] if value is None else [*_value(value), b"E"]
    if change.whole:
        known = sum(value is not None for value in change.expected.values())
        rows += [*_open(change.name, ()), b"C %d" % known]
    for path in change.removes:
        rows += [*_open(change.name, path), b"Z"]
    for node in change.sets:
        rows += _open(change.name, node.subscripts) + _value(node.value) + [b"S"]
    return rows


def _open(name: str, subscripts: Tuple[str, ...]) -> List[bytes]:
    check_name(name)
    return [b"G " + name.encode("ascii")] + [b"B " + _escape(_bytes(one)) for one in subscripts]


def _value(value: str) -> List[bytes]:
    data = _bytes(value)
    return [b"V " + _escape(data[at:at + CHUNK]) for at in range(0, len(data), CHUNK)]


def _converse(instance: GtmInstance, rows: List[bytes], what: str) -> Answer:
    with _staged() as folder:
        answer = instance.mumps(
            "-run", PROGRAM_NAME, stdin=b"".join(row + b"\n" for row in rows),
            first=(f"{folder}({folder})",), deadline=DEADLINE,
        )
    lines = answer.out.splitlines()
    if lines and lines[-1].startswith("CHANGED "):
        raise EngineError(
            f"{_unescape(lines[-1][8:])} changed between looking and writing; nothing was written",
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
            path.append(_unescape(line[2:]))
        elif line.startswith("V "):
            parts.append(line[2:])
        elif line == "D":
            nodes.append(Node(tuple(path), _unescape("".join(parts))))
            path, parts = [], []
    return nodes


def _escape(data: bytes) -> bytes:
    return UNSAFE.sub(lambda hit: b"%%%02X" % ord(hit.group()), data)


def _unescape(text: str) -> str:
    data = ESCAPED.sub(lambda hit: bytes([int(hit.group(1), 16)]), text.encode("ascii"))
    return data.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


@contextmanager
def _staged() -> Iterator[str]:
    folder = tempfile.mkdtemp(prefix="relmgmt-")
    try:
        with open(os.path.join(folder, PROGRAM_NAME + ".m"), "wb") as stream:
            stream.write(PROGRAM)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
