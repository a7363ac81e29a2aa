# SPDX-License-Identifier: GPL-3.0-or-later
"""$LISTBUILD's strings: length, type, bytes of each element, as the products write them in outline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from emulated.errors import MError
from emulated.values import Value, text

_STRING, _WIDE, _POSITIVE, _NEGATIVE = 1, 2, 4, 5


def build(elements: Iterable[Value | None]) -> str:
    """A list of these elements; None is an element without a value."""
    return "".join(_element(each) for each in elements)


def _element(value: Value | None) -> str:
    if value is None:
        return "\x01"
    kind, body = _body(value)
    size = len(body) + 2
    if size < 255:
        return chr(size) + chr(kind) + body
    size = len(body) + 1
    return "\0" + "".join(chr(size >> shift & 255) for shift in (0, 8, 16, 24)) + chr(kind) + body


def _body(value: Value) -> tuple[int, str]:
    if isinstance(value, int) and not isinstance(value, bool):
        size = (value.bit_length() + 7) // 8
        if value < 0:
            return _NEGATIVE, (value + (1 << 8 * size)).to_bytes(size, "little").decode("latin-1")
        return _POSITIVE, value.to_bytes(size, "little").decode("latin-1")
    written = text(value)
    if all(ord(each) < 256 for each in written):
        return _STRING, written
    return _WIDE, written.encode("utf-16-le", "surrogatepass").decode("latin-1")


def parse(written: str) -> list[Value | None]:
    """The elements of a list; <LIST> if it is none."""
    return list(_elements(written))


def is_list(written: str) -> bool:
    """Whether a string is a list ("" is one of no elements)."""
    try:
        parse(written)
    except MError:
        return False
    return True


def _elements(written: str) -> Iterator[Value | None]:
    at = 0
    while at < len(written):
        size = ord(written[at])
        if size == 1:
            yield None
            at += 1
            continue
        head, size = (1, size - 1) if size else (5, _wide_size(written, at))
        chunk = written[at + head : at + head + size]
        if size < 1 or len(chunk) != size or any(ord(each) > 255 for each in chunk):
            raise MError("LIST")
        yield _value(ord(chunk[0]), chunk[1:])
        at += head + size


def _wide_size(written: str, at: int) -> int:
    field = written[at + 1 : at + 5]
    if len(field) != 4 or any(ord(each) > 255 for each in field):
        raise MError("LIST")
    return sum(ord(each) << 8 * index for index, each in enumerate(field))


def _value(kind: int, body: str) -> Value:
    raw = body.encode("latin-1")
    if kind == _STRING:
        return body
    if kind == _WIDE:
        return raw.decode("utf-16-le", "surrogatepass")
    if kind == _POSITIVE:
        return int.from_bytes(raw, "little")
    if kind == _NEGATIVE:
        return int.from_bytes(raw, "little") - (1 << 8 * len(raw))
    raise MError("LIST")
