# SPDX-License-Identifier: GPL-3.0-or-later
"""Reader of Caché and IRIS XML exports: bytes in, items out, one at a time (FACTS 2.3).

The items are cut out of the bytes: between two items a scanner of tags and comments goes on, and
an item reaches from its start tag to what looks like its end tag. A parser without handlers then
vouches for the piece being one well-formed element, which it is not if that end tag stands in
code; such an item, and what is not plain (entities, several CDATA sections, documents, large
items), is parsed with handlers. What is left of the file must be well-formed without its items.

Memory holds one item, whatever the size of the file. Bounded in size, depth and number of
items; a document type is refused, for no export has one (invariant 12). Every refusal names
file and line.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional
from xml.parsers import expat

from ansible_collections.relmgmt.release.plugins.module_utils._core.cache_xml_encoding import CURE, normal
from ansible_collections.relmgmt.release.plugins.module_utils._core.cache_xml_items import (
    BUILDERS,
    Builder,
    ExportItem,
    Wrong,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

# A start tag, an end tag, or an element without content, as XML delimits them; and the space before it.
TAG = re.compile(rb"""\s*<(/?)([^\s<>/="'&!?]+)((?:\s+[^\s<>/="'&]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(/?)>""")
# A start tag as exporters write it, of what need not be looked at element by element.
PLAIN = re.compile(
    rb"""\s*<(Class|Routine|RoutineBase64|Global|CSP|CSPBase64|Project|Package)((?: [A-Za-z]+="[^"<&\n\t]*")*)>"""
)
ATTRIBUTE = re.compile(r'([^\s=]+)="([^"]*)"')
SPACE = re.compile(rb"\s*")
#: an item up to this many bytes is cut out in one piece; its nesting is bounded by its size
PIECE = 128 << 10
#: what the parser of a single item sees first
OUTSIDE = b"<r>"
EXPORT_AGAIN = "export the package again"


class Limits(NamedTuple):
    """What a package may be at most: bytes, bytes of an item, items, nested elements.

    ``depth`` holds where an item is looked at element by element; a plain item of up to
    128 KiB is bounded by its size alone.
    """

    size: int = 512 << 20
    item: int = 64 << 20
    items: int = 100_000
    depth: int = 64


def read_export(
    chunks: Iterable[bytes], file: str, limits: Limits = Limits()  # noqa: B008 - a constant
) -> Iterator[ExportItem]:
    """The items of an export in the order of the file; ``file`` is its name in messages.

    Raises InvalidInput on anything that is not a complete, well-formed export: the items
    yielded before that are not to be used.
    """
    reader = _Reader(file, limits)
    for chunk in normal(reader.bounded(chunks), file):
        yield from reader.feed(chunk)
    yield from reader.feed(b"", last=True)


class _Slow:
    """One item that is looked at element by element, by a parser of its own."""

    def __init__(self, tag: str, line: int, limits: Limits) -> None:
        self.tag = tag
        self.line = line
        self.limits = limits
        self.depth = 0
        self.parts: List[bytes] = []
        self.size = 0
        self.end = 0
        self.builder: Optional[Builder] = None
        self.parser = _parser()
        self.parser.buffer_text = True
        self.parser.buffer_size = 1 << 16
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._ended
        # Whatever follows the item's end tag in a piece is then nothing to complain about.
        self.parser.Parse(OUTSIDE, False)

    def feed(self, piece: bytes, last: bool = False) -> None:
        """Parse the next bytes of the item; afterwards ``end`` says where it ends, 0 if not yet."""
        self.parts.append(piece)
        self.size += len(piece)
        if self.size > self.limits.item:
            raise Wrong(f"an item is larger than {self.limits.item} bytes", "split the item", self.line)
        try:
            self.parser.Parse(piece, last)
        except Wrong as error:
            line = error.line or self.line + self.parser.CurrentLineNumber - 1
            raise Wrong(error.message, error.cure, line) from error
        except expat.ExpatError as error:
            at = self.parser.ErrorByteIndex - len(OUTSIDE)
            raise _malformed(error, b"".join(self.parts)[at:at + 4], self.line + error.lineno - 1) from error

    def _start(self, tag: str, attributes: Dict[str, str]) -> None:
        self.depth += 1
        if self.depth > self.limits.depth:
            raise Wrong(f"elements are nested deeper than {self.limits.depth}")
        if self.builder is not None:
            self.builder.start(tag)
        elif self.depth == 2:
            self.builder = BUILDERS[tag](tag, attributes, self.line)
            self.parser.CharacterDataHandler = self.builder.text

    def _ended(self, tag: str) -> None:
        self.depth -= 1
        if self.depth > 1 and self.builder is not None:
            self.builder.end(tag)
        elif not self.end:
            self.end = int(self.parser.CurrentByteIndex) - len(OUTSIDE)
            self.parser.StartElementHandler = self.parser.EndElementHandler = None
            self.parser.CharacterDataHandler = None


class _Reader:
    """Cuts items out of the bytes; ``buffer`` holds what belongs to none yet, from ``at`` on."""

    def __init__(self, file: str, limits: Limits) -> None:
        self.file = file
        self.limits = limits
        self.buffer = b""
        self.at = 0
        self.line = 1
        self.depth = 0
        self.names: Dict[str, int] = {}
        self.done: List[ExportItem] = []
        self.slow: Optional[_Slow] = None
        self.outer = _parser()
        self.outer_read = 0
        self.outer.StartDoctypeDeclHandler = _refuse_doctype

    def bounded(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The chunks, as long as they are not more than a package may have."""
        read = 0
        for chunk in chunks:
            read += len(chunk)
            if read > self.limits.size:
                raise self._wrong(Wrong(f"the file is larger than {self.limits.size} bytes", "split the package"))
            yield chunk

    def feed(self, chunk: bytes, last: bool = False) -> List[ExportItem]:
        """Go on with these bytes; the items that end in them."""
        self.buffer = self.buffer[self.at:] + chunk
        self.at = 0
        try:
            while self._step(last):
                pass
            if last:
                self._end()
        except Wrong as error:
            raise self._wrong(error) from error
        done, self.done = self.done, []
        return done

    def _step(self, last: bool) -> bool:
        """One construct further; False: more bytes are needed."""
        if self.slow is not None:
            return self._go_on(self.slow, last)
        if self.depth == 1 and self._cut_plain_items(last):
            return False
        tag = TAG.match(self.buffer, self.at)
        if tag is None:
            return self._no_tag(last)
        if self.depth == 1 and not tag[1]:
            self._item(tag)
        else:
            self._root(tag)
        return True

    def _cut_plain_items(self, last: bool) -> bool:
        """Take plain items out of the bytes, each in one piece; True: the next is not whole yet."""
        buffer, depth = self.buffer, self.limits.depth
        tag = PLAIN.match(buffer, self.at)
        while tag is not None:
            name, start, inside = tag[1].decode(), tag.start(1) - 1, tag.end()
            line = self.line + buffer.count(b"\n", self.at, start)
            builder = BUILDERS[name](name, dict(ATTRIBUTE.findall(tag[2].decode("utf-8", "surrogateescape"))), line)
            end = builder.find_end(buffer, inside, start + PIECE)
            if end < 0:
                return not last and len(buffer) < start + PIECE
            if not builder.take(buffer, inside, end, depth):
                return False
            stop = buffer.index(b">", end) + 1
            element = buffer[start:stop]
            try:
                expat.ParserCreate("UTF-8").Parse(element, True)
            except expat.ExpatError:
                return False  # malformed, or what looks like the end tag stands in code
            self._finish(builder, element)
            self.line = line + element.count(b"\n")
            self.at = stop
            tag = PLAIN.match(buffer, stop)
        return False

    def _root(self, tag: "re.Match[bytes]") -> None:
        """The start or the end tag of the export; anything else is too much for the outer parser."""
        name = tag[2].decode("utf-8", "replace")
        self._pass(tag.end())
        if self.depth == 0 and name != "Export":
            raise Wrong(f"the root element is {name}, not Export", "give a Caché or IRIS XML export")
        self.depth = 2 if tag[1] or tag[4] else 1

    def _item(self, tag: "re.Match[bytes]") -> None:
        name = tag[2].decode("utf-8", "replace")
        self._pass(tag.start(2) - 1)
        if name not in BUILDERS:
            raise Wrong(f"unknown element {name}", "take it out of the export")
        self.slow = _Slow(name, self.line, self.limits)
        if tag[4]:
            self._go_through(self.slow, tag.end())

    def _go_on(self, slow: _Slow, last: bool) -> bool:
        """Give the item's parser the bytes up to the next end tag that may be the item's."""
        closing = b"</" + slow.tag.encode()
        start = self.buffer.find(closing, self.at)
        stop = self.buffer.find(b">", start) + 1 if start >= 0 else 0
        if not stop:
            safe = start if start >= 0 else len(self.buffer) - len(closing)
            stop = len(self.buffer) if last else safe
        if stop <= self.at:
            return False
        self._go_through(slow, stop)
        return True

    def _go_through(self, slow: _Slow, stop: int) -> None:
        slow.feed(self.buffer[self.at:stop])
        self.at = stop
        if not slow.end:
            return
        read = b"".join(slow.parts)
        end = TAG.match(read, slow.end)
        element = read[:end.end() if end else slow.end]
        # A parser that defers a token tells of the end late: what came after it is not the item's.
        self.at -= len(read) - len(element)
        if self.at < 0 or slow.builder is None:
            raise Wrong(f"where this {slow.tag} ends cannot be told", line=slow.line)
        self._finish(slow.builder, element)
        self.line += element.count(b"\n")
        self.slow = None

    def _finish(self, builder: Builder, element: bytes) -> None:
        if len(element) > self.limits.item:
            raise Wrong(f"an item is larger than {self.limits.item} bytes", "split the item", builder.line)
        item = builder.finish(element)
        if item.name in self.names:
            raise Wrong(
                f"{item.name} is in the package twice, first at line {self.names[item.name]}",
                "keep the one that is meant", item.line,
            )
        self.names[item.name] = item.line
        if len(self.names) > self.limits.items:
            raise Wrong(f"more than {self.limits.items} items", "split the package", item.line)
        self.done.append(item)

    def _no_tag(self, last: bool) -> bool:
        """White space, a comment, an instruction, text, or what is no XML."""
        space = SPACE.match(self.buffer, self.at)
        self._pass(space.end() if space else self.at)
        if self.at == len(self.buffer):
            return False
        ahead = self.buffer[self.at:self.at + 9]
        if ahead.startswith(b"<!D"):
            _refuse_doctype()
        closing = b"-->" if ahead.startswith(b"<!--") else b"?>" if ahead.startswith(b"<?") else b""
        found = self.buffer.find(closing, self.at) if closing else -1
        if found >= 0:
            self._pass(found + len(closing))
            return True
        is_open = ahead.startswith(b"<") and not ahead.startswith(b"<![")
        if is_open and not last and len(self.buffer) - self.at < PIECE:
            return False
        line, text = self.line, self.buffer[self.at:self.at + 60].decode("utf-8", "replace").split("\n")[0]
        stop = self.buffer.find(b"<", self.at + 1)
        self._pass(stop if stop > 0 else len(self.buffer), last and stop < 0)
        raise Wrong(f"text outside of any item: {text[:40]!r}", line=line)

    def _end(self) -> None:
        if self.slow is not None:
            self.slow.feed(b"", last=True)
        self._pass(len(self.buffer), last=True)
        if self.depth != 2:
            raise Wrong("the file ends early")

    def _pass(self, upto: int, last: bool = False) -> None:
        """Leave bytes behind that are not an item's: the outer parser sees them."""
        piece = self.buffer[self.at:upto]
        before = self.outer.CurrentLineNumber
        try:
            self.outer.Parse(piece, last)
        except expat.ExpatError as error:
            at = self.outer.ErrorByteIndex - self.outer_read
            raise _malformed(error, piece[at:at + 4], self.line + error.lineno - before) from error
        self.outer_read += len(piece)
        self.line += piece.count(b"\n")
        self.at = upto

    def _wrong(self, error: Wrong) -> InvalidInput:
        line = error.line or self.line
        return InvalidInput(error.message, place=f"{self.file} line {line}", cure=error.cure or EXPORT_AGAIN, line=line)


def _malformed(error: Any, there: bytes, line: int) -> Wrong:
    """What the parser found; ``there``: the bytes at that place."""
    message = f"not well-formed XML: {expat.errors.messages[error.code]}"
    if there[:1] >= b"\x80" and there.decode("utf-8", "replace")[0] == "\ufffd":
        return Wrong(f"{message}; the byte {there[0]:02X} is not UTF-8", CURE, line)
    return Wrong(message, line=line)


def _parser() -> Any:
    parser = expat.ParserCreate("UTF-8")
    defer: Optional[Callable[[bool], None]] = getattr(parser, "SetReparseDeferralEnabled", None)
    if defer is not None:
        defer(False)
    return parser


def _refuse_doctype(*_args: Any) -> None:
    raise Wrong("the file declares a document type", "remove the DOCTYPE; an export has none")
