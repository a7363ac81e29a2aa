# SPDX-License-Identifier: GPL-3.0-or-later
"""A configuration file as text of which a part can be replaced while every other byte stays."""

from __future__ import annotations

import codecs
import re
from typing import Callable, Iterator, NamedTuple, NoReturn, Optional, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

LARGEST = 16 << 20
_MOST_LINES = 400_000
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
#: names of encodings that leave the order of bytes, or the mark, to the file
_FAMILY = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r|\Z)")


class Spot(NamedTuple):
    """Where a value stands in a text: characters `start` to `end`; `write` puts another value the way it is written."""

    start: int
    end: int
    value: str
    write: Callable[[str], str]


class Line(NamedTuple):
    """A line of a text without its end; `start`: its first character, `number`: from 1."""

    number: int
    start: int
    text: str

    @property
    def end(self) -> int:
        """The character after its last one."""
        return self.start + len(self.text)


class Text(NamedTuple):
    """A decoded file; `mark`: the bytes before its first character."""

    text: str
    encoding: str
    mark: bytes
    place: str

    def refuse(self, message: str, cure: str, line: int = 0) -> NoReturn:
        """Raise InvalidInput that names the file, and the line if it is known."""
        raise InvalidInput(message, "%s line %d" % (self.place, line) if line else self.place, cure)

    def line_at(self, position: int) -> int:
        """The number of the line of a character."""
        return len(re.findall(r"\r\n|\n|\r", self.text[:position])) + 1

    def lines(self) -> Iterator[Line]:
        """The lines, whose ends are LF, CR LF or CR."""
        position, number = 0, 1
        while position < len(self.text):
            if number > _MOST_LINES:
                self.refuse("the file has more than %d lines" % _MOST_LINES, "give the file of the settings")
            found = _LINE.match(self.text, position)
            whole = found.group() if found else ""
            yield Line(number, position, whole.rstrip("\r\n"))
            position, number = position + len(whole), number + 1

    def can_hold(self, text: str) -> bool:
        """Has the file's encoding these characters?"""
        try:
            text.encode(self.encoding)
        except UnicodeError:
            return False
        return True

    def with_part(self, start: int, end: int, new: str) -> bytes:
        """The file's bytes with the characters `start` to `end` replaced."""
        wanted = self.text[:start] + new + self.text[end:]
        try:
            data = self.mark + wanted.encode(self.encoding)
        except UnicodeError:
            self.refuse("the encoding %s lacks characters of %r" % (self.encoding, new), "use others for the setting")
        before, after = self.text[:start].encode(self.encoding), self.text[end:].encode(self.encoding)
        if not data.startswith(self.mark + before) or not data.endswith(after):
            self.refuse("a part of a file in %s cannot be replaced alone" % self.encoding, "store it as utf-8")
        return data


def text_of(data: bytes, encoding: str, place: str, fallback: str = "") -> Text:
    """Decode a file's bytes.

    `encoding`: what the inventory says; empty: by the mark at the file's begin, else UTF-8, else `fallback`.
    `place`: the file's name, for messages. Raises InvalidInput for bytes that are no text of that encoding.
    """
    if len(data) > LARGEST:
        raise InvalidInput("the file is larger than %d MiB" % (LARGEST >> 20), place, "give the file of the settings")
    mark, found = next((one for one in _MARKS if data.startswith(one[0])), (b"", ""))
    stated = _codec(encoding, place) if encoding else ""
    if found and stated and not _agree(found, stated):
        cure = "take the encoding out of the inventory, or correct the file"
        raise InvalidInput("it begins with the mark of %s and is said to be %s" % (found, encoding), place, cure)
    if not found and stated == "utf-16":
        raise InvalidInput("it has no mark that tells the order of its bytes", place, "say utf-16-le or utf-16-be")
    name = found or _FAMILY.get(stated, stated) or "utf-8"
    return _decoded(data, mark, place, (name, *([fallback] if fallback and not found and not stated else [])))


def _decoded(data: bytes, mark: bytes, place: str, names: Tuple[str, ...]) -> Text:
    failed: Optional[UnicodeError] = None
    for name in names:
        try:
            text = data[len(mark):].decode(name)
        except UnicodeError as error:
            failed = error
            continue
        return _checked(Text(text, name, mark, place), data)
    raise InvalidInput("it is not text in %s: %s" % (names[0], failed), place, "say which encoding it has: encoding")


def _checked(found: Text, data: bytes) -> Text:
    if "\0" in found.text:
        cure = "give a text file; one in UTF-16 without a mark needs encoding: utf-16-le or utf-16-be"
        found.refuse("it has NUL characters, so it is binary or in another encoding than %s" % found.encoding, cure)
    if not found.can_hold(found.text) or found.mark + found.text.encode(found.encoding) != data:
        found.refuse("it would not stay as it is when it is written as %s" % found.encoding, "store it as utf-8")
    return found


def _codec(name: str, place: str) -> str:
    try:
        "a".encode(name)  # raises LookupError for what is a codec, but no encoding of text
        return codecs.lookup(name).name
    except (LookupError, UnicodeError, ValueError) as error:
        raise InvalidInput("there is no encoding %r" % name, place, "use utf-8, latin-1, utf-16…") from error


def _agree(found: str, stated: str) -> bool:
    return stated in (found, found + "-sig") or (stated == "utf-16" and found.startswith("utf-16"))
