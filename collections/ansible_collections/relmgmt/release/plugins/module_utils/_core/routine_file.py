# SPDX-License-Identifier: GPL-3.0-or-later
"""Reader of routine files, as ^%RO writes them: Caché's and IRIS's, and GT.M's and YottaDB's (FACTS 2.4, 5.4).

Both begin with two lines about the file; the second tells the dialect. Caché heads each routine
with ``NAME^INT^1^59973,59905^0`` and ends it with an empty line; lines that are empty occur in
code too, so a routine goes on until such a head follows one. GT.M heads a routine with its name
and ends it with an empty line, which no line of code is, or, in files with form feeds, with a
line that is one. Bytes that are not UTF-8 are kept as they are: M code of the eighties has them.
"""

from __future__ import annotations

import re
from typing import Dict, Iterable, Iterator, List, NamedTuple, Optional

from ansible_collections.relmgmt.release.plugins.module_utils._core.cache_xml_items import ExportItem
from ansible_collections.relmgmt.release.plugins.module_utils._core.items import digest_text, normal_text
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

CACHE, GTM = "Caché", "GT.M"
# "Title^<type>^description^~Format=Cache.S~^RAW" stands above; the date may be missing.
CACHE_LINE = re.compile(r"%RO(?:\s+on\s.*)?\s*")
GTM_LINE = re.compile(r"(?:GT\.M|YottaDB)\s+\d{1,2}-[A-Z]{3}-\d{4}\s+\d{1,2}:\d\d:\d\d\s*")
CACHE_HEAD = re.compile(
    r"(?P<name>%?[^\W\d_][\w.%]*)\^(?P<type>MAC|INT|INC|BAS|MVI|MVB)"
    r"(?:\^\d*(?:\^(?P<changed>\d+,[\d.]+)?(?:\^(?P<generated>\d*))?)?)?\s*"
)
GTM_HEAD = re.compile(r"(?P<name>%?[A-Za-z][A-Za-z0-9]*)(?:\^.*)?\s*")
FORM_FEED = re.compile(rb"^\f\r?$", re.MULTILINE)


class RoutineLimits(NamedTuple):
    """What a routine file may be at most: bytes, routines. It is held in memory whole."""

    size: int = 128 << 20
    items: int = 100_000


class _Line(NamedTuple):
    number: int
    text: str


class _Routine(NamedTuple):
    head: _Line
    name: str
    kind: str
    changed: str
    generated: bool
    code: List[str]


def read_routines(
    chunks: Iterable[bytes], file: str, limits: RoutineLimits = RoutineLimits()  # noqa: B008 - a constant
) -> Iterator[ExportItem]:
    """The routines of a file in its order; ``file`` is its name in messages.

    A file of GT.M does not say what its routines are: they are INT. Raises InvalidInput on
    anything that is not a routine file: the items yielded before that are not to be used.
    """
    data = _bounded(chunks, file, limits.size)
    lines = _lines(data, file)
    title, about = next(lines, _Line(1, "")), next(lines, _Line(2, ""))
    dialect = _dialect(title, about, file)
    if dialect == CACHE:
        routines = _cache_routines(lines, file)
    else:
        routines = _gtm_routines(lines, file, FORM_FEED.search(data.replace(b"\r\f", b"\f")) is not None)
    seen: Dict[str, int] = {}
    for routine in routines:
        item = _item(routine, file)
        _refuse_more(item, seen, file, limits)
        yield item
    if not seen:
        raise InvalidInput("the file holds no routine", place=file, cure="write it again with ^%RO")


def is_routine_file(head: bytes) -> bool:
    """Whether the first bytes of a file are those of a routine file."""
    lines = head.decode("utf-8", "replace").split("\n")
    return len(lines) > 1 and bool(CACHE_LINE.fullmatch(lines[1]) or GTM_LINE.fullmatch(lines[1]))


def _bounded(chunks: Iterable[bytes], file: str, limit: int) -> bytes:
    parts: List[bytes] = []
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise InvalidInput(f"the file is larger than {limit} bytes", place=file, cure="split the package")
        parts.append(chunk)
    return b"".join(parts)


