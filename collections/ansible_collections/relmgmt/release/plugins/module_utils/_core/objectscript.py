# SPDX-License-Identifier: GPL-3.0-or-later
"""ObjectScript for a terminal session: data as expressions, statements as guarded lines, records back.

A session executes its standard input line by line, goes on after an error and ends with status
0 whatever happened (FACTS 1.2). So every line is guarded: it runs only if the line before it
came to its end, its errors are trapped and end the process with status 99, and the record
``END`` is written only by the last of them. Lines are at most 240 characters of ASCII: the
oldest terminals take no more than 255.

Names and values are never code: they travel as string expressions and come back escaped.
"""

from __future__ import annotations

import codecs
import re
from itertools import groupby
from typing import Iterable, Iterator, List, NamedTuple, Sequence, Tuple, Union

from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

LINE = 240
#: of a line, for statements
ROOM = 160
#: characters of one literal, codes of one $char, characters of one expression
LITERAL, CODES, EXPRESSION = 56, 20, 125
FAILED, NOT_REACHED = 99, 98
UNICODE = "utf-8"
GLOBAL_NAME = re.compile(r"\^%?[A-Za-z](?:[A-Za-z0-9.]*[A-Za-z0-9])?\Z")
ESCAPED = re.compile(r"%(\d+);")
#: flags of $SYSTEM.OBJ that are ever used: b subclasses, c compile, d display, k keep source; e deletes data
FLAGS = re.compile(r"-?[bcdk](?:-?[bcdk])*\Z")

# Code that the lines of a session XECUTE. rmM: the nonce; rmS: characters that need no escape.
# Records stand in [ ], for a terminal that counts { } may count those in strings too.
# rmW writes rmV escaped, through rmY; rmD tells the status in rmQ, rmG its texts; rmX tells an error and ends
# the process. A legacy FOR or IF reaches to the end of its line, and so never stands in one.
WRITE = 'xecute $select($translate(rmV,rmS)="":"write rmV",1:rmY)'
WRITE_ESCAPED = (
    'for rmI=1:1:$length(rmV) set rmC=$extract(rmV,rmI) write $select(rmS[rmC:rmC,1:"%"_$ascii(rmC)_";")'
)
STATUS = 'write !,"[",rmM,":ST:",+rmQ,"]" xecute:\'rmQ rmG'
STATUS_TEXTS = (
    "kill rmT do $SYSTEM.Status.DecomposeStatus(rmQ,.rmT) for rmJ=1:1:$get(rmT) "
    'set rmV=rmT(rmJ) write !,"[",rmM,":TX:" xecute rmW write "]"'
)
SAFE = 'set rmS="" for rmI=32:1:126 set:"%:[]"\'[$char(rmI) rmS=rmS_$char(rmI)'

# What runs last is made of these.
BEGIN = 'write !,"[NONCE:BG:]",!'
VALUE = ' write !,"[NONCE:VA:" for rmI=1:1:$length(rmV) { write $ascii(rmV,rmI),"." } write "]"'
TRAP = 'write !,"[NONCE:EP:",$zerror,"]",!'
END = 'write !,"[NONCE:END:]",! halt'


class Form(NamedTuple):
    """How a version of the engine is spoken to: ``trap`` has try and catch."""

    trap: bool
    terminate: str
    namespace: str


MODERN = Form(True, "do $SYSTEM.Process.Terminate($JOB,{})", "$namespace")
#: before try and catch: an error leaves the rest of its line undone, and so the guard closed
OLD = Form(False, "do $zutil(4,$job,{})", "$zutil(5)")


def form_of(version: str) -> Form:
    """The form for a version as qlist says it: ``2018.1.1.643.0``, ``5.0.21.6408``."""
    major = version.split(".")[0]
    return MODERN if major.isdigit() and int(major) >= 2008 else OLD


# -- data as expressions -----------------------------------------------------------


def codes_of(text: str, encoding: str = UNICODE) -> List[int]:
    """What $ascii says of each character of a text in an instance of this encoding.

    Raises InvalidInput for what no instance of it can hold.
    """
    try:
        if is_transparent(encoding):
            units = text.encode("utf-16-be")
            return [units[at] << 8 | units[at + 1] for at in range(0, len(units), 2)]
        return list(text.encode(encoding))
    except UnicodeEncodeError as error:
        raise InvalidInput(
            f"{error.object[error.start]!a} at character {error.start + 1} of a value cannot be held "
            f"by an instance of encoding {encoding}", place=f"{text[:60]!a}",
            cure="correct iris.encoding, or take the value out of the package",
        ) from error


