# SPDX-License-Identifier: GPL-3.0-or-later
"""One value of an INI file. Its readers differ: what they would read differently is refused, never guessed."""

from __future__ import annotations

import re
from typing import Iterator, List, NamedTuple, Optional, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.edit_text import Line, Spot, Text

_SECTION = re.compile(r"[ \t]*\[(?P<name>.*)\][ \t]*(?:[;#].*)?\Z")
_QUOTED = re.compile(r"""(?P<quote>["'])(?P<inner>.*)(?P=quote)(?=[ \t]*(?:\Z|[;#]))""")
_COMMENT = re.compile(r"(?:\A|[ \t])[;#]")
_DEEP = 1 << 30  # of a section's first line none is too deep
_CURE = "write the value so that every reader of INI files takes it alike"


class _Entry(NamedTuple):
    """A line below a section's name.

    `is_doubtful`: for some readers it is a part of the value before, because it is indented deeper (Python's) or
    because the line before ends in a backslash (git's), for others a key. `goes_on`: so is the next one.
    """

    line: Line
    is_doubtful: bool
    goes_on: bool


def locate(document: Text, section: str, key: str) -> Optional[Spot]:
    """The value of a key below `[section]`; None: there is none.

    Raises InvalidInput where the key is there twice, also in other letter case, or is not plainly one line.
    """
    found: List[Tuple[_Entry, int]] = []
    other = ""
    for entry in _entries(document, section):
        name, start = _split(entry.line.text, key)
        if name.lower() == key.lower():
            found.append((entry, start))
            other = name if name != key else other
    if len(found) > 1:
        numbers = ", ".join(str(entry.line.number) for entry, _start in found)
        cure = "keep one of them: readers differ over which one counts"
        document.refuse("%r is there more than once in [%s], in lines %s" % (key, section, numbers), cure)
    if not found:
        return None
    entry, start = found[0]
    if other:
        cure = "name the key in the inventory as the file has it"
        document.refuse("the key is %r in [%s]" % (other, section), cure, entry.line.number)
    return _spot(document, entry, start)


def _entries(document: Text, section: str) -> Iterator[_Entry]:
    """Lines of the sections of that name which are no comment."""
    lines = [line for line in document.lines() if _is_significant(line)]
    inside, level, is_open = False, _DEEP, False
    for line, following in zip(lines, [*lines[1:], None]):
        name, is_doubtful = _section(document, line), is_open or _indent(line) > level
        if name is not None:
            if is_doubtful:
                document.refuse("for some readers this is a part of the value before", "indent it less", line.number)
            inside, level = name == section, _DEEP
            continue
        level = level if is_doubtful else _indent(line)
        is_open = line.text.endswith("\\")
        if inside:
            yield _Entry(line, is_doubtful, following is not None and _indent(following) > level)


def _is_significant(line: Line) -> bool:
    stripped = line.text.strip(" \t")
    return bool(stripped) and stripped[0] not in ";#"


def _section(document: Text, line: Line) -> Optional[str]:
    if not line.text.lstrip(" \t").startswith("["):
        return None
    header = _SECTION.match(line.text)
    if header is None or "]" in header["name"].rstrip("]"):
        document.refuse("not plainly the name of a section: %.60r" % line.text, "write [name] alone", line.number)
    return str(header["name"]).strip()


def _indent(line: Line) -> int:
    return len(line.text) - len(line.text.lstrip(" \t"))


def _split(text: str, key: str) -> Tuple[str, int]:
    """Key and where its value begins, -1 where it has none. A key that holds one of = and : is split at the other."""
    for sign in ("=", ":"):
        name, separator, _rest = text.partition(sign)
        if separator and (name.strip(" \t").lower() == key.lower()):
            return name.strip(" \t"), len(name) + 1
    return _without_comment(text).strip(" \t"), -1


def _without_comment(text: str) -> str:
    comment = _COMMENT.search(text)
    return text[: comment.start()] if comment else text


def _spot(document: Text, entry: _Entry, start: int) -> Spot:
    line, number = entry.line, entry.line.number
    if entry.is_doubtful or entry.goes_on:
        what = "the line" if entry.is_doubtful else "the next line"
        message = "for some readers %s is a part of the value before it" % what
        document.refuse(message, "indent both lines alike, and end none in a backslash", number)
    if start < 0:
        document.refuse("%r stands without a value" % line.text.strip(), "give it one, with =", number)
    rest = line.text[start:].lstrip(" \t")
    start = len(line.text) - len(rest)
    quoted = _QUOTED.match(rest)
    if quoted:
        return _in_quotes(document, line, start, quoted)
    value = _without_comment(rest).rstrip(" \t")
    _require_plain(document, value, number)

    def write(new: str) -> str:
        if not new or new != new.strip() or _COMMENT.search(new):
            document.refuse("%r cannot be written without quotes" % new, _CURE, number)
        _require_plain(document, new, number)
        return new

    return Spot(line.start + start, line.start + start + len(value), value, write)


def _require_plain(document: Text, value: str, number: int) -> None:
    if value.endswith("\\"):
        document.refuse("a value that ends in a backslash goes on in the next line for some readers", _CURE, number)
    if value[:1] in ("'", '"'):
        document.refuse("a value that begins with a quote which is not closed at its end", _CURE, number)


def _in_quotes(document: Text, line: Line, start: int, quoted: "re.Match[str]") -> Spot:
    quote, value = quoted["quote"], quoted["inner"]
    if quote in value or "\\" in value:
        document.refuse("readers differ over quotes and backslashes within quotes", _CURE, line.number)
    begin = line.start + start + 1

    def write(new: str) -> str:
        if quote in new or "\\" in new:
            document.refuse("%r cannot be written within %s" % (new, quote), _CURE, line.number)
        return new

    return Spot(begin, begin + len(value), value, write)
