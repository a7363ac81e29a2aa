# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a routine of the application on a GT.M instance, as a post-install step does.

The entry's name has been checked letter by letter and is the only thing that becomes code;
arguments reach the program as escaped text. Errors end the process with status 1, standard
input is at its end when the entry runs, and a process that does not return is stopped.
"""

from __future__ import annotations

from typing import List

from ansible_collections.relmgmt.release.plugins.module_utils._core.steps import parse_entry
from ansible_collections.relmgmt.release.plugins.module_utils._engines import gtm_program
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm import Answer, GtmInstance
from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm_items import home_of
from ansible_collections.relmgmt.release.plugins.module_utils._engines.port import Called
from ansible_collections.relmgmt.release.plugins.module_utils._errors import EngineError, InvalidInput

PROGRAM_NAME = "RELMGMTCALL"
#: what the program writes last: the entry has returned
RETURNED = "%RELMGMT-I-RETURNED"
# Lines in: V part of an argument, A end of an argument. The entry may kill or hide every local
# variable, so nothing of ours is used after it but what its value is assigned to.
PROGRAM = rb"""RELMGMTCALL ; calls one entry with arguments from standard input
 new %relmgmt,letter,row,value
 view "NOBADCHAR"
 set %relmgmt=0,value=""
 for  read row quit:$zeof  do
 . set letter=$zextract(row,1)
 . if letter="V" set value=value_$$in($zextract(row,3,$zlength(row))) quit
 . set %relmgmt=%relmgmt+1,%relmgmt(%relmgmt)=value,value=""
 kill letter,row,value
 CALL
 use $principal
 do tell($get(%relmgmt))
 quit
tell(result) ;
 new safe
 set safe=$$safe()
 write !,"%RELMGMT-I-RETURNED",!
 for  write "V ",$$out($zextract(result,1,4000)),! set result=$zextract(result,4001,$zlength(result)) quit:result=""
 quit
"""


def call(instance: GtmInstance, entry: str, arguments: List[str], timeout: float) -> Called:
    """The value of ``$$LABEL^ROUTINE``, or what ``LABEL^ROUTINE`` writes."""
    is_function, code = _code(entry, len(arguments))
    rows = [row for one in arguments for row in [*gtm_program.value_rows(one), b"A"]]
    with gtm_program.staged(PROGRAM_NAME, PROGRAM.replace(b"CALL\n", code + b"\n", 1) + gtm_program.CODING) as folder:
        answer = instance.mumps(
            "-run", PROGRAM_NAME, stdin=b"".join(row + b"\n" for row in rows),
            first=(f"{folder}({folder})",), deadline=timeout,
        )
    instance.require(answer, entry)
    written, value = _parts(answer, entry)
    return Called(value if is_function else written.rstrip("\n"), answer.pid)


def check_entry(entry: str) -> None:
    """Refuse what is no entry, and what GT.M cannot call."""
    _code(entry, 0)


def _code(entry: str, count: int) -> "tuple[bool, bytes]":
    """Whether the entry is a function, and the command that calls it with ``count`` arguments."""
    named = parse_entry(entry)
    if named.kind != "routine":
        raise InvalidInput(
            f"{entry}: GT.M has no classes", place="a step of the release",
            cure="name LABEL^ROUTINE or $$LABEL^ROUTINE",
        )
    home_of(f"{named.routine}.INT")
    passed = ",".join(f"%relmgmt({number})" for number in range(1, count + 1))
    # An empty list would be refused by a label that has none.
    called = f"{named.label}^{named.routine}" + (f"({passed})" if passed else "")
    code = f" set %relmgmt=$${called}" if named.function else f" do {called} set %relmgmt=\"\""
    return named.function, code.encode("ascii")


def _parts(answer: Answer, entry: str) -> "tuple[str, str]":
    """What the entry wrote, and its value."""
    written, returned, value = answer.out.rpartition(f"\n{RETURNED}\n")
    if not returned:
        raise EngineError(
            f"{entry} ended its process instead of returning", place="a step of the release",
            cure="end the entry with QUIT, not HALT, and let it read nothing", pid=answer.pid,
        )
    return written, gtm_program.unescape("".join(row[2:] for row in value.splitlines()))
