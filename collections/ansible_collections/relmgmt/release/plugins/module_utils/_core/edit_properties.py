# SPDX-License-Identifier: GPL-3.0-or-later
"""One value of a Java properties file, read as java.util.Properties reads it."""

from __future__ import annotations

import re
from bisect import bisect
from typing import Iterator, List, NamedTuple, Optional, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.edit_text import Line, Spot, Text

_BLANK = " \t\f"
_KEY = re.compile(r"[^\\=: \t\f]*(?:\\.[^\\=: \t\f]*)*", re.DOTALL)
_SEPARATOR = re.compile(r"[ \t\f]*[=:]?[ \t\f]*")
_ESCAPE = re.compile(r"\\(?:u(.{0,4})|(.))", re.DOTALL)
_CODE = re.compile(r"[0-9A-Fa-f]{4}\Z")
_LETTERS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_WRITTEN = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\f": "\\f"}


class _Logical(NamedTuple):
    """Lines of one key, without continuations and their indentation.

    `pieces`: where a line's part begins here, and where in the file; `end`: of the last line in the file.
    """

    number: int
    text: str
    pieces: List[Tuple[int, int]]
    end: int

    def at(self, position: int) -> int:
        """The place in the file of a character of the text, or of its end."""
        here, there = self.pieces[bisect(self.pieces, (position, self.end)) - 1]
        return there + position - here


def locate(document: Text, key: str) -> Optional[Spot]:
    """The value of a key: of the last one if there are several, as in Java. None: there is no such key."""
    found: Optional[Spot] = None
    for line in _logical(document):
        name, start, has_separator = _split(line.text)
        if _unescaped(document, line, name) == key:
            _require_java_sees_it(document, line)
            value = _unescaped(document, line, line.text[start:])
            write = _written if has_separator else _with_separator
            found = Spot(line.at(start), line.end, value, write)
    return found


def _logical(document: Text) -> Iterator[_Logical]:
    """Comments and blank lines are left out; a line that ends in an odd number of backslashes goes on in the next."""
    lines = document.lines()
    for line in lines:
        text = line.text.lstrip(_BLANK)
        if not text or text[0] in "#!":
            continue
        joined = _joined(document, line, lines)
        if joined.text:
            yield joined


def _joined(document: Text, first: Line, rest: Iterator[Line]) -> _Logical:
    line, length = first, 0
    parts: List[str] = []
    pieces: List[Tuple[int, int]] = []
    while True:
        part = line.text.lstrip(_BLANK)
        start = line.end - len(part)
        goes_on = (len(part) - len(part.rstrip("\\"))) % 2 == 1
        if goes_on:
            part = part[:-1]
        if not length and part[:1] in ("#", "!") and line is not first:
            document.refuse("versions of Java differ over a comment in a continued line", "take it out", line.number)
        parts.append(part)
        pieces.append((length, start))
        length += len(part)
        following = next(rest, None) if goes_on else None
        if following is None:
            # Java drops a backslash that ends the file: it is a part of what is replaced.
            return _Logical(first.number, "".join(parts), pieces, line.end)
        line = following


def _split(text: str) -> Tuple[str, int, bool]:
    """The key as it is written, where the value begins, and whether anything is between them."""
    key = _KEY.match(text)
    end = key.end() if key else 0
    separator = _SEPARATOR.match(text, end)
    start = separator.end() if separator else end
    return text[:end], start, start > end


def _require_java_sees_it(document: Text, line: _Logical) -> None:
    if document.mark and document.encoding == "utf-8" and line.number == 1:
        cure = "remove the byte order mark, or put a comment into the first line"
        document.refuse("Java takes the mark at the file's begin as a part of the first key", cure, 1)


def _unescaped(document: Text, line: _Logical, text: str) -> str:
    def meant(found: "re.Match[str]") -> str:
        code, letter = found.groups()
        if code is None:
            return _LETTERS.get(letter, letter)
        if not _CODE.match(code):
            document.refuse("Java refuses \\u%s" % code, "write four hexadecimal digits after \\u", line.number)
        return chr(int(code, 16))

    if "\\" not in text:
        return text
    plain = _ESCAPE.sub(meant, text)
    return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _with_separator(value: str) -> str:
    return "=" + _written(value)


def _written(value: str) -> str:
    """Only ASCII: so it is right whichever encoding the reader takes the file for."""
    escaped = "".join(_WRITTEN.get(letter) or _letter(letter) for letter in value)
    return "\\" + escaped if value[:1] in (" ", "=", ":") and value else escaped


def _letter(letter: str) -> str:
    if " " <= letter < "\x7f":
        return letter
    units = letter.encode("utf-16-be", "surrogatepass")
    return "".join("\\u%04x" % int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2))
