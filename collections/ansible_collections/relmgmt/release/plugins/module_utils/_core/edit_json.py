# SPDX-License-Identifier: GPL-3.0-or-later
"""One value of a JSON document: found by its path, replaced in place, of the same type as before."""

from __future__ import annotations

import json
import re
from typing import List, NoReturn, Optional, Sequence, Tuple, Union

from ansible_collections.relmgmt.release.plugins.module_utils._core.edit_text import Spot, Text

Path = Sequence[Union[str, int]]

_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORD = re.compile(r"true|false|null")
_PART = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)
_CURE = "write the value as text or as a number into the file"


def locate(document: Text, path: Path) -> Optional[Spot]:
    """The value at a path of keys and numbers; None: there is none.

    Raises InvalidInput for what is no JSON, for a key on the path that is there twice, and for a value that is
    null, a list or an object.
    """
    _require_sound(document)
    position: Optional[int] = _skip(document.text, 0)
    for step in path:
        if position is None:
            return None
        position = _step(document, position, step)
    return None if position is None else _spot(document, position)


def _require_sound(document: Text) -> None:
    def refuse(constant: str) -> NoReturn:
        document.refuse("%s is no JSON" % constant, "write a number")

    try:
        json.loads(document.text, parse_int=str, parse_float=str, parse_constant=refuse)
    except json.JSONDecodeError as error:
        document.refuse("it is no sound JSON: %s" % error.msg, "correct it, without comments", error.lineno)
    except RecursionError:
        document.refuse("it is nested too deeply", "give the file of the settings")


def _step(document: Text, position: int, step: Union[str, int]) -> Optional[int]:
    opening = document.text[position]
    if opening == "[":
        if not re.fullmatch("[0-9]{1,9}", str(step)):
            return None
        values = _values(document.text, position)
        return values[int(step)][1] if int(step) < len(values) else None
    if opening != "{":
        return None
    found = [(at, value) for at, value in _values(document.text, position) if _key(document.text, at) == str(step)]
    if len(found) > 1:
        cure = "keep one of them: readers differ over which one counts"
        document.refuse("the key %r is there twice" % str(step), cure, document.line_at(found[1][0]))
    return found[0][1] if found else None


def _values(text: str, position: int) -> List[Tuple[int, int]]:
    """Where each member of the array or object begins, and its value."""
    is_object, found = text[position] == "{", []
    position = _skip(text, position + 1)
    while text[position] not in "]}":
        start = position
        if is_object:
            position = _skip(text, _skip(text, _end(text, start)) + 1)
        found.append((start, position))
        position = _skip(text, _end(text, position))
        if text[position] == ",":
            position = _skip(text, position + 1)
    return found


def _skip(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _end(text: str, position: int) -> int:
    """Where the value ends that begins here."""
    for pattern in (_STRING, _NUMBER, _WORD):
        found = pattern.match(text, position)
        if found:
            return found.end()
    depth = 0
    for part in _PART.finditer(text, position):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(part.group(), 0)
        if depth == 0:
            return part.end()
    raise AssertionError("a document that json has read")


def _key(text: str, position: int) -> str:
    return str(json.loads(text[position : _end(text, position)]))


def _spot(document: Text, position: int) -> Spot:
    text, number = document.text, document.line_at(position)
    end = _end(text, position)
    written = text[position:end]
    if written[0] in "[{" or written == "null":
        document.refuse("what stands there is no single value: %.20s" % written, _CURE, number)
    if written[0] == '"':
        return Spot(position, end, str(json.loads(written)), json.dumps)

    def same_type(new: str) -> str:
        is_word = written in ("true", "false")
        if new not in ("true", "false") if is_word else not _NUMBER.fullmatch(new):
            what = "true or false" if is_word else "a number"
            document.refuse("what stands there is %s, and %r is none" % (what, new), _CURE, number)
        return new

    return Spot(position, end, written, same_type)