def text_of(codes: Sequence[int], encoding: str = UNICODE) -> str:
    """The text whose characters have these $ascii codes."""
    if is_transparent(encoding):
        units = b"".join(code.to_bytes(2, "big") for code in codes)
        return units.decode("utf-16-be", "surrogatepass")
    return bytes(codes).decode(encoding, "surrogateescape")


def is_transparent(encoding: str) -> bool:
    """Whether $ascii is the character's number: in Unicode instances, and in 8-bit ones of Latin-1."""
    return codecs.lookup(encoding).name in ("utf-8", "iso8859-1")


def expressions(codes: Sequence[int]) -> Iterator[str]:
    """Expressions of bounded length whose concatenation is the text of these codes."""
    held = ""
    for part in _parts(codes):
        if held and len(held) + 1 + len(part) > EXPRESSION:
            yield held
            held = part
        else:
            held = f"{held}_{part}" if held else part
    yield held or '""'


def _parts(codes: Sequence[int]) -> Iterator[str]:
    for plain, run in groupby(codes, key=lambda code: 32 <= code <= 126):
        held = list(run)
        step = LITERAL if plain else CODES
        for at in range(0, len(held), step):
            piece = held[at:at + step]
            yield _literal(piece) if plain else f"$char({','.join(map(str, piece))})"


def _literal(codes: Iterable[int]) -> str:
    return '"' + "".join(map(chr, codes)).replace('"', '""') + '"'


def check_global(name: str) -> None:
    """Refuse what cannot be a global's name: 31 characters count, more are cut off silently."""
    if not GLOBAL_NAME.match(name) or len(name) > 32:
        raise InvalidInput(
            f"{name!r} cannot be a global on this engine (^, then 31 letters, digits and dots, % first)",
            place=name, cure="rename the global, or take it out of the package",
        )


# -- lines -------------------------------------------------------------------------


class Attempt(NamedTuple):
    """A statement that an older version may not know; ``otherwise`` runs where it fails."""

    statement: str
    otherwise: str


class Script:
    """What one session shall do. ``encoding``: of the instance."""

    def __init__(self, encoding: str = UNICODE) -> None:
        self.encoding = encoding
        self.statements: List[Union[str, Attempt]] = []
        self.wide = False
        self.last = ""
        self._sets = -1

    def do(self, *statements: str) -> "Script":
        """Statements, each a line of its own, without a legacy FOR or IF."""
        self.statements.extend(statements)
        return self

    def set(self, *assignments: str) -> "Script":
        """Assignments as ``rmF=1``; those that follow one another share a line while it has room."""
        for one in assignments:
            last = self.statements[-1] if self._sets == len(self.statements) else ""
            if isinstance(last, str) and last and len(last) + 1 + len(one) <= ROOM:
                self.statements[-1] = f"{last},{one}"
            else:
                self.statements.append(f"set {one}")
            self._sets = len(self.statements)
        return self

    def attempt(self, statement: str, otherwise: str) -> "Script":
        """One statement, or the other where it fails."""
        self.statements.append(Attempt(statement, otherwise))
        return self

    def text(self, variable: str, text: str) -> "Script":
        """A variable becomes a text, whatever is in it."""
        codes = codes_of(text, self.encoding)
        self.wide = self.wide or any(code > 255 for code in codes)
        for number, part in enumerate(expressions(codes)):
            self.set(f"{variable}={variable}_{part}" if number else f"{variable}={part}")
        return self

    def run(self, code: str) -> "Script":
        """Code of any length, with legacy FORs and IFs."""
        return self.text("rmP", code).do("xecute rmP")

    def reference(self, name: str, subscripts: Tuple[str, ...], variable: str = "rmR") -> "Script":
        """A variable becomes the reference of a node, for indirection."""
        check_global(name)
        self.set(f'{variable}="{name}"')
        for one in subscripts:
            self.text("rmK", one).set(f"{variable}=$name(@{variable}@(rmK))")
        return self

    def say(self, tag: str, *expressions: str) -> "Script":
        """A record with these values."""
        return self.do(saying(tag, *expressions))

    def status(self, expression: str) -> "Script":
        """A call that returns a %Status: records ST (1 is success) and TX, its texts."""
        return self.do(f"set rmQ={expression} xecute rmD")

    def call_last(self, code: str, has_value: bool) -> "Script":
        """Code of the application, the last thing that runs: its input is at its end, and it may
        kill every variable of ours. It leaves its value in rmV; see ``between``."""
        self.last = f"{BEGIN} {code} use 0{VALUE if has_value else ''} {END}"
        return self

    def lines(self, nonce: str, namespace: str, form: Form = MODERN) -> List[str]:
        """The lines of a session that begins anywhere and works in ``namespace``."""
        steps = _prelude(nonce, namespace, form)
        if self.wide:
            # $char of a wide code is empty in an 8-bit instance, which would mutilate values silently.
            steps.do("set rmK=1/$length($char(256))")
        steps.statements += self.statements
        if self.last:
            # All of it is in one string, which its execution holds on to.
            steps.text("rmP", self.last.replace("[NONCE:", f"[{nonce}:"))
        lines = ["set rmN=0"]
        lines += [_guarded(number, text, form) for number, text in enumerate(steps.statements)]
        lines.append(_closing(len(steps.statements), bool(self.last), nonce, form))
        if not self.last:
            lines.append(form.terminate.format(NOT_REACHED))
        return lines