def _lines(data: bytes, file: str) -> Iterator[_Line]:
    """The lines without their ends. A file that says it is UTF-8 has to be."""
    first = data[:data.find(b"\n") + 1].rstrip()
    errors = "strict" if first.endswith(b"^UTF8") else "surrogateescape"
    start, number = (3 if data.startswith(b"\xef\xbb\xbf") else 0), 0
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        number += 1
        try:
            yield _Line(number, data[start:end].decode("utf-8", errors).rstrip("\r"))
        except UnicodeDecodeError as error:
            byte = data[start + error.start]
            raise _wrong(f"the file says UTF8, the byte {byte:02X} is not", file, number) from error
        start = end + 1


def _dialect(title: _Line, about: _Line, file: str) -> str:
    if title.text.lstrip("\ufeff \t").startswith("<"):
        raise _wrong("an XML file, not a routine file", file, 1, "give its type in release.yml as cache_xml")
    if CACHE_LINE.fullmatch(about.text):
        return CACHE
    if GTM_LINE.fullmatch(about.text):
        return GTM
    raise _wrong(
        f"{about.text[:40]!r} is not the second line of a routine file ('%RO on ...' or 'GT.M ...')", file, 2,
        "write the file with ^%RO of Caché, IRIS, GT.M or YottaDB",
    )


def _cache_routines(lines: Iterator[_Line], file: str) -> Iterator[_Routine]:
    routine: Optional[_Routine] = None
    is_free = True
    for line in lines:
        head = CACHE_HEAD.fullmatch(line.text) if is_free else None
        is_free = not line.text.strip()
        if head is not None:
            if routine is not None:
                yield routine
            changed, generated = head["changed"] or "", head["generated"] == "1"
            routine = _Routine(line, head["name"], head["type"], changed, generated, [])
        elif routine is not None:
            routine.code.append(line.text)
        elif line.text.strip():
            raise _no_head(line, "NAME^INT^1^59973,59905^0", file)
    if routine is not None:
        yield routine


def _gtm_routines(lines: Iterator[_Line], file: str, has_form_feeds: bool) -> Iterator[_Routine]:
    routine: Optional[_Routine] = None
    for line in lines:
        ends = line.text == "\f" or line.text == "\r\f" or (not line.text and not has_form_feeds)
        if ends:
            if routine is not None:
                yield routine
            routine = None
        elif routine is not None:
            routine.code.append(line.text)
        elif line.text.strip():
            head = GTM_HEAD.fullmatch(line.text)
            if head is None:
                raise _no_head(line, "a routine's name", file)
            routine = _Routine(line, head["name"], "INT", "", False, [])
    if routine is not None:
        yield routine


def _item(routine: _Routine, file: str) -> ExportItem:
    name, text = f"{routine.name}.{routine.kind}", normal_text("\n".join(routine.code))
    if not text.strip():
        raise _wrong(f"{name} is empty", file, routine.head.number)
    return ExportItem(
        "routine", name, routine.head.number, digest_text(text), text, (), routine.generated, routine.changed
    )


def _refuse_more(item: ExportItem, seen: Dict[str, int], file: str, limits: RoutineLimits) -> None:
    if item.name in seen:
        raise _wrong(
            f"{item.name} is in the package twice, first at line {seen[item.name]}", file, item.line,
            "keep the one that is meant",
        )
    seen[item.name] = item.line
    if len(seen) > limits.items:
        raise _wrong(f"more than {limits.items} routines", file, item.line, "split the package")


def _no_head(line: _Line, wanted: str, file: str) -> InvalidInput:
    return _wrong(
        f"{line.text[:40]!r} stands where the head of a routine is expected ({wanted})", file, line.number,
        "write the file again with ^%RO; no line of code may be empty",
    )


def _wrong(message: str, file: str, line: int, cure: str = "write the file again with ^%RO") -> InvalidInput:
    return InvalidInput(message, place=f"{file} line {line}", cure=cure, line=line)
