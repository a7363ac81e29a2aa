# SPDX-License-Identifier: GPL-3.0-or-later
"""Reader of Caché and IRIS XML exports: bytes in, items out, one at a time (FACTS 2.3).

Memory holds one item, whatever the size of the file. Bounded in size, depth and number of
items; a document type is refused, for no export has one (invariant 12). Every refusal names
file and line.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple
from xml.parsers import expat

from ansible_collections.relmgmt.release.plugins.module_utils._core.cache_xml_items import (
    BUILDERS,
    Builder,
    ExportItem,
    Wrong,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

#: labels that exports carry and expat does not know (T25)
ENCODINGS = {"UTF8": "UTF-8", "LATIN1": "ISO-8859-1", "LATIN-1": "ISO-8859-1", "ASCII": "US-ASCII"}
DECLARATION = re.compile(rb"""\A(?:\xef\xbb\xbf)?<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
HEAD = 256
BUFFER = 1 << 16
EXPORT_AGAIN = "export the package again"


class Limits(NamedTuple):
    """What a package may be at most: bytes, characters of an item, items, nested elements."""

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
    head, rest = _head(iter(chunks))
    reader.open(head)
    yield from reader.feed(head)
    for chunk in rest:
        yield from reader.feed(chunk)
    yield from reader.feed(b"", last=True)


def _head(chunks: Iterator[bytes]) -> Tuple[bytes, Iterator[bytes]]:
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= HEAD:
            break
    return head, chunks


class _Reader:
    """Keeps the file's outer shape; what is inside an item is its builder's."""

    def __init__(self, file: str, limits: Limits) -> None:
        self.file = file
        self.limits = limits
        self.read = 0
        self.depth = 0
        self.names: Dict[str, int] = {}
        self.done: List[ExportItem] = []
        self.builder: Optional[Builder] = None
        self.size = 0
        self.parser: Any = None

    def open(self, head: bytes) -> None:
        label = DECLARATION.match(head)
        known = ENCODINGS.get(label.group(1).decode().upper()) if label else None
        parser = expat.ParserCreate(known)
        parser.buffer_text = True
        parser.buffer_size = BUFFER
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype
        self.parser = parser

    def feed(self, chunk: bytes, last: bool = False) -> List[ExportItem]:
        self.read += len(chunk)
        if self.read > self.limits.size:
            raise self._wrong(f"the file is larger than {self.limits.size} bytes", "split the package")
        try:
            self.parser.Parse(chunk, last)
        except expat.ExpatError as error:
            raise self._wrong(f"not well-formed XML: {expat.errors.messages[error.code]}") from error
        except (LookupError, ValueError) as error:
            # pyexpat asks Python's codecs for encodings that expat does not know
            raise self._wrong(f"unknown encoding: {error}") from error
        except Wrong as error:
            raise self._wrong(error.message, error.cure or EXPORT_AGAIN, error.line) from error
        done, self.done = self.done, []
        return done

    def _start(self, tag: str, attributes: Dict[str, str]) -> None:
        self.depth += 1
        if self.depth > self.limits.depth:
            raise Wrong(f"elements are nested deeper than {self.limits.depth}")
        if self.depth == 1:
            self._root(tag)
        elif self.depth == 2:
            self._begin(tag, attributes)
        else:
            self._building().start(tag, attributes, self.parser.CurrentLineNumber)
            self._grow(len(tag))

    def _end(self, tag: str) -> None:
        self.depth -= 1
        if self.depth == 1:
            self._finish()
        elif self.depth > 1:
            self._building().end(tag, self.parser.CurrentLineNumber)

    def _text(self, text: str) -> None:
        if self.builder is not None:
            self.builder.text(text)
            self._grow(len(text))
        elif text.strip():
            raise Wrong(f"text outside of any item: {text.strip()[:40]!r}")

    def _doctype(self, *_args: Any) -> None:
        raise Wrong("the file declares a document type", "remove the DOCTYPE; an export has none")

    def _root(self, tag: str) -> None:
        if tag != "Export":
            raise Wrong(f"the root element is {tag}, not Export", "give a Caché or IRIS XML export")

    def _begin(self, tag: str, attributes: Dict[str, str]) -> None:
        make = BUILDERS.get(tag)
        if make is None:
            raise Wrong(f"unknown element {tag}", "take it out of the export")
        self.size = 0
        self.builder = make(tag, attributes, self.parser.CurrentLineNumber)

    def _finish(self) -> None:
        item = self._building().finish()
        self.builder = None
        if item.name in self.names:
            raise Wrong(
                f"{item.name} is in the package twice, first at line {self.names[item.name]}",
                "keep the one that is meant", item.line,
            )
        self.names[item.name] = item.line
        if len(self.names) > self.limits.items:
            raise Wrong(f"more than {self.limits.items} items", "split the package")
        self.done.append(item)

    def _grow(self, more: int) -> None:
        self.size += more
        if self.size > self.limits.item:
            raise Wrong(f"an item is larger than {self.limits.item} characters", "split the item")

    def _building(self) -> Builder:
        if self.builder is None:
            raise Wrong("an element outside of any item")
        return self.builder

    def _wrong(self, message: str, cure: str = EXPORT_AGAIN, line: int = 0) -> InvalidInput:
        at = line or (self.parser.CurrentLineNumber if self.parser else 1)
        return InvalidInput(message, place=f"{self.file} line {at}", cure=cure, line=at)