def saying(tag: str, *expressions: str) -> str:
    """Code that writes a record."""
    parts = "".join(f' write ":" set rmV={one} xecute rmW' for one in expressions)
    return f'write !,"[",rmM,":{tag}"{parts} write "]"'


def flags(wanted: str) -> str:
    """Flags of $SYSTEM.OBJ as a literal; e deletes data and is refused like all but b, c, d, k (FACTS 2.2)."""
    if not FLAGS.match(wanted):
        raise ValueError(f"flags {wanted!r} are never used")
    return f'"{wanted}"'


def _prelude(nonce: str, namespace: str, form: Form) -> Script:
    ending = form.terminate.format(FAILED)
    trap = f"{saying('ER', '$zerror')} trollback:$tlevel  {ending}"
    script = Script().do(f'set rmM="{nonce}"').run(SAFE)
    script.text("rmY", WRITE_ESCAPED).text("rmW", WRITE).text("rmX", trap)
    script.text("rmG", STATUS_TEXTS).text("rmD", STATUS)
    script.text("rmV", namespace).do(f"zn:{form.namespace}'=rmV rmV")
    return script.say("NS", form.namespace, "$job", "$length($char(256))")


def _guarded(number: int, statement: Union[str, Attempt], form: Form) -> str:
    if isinstance(statement, Attempt):
        # Without try the attempt cannot be made.
        tried = f"try {{ {statement.statement} }} catch rmE {{ {statement.otherwise} }}"
        statement = tried if form.trap else statement.otherwise
    body = f"{statement} set rmN={number + 1}"
    if form.trap:
        body = f"{{ try {{ {body} }} catch rmE {{ xecute rmX }} }}"
    return _bounded(f"if $get(rmN)={number} {body}", LINE)


def _closing(number: int, runs: bool, nonce: str, form: Form) -> str:
    body = "xecute rmP" if runs else END
    if runs and form.trap:
        body = f"{{ try {{ {body} }} catch rmE {{ {TRAP} {form.terminate.format(FAILED)} }} }}"
    return _bounded(f"if $get(rmN)={number} {body}".replace("[NONCE:", f"[{nonce}:"), LINE)


def _bounded(line: str, limit: int) -> str:
    if len(line) > limit:
        raise InvalidInput(
            f"a line for the terminal is {len(line)} characters long, {limit} is the most", place=line[:120],
            cure="shorten the name in it",
        )
    return line


# -- records -----------------------------------------------------------------------


class Record(NamedTuple):
    """One record that a session wrote: its tag and its fields, as texts."""

    tag: str
    fields: Tuple[str, ...]


def records(output: str, nonce: str, encoding: str = UNICODE) -> List[Record]:
    """The records in a session's output; line ends that a right margin put in do not count."""
    flat = output.replace("\r", "").replace("\n", "")
    found = re.findall(r"\[%s:([A-Z]+):([^][]*)\]" % re.escape(nonce), flat)
    return [Record(tag, tuple(unescape(one, encoding) for one in fields.split(":"))) for tag, fields in found]


def between(output: str, nonce: str) -> str:
    """What the application's code wrote, see ``call_last``; without the line ends around it."""
    hit = re.search(r"\[%s:BG:\]\r?\n(.*)\r?\n\[%s:(?:VA|END):" % ((re.escape(nonce),) * 2), output, re.S)
    return hit.group(1) if hit else ""


def unescape(text: str, encoding: str = UNICODE) -> str:
    """What ``rmW`` wrote, as text."""
    if "%" not in text:
        return text
    codes: List[int] = []
    at = 0
    for hit in ESCAPED.finditer(text):
        codes += map(ord, text[at:hit.start()])
        codes.append(int(hit.group(1)))
        at = hit.end()
    codes += map(ord, text[at:])
    return text_of(codes, encoding)
