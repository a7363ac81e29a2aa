# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes of a YAML document and where they stand, without a YAML library: managed hosts have none.

It reads block mappings and sequences by their lines. What it need not understand (flow collections, block scalars,
scalars of several lines) it steps over; what it cannot place with certainty it refuses, and never guesses.
"""

from __future__ import annotations

import re
from typing import List, NoReturn, Optional, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.edit_text import Line, Text

MAPPING, SEQUENCE, EMPTY = "mapping", "sequence", "nothing"
PLAIN, SINGLE, DOUBLE = "plain", "single", "double"
SCALARS = (PLAIN, SINGLE, DOUBLE)
FLOW, BLOCK_TEXT, SEVERAL_LINES, ALIAS = "a flow collection", "a block scalar", "text of several lines", "an alias"
_DEEPEST = 100
_LONGEST_KEY = 1000  # YAML allows 1024
_UNCERTAIN = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029\ufeff]")
_QUOTED = {
    '"': re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL),
    "'": re.compile(r"'([^']*(?:''[^']*)*)'"),
}
_COLON = re.compile(r":(?=[ \t]|\Z)")
_COMMENT = re.compile(r"[ \t]#")
_REST = re.compile(r"(?: *| +#[^\r\n]*)(?=[\r\n]|\Z)")
_HEADER = re.compile(r"[|>](?:(?P<digit>[1-9])[+-]?|[+-](?P<last>[1-9])?)?(?: *| +#.*)\Z")
_MARKER = re.compile(r"(?:---|\.\.\.)(?: |\Z)")
#: brackets, separators, blanks with comments, quoted text, anchors with aliases and tags, plain text
_FLOW_PART = re.compile(
    r"(?P<open>[\[{])|(?P<close>[\]}])|[,:]|(?:[ \r\n]+(?:#[^\r\n]*)?)+"
    r"|\"[^\"\\]*(?:\\.[^\"\\]*)*\"|'[^']*(?:''[^']*)*'|[&*!][^\s,\[\]{}<]*(?=[\s,\[\]{}])"
    r"|(?![\"'&*!#%@`|>])(?:[^\s,\[\]{}:#]+|:(?![\s,\[\]{}])|(?<!\s)#| +(?![\s#,\[\]{}:]))+",
    re.DOTALL,
)
_CURE = "write it plainly, as key: value below one another, or keep the setting in a file of its own"


class Node:
    """One node; `start`, `end`: its characters if it is a scalar of one line, without quotes.

    `members`: (key, node) of a mapping, ("", node) of a sequence; `mark`: its anchor or tag.
    """

    __slots__ = ("end", "kind", "line", "mark", "members", "start")

    def __init__(self, kind: str, line: int, start: int = 0, end: int = 0) -> None:
        self.kind = kind
        self.line = line
        self.start = start
        self.end = end
        self.mark = ""
        self.members: List[Tuple[str, Node]] = []


def root_of(document: Text) -> Node:
    """The document's only node; raises InvalidInput naming the line that cannot be placed."""
    return _Reader(document).root()


def unquoted(document: Text, style: str, written: str, line: int) -> str:
    """What a scalar of one line says that is written so between its quotes."""
    if style == SINGLE:
        return written.replace("''", "'")
    if style == DOUBLE and "\\" in written:
        return _ESCAPE.sub(lambda found: _meant(document, found, line), written)
    return written


_LETTERS = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b", " ": " ",
    '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U(00[01][0-9A-Fa-f]{5})|(.))", re.DOTALL)


def _meant(document: Text, found: "re.Match[str]", line: int) -> str:
    digits = found[1] or found[2] or found[3]
    number = int(digits, 16) if digits else 0
    if (not digits and found[4] not in _LETTERS) or number > 0x10FFFF:
        document.refuse("no escape of YAML: %s" % found[0], "correct it", line)
    return chr(number) if digits else _LETTERS[found[4]]


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip(" "))


def _begins_item(text: str) -> bool:
    return text == "-" or text.startswith("- ")


class _Reader:
    def __init__(self, document: Text) -> None:
        self._document = document
        self._lines = list(document.lines())
        self._row = 0
        self._depth = 0

    # -- lines -----------------------------------------------------------------------------

    def root(self) -> Node:
        uncertain = _UNCERTAIN.search(self._document.text)
        if uncertain:
            line = self._document.line_at(uncertain.start())
            self._document.refuse("it has the control character %r" % uncertain.group(), _CURE, line)
        self._skip_head()
        first = self._content()
        if first is None:
            return Node(EMPTY, 1)
        found = self._node(_indent(first.text), -1)
        if self._content() is not None:
            self._refuse("this line belongs to nothing before it")
        self._require_nothing_after()
        return found

    def _skip_head(self) -> None:
        while self._row < len(self._lines):
            text = self._lines[self._row].text
            if text.startswith("%") and not re.match(r"%YAML 1\.[0-9]+ *\Z", text):
                self._refuse("a directive")
            if not text.startswith("%") and text.strip(" ") and not text.lstrip(" ").startswith("#"):
                break
            self._row += 1
        if self._row < len(self._lines) and _MARKER.match(self._lines[self._row].text):
            if not re.match(r"---(?: *| +#.*)\Z", self._lines[self._row].text):
                self._refuse("more than --- begins the document")
            self._row += 1

    def _content(self) -> Optional[Line]:
        """The next line that is neither blank nor a comment; None at the document's end."""
        while self._row < len(self._lines):
            line = self._lines[self._row]
            stripped = line.text.lstrip(" ")
            if stripped and not stripped.startswith("#"):
                if stripped.startswith("\t"):
                    self._refuse("a tab before the first character")
                if _MARKER.match(line.text):
                    if line.text.startswith("..."):
                        return None
                    self._refuse("a second document begins")
                return line
            self._row += 1
        return None

    def _require_nothing_after(self) -> None:
        for row in range(self._row + 1, len(self._lines)):
            text = self._lines[row].text.lstrip(" ")
            if text and not text.startswith("#"):
                self._row = row
                self._refuse("something stands after the document's end")

    def _refuse(self, message: str) -> NoReturn:
        line = self._lines[min(self._row, len(self._lines) - 1)]
        self._document.refuse("%s: %.60r" % (message, line.text), _CURE, line.number)

    # -- collections -----------------------------------------------------------------------

    def _node(self, column: int, parent: int) -> Node:
        """The node that begins at a column of the current line; `parent`: the column of what it is in."""
        self._depth += 1
        if self._depth > _DEEPEST:
            self._refuse("it is nested too deeply")
        text = self._lines[self._row].text[column:]
        if _begins_item(text):
            found = self._sequence(column)
        elif text == "?" or text.startswith("? ") or text[0] in "&!":
            self._refuse("a key with ?, an anchor or a tag begins the line")
        elif self._key(column) is not None:
            found = self._mapping(column)
        else:
            found = self._leaf(column, parent)
        self._depth -= 1
        return found

    def _sequence(self, column: int) -> Node:
        found = Node(SEQUENCE, self._lines[self._row].number)
        at = column
        while True:
            found.members.append(("", self._value(at + 1, column, False)))
            line = self._content()
            if line is None or _indent(line.text) < column:
                return found
            if _indent(line.text) > column:
                self._refuse("this line is indented otherwise than those before")
            if not _begins_item(line.text[column:]):
                return found

    def _mapping(self, column: int) -> Node:
        found = Node(MAPPING, self._lines[self._row].number)
        while True:
            key = self._key(column)
            if key is None:
                self._refuse("no key, where one is due")
            found.members.append((key[0], self._value(key[1], column, True)))
            line = self._content()
            if line is None or _indent(line.text) < column:
                return found
            if _indent(line.text) > column or _begins_item(line.text[column:]):
                self._refuse("this line is indented otherwise than those before")

    def _key(self, column: int) -> Optional[Tuple[str, int]]:
        """The key that stands at a column, and the column after its colon."""
        line = self._lines[self._row]
        text = line.text[column:]
        if text[0] in _QUOTED:
            quoted = _QUOTED[text[0]].match(text)
            after = re.compile(r" *:(?=[ \t]|\Z)").match(text, quoted.end()) if quoted else None
            if quoted is None or after is None:
                return None
            style = DOUBLE if text[0] == '"' else SINGLE
            return unquoted(self._document, style, quoted[1], line.number), column + after.end()
        if text[0] in "[{|>*":
            return None
        colon, comment = _COLON.search(text), _COMMENT.search(text)
        if colon is None or (comment is not None and comment.start() < colon.start()):
            return None
        key = text[: colon.start()].rstrip(" ")
        if not key or key[0] in ",]}#%@`&!?" or "\t" in key or len(key) > _LONGEST_KEY or _begins_item(key):
            self._refuse("no plain key")
        return key, column + colon.end()

    def _value(self, column: int, parent: int, is_of_mapping: bool) -> Node:
        """What comes after the colon of a key, or after the dash of an item."""
        line, mark = self._lines[self._row], ""
        while True:
            column += _indent(line.text[column:])
            rest = line.text[column:]
            if rest.startswith("\t"):
                self._refuse("a tab before the value")
            if rest[:1] not in ("&", "!") or not rest:
                break
            mark = re.match(r"\S+", rest).group()  # type: ignore[union-attr] # rest begins with one
            column += len(mark)
        if not rest or (rest.startswith("#") and line.text[column - 1] == " "):
            found = self._below(parent, is_of_mapping)
        elif is_of_mapping or mark:
            if _begins_item(rest) or (mark and rest[0] not in "[{|>" and self._key(column) is not None):
                self._refuse("a collection that begins behind a key, an anchor or a tag")
            found = self._leaf(column, parent)
        else:
            found = self._node(column, parent)
        found.mark = mark
        return found

    def _below(self, parent: int, is_of_mapping: bool) -> Node:
        """The value in the lines below, indented deeper; a mapping's sequence may stand under its key."""
        number = self._lines[self._row].number
        self._row += 1
        line = self._content()
        if line is not None:
            indent = _indent(line.text)
            if indent > parent or (is_of_mapping and indent == parent and _begins_item(line.text[indent:])):
                found = self._node(indent, parent)
                if found.kind in SCALARS:
                    found.kind = SEVERAL_LINES
                return found
        return Node(EMPTY, number)

    # -- scalars, and what is stepped over ---------------------------------------------------

    def _leaf(self, column: int, parent: int) -> Node:
        line = self._lines[self._row]
        first, rest = line.text[column], line.text[column:]
        if first in _QUOTED:
            return self._quoted(line, column)
        if first in "[{":
            return self._stepped_over(FLOW, line, self._flow_end(line.start + column))
        if first in "|>":
            return self._block_text(column, parent)
        if first == "*":
            return self._stepped_over(ALIAS, line, line.start + column + len(rest.split(" ")[0]))
        if first in ",]}#%@`&!" or (first in "-?:" and rest[1:2] in ("", " ", "\t")):
            self._refuse("no value of one line")
        return self._plain(line, column, parent)

    def _quoted(self, line: Line, column: int) -> Node:
        start = line.start + column
        found = _QUOTED[line.text[column]].match(self._document.text, start)
        if found is None:
            self._refuse("a quote that is not closed")
        kind = SEVERAL_LINES if found.end() > line.end else DOUBLE if line.text[column] == '"' else SINGLE
        node = self._stepped_over(kind, line, found.end())
        node.start, node.end = found.span(1)
        return node

    def _stepped_over(self, kind: str, line: Line, end: int) -> Node:
        """A node that ends at a character, after which only a comment may come."""
        while self._lines[self._row].end < end:
            self._row += 1
        if not _REST.match(self._document.text, end):
            self._refuse("something stands after the value")
        self._row += 1
        return Node(kind, line.number)

    def _flow_end(self, position: int) -> int:
        """The character after a flow collection."""
        text, open_ones = self._document.text, ""
        while open_ones or text[position] in "[{":
            found = _FLOW_PART.match(text, position)
            if not found or len(open_ones) > _DEEPEST:
                self._refuse("a flow collection that cannot be followed")
            if found["close"] and open_ones[-1] + found["close"] not in ("[]", "{}"):
                self._refuse("a flow collection that is closed by another bracket")
            position = found.end()
            open_ones += found["open"] or ""
            if found["close"]:
                open_ones = open_ones[:-1]
                if not open_ones:
                    break
        return position

    def _block_text(self, column: int, parent: int) -> Node:
        line = self._lines[self._row]
        header = _HEADER.match(line.text[column:])
        if header is None:
            self._refuse("no sound begin of a block scalar")
        digit = header["digit"] or header["last"]
        least = max(parent, 0) + int(digit) if digit else 0
        self._row += 1
        while self._row < len(self._lines):
            text = self._lines[self._row].text
            if text.strip(" "):
                least = least or max(_indent(text), parent + 1)
                if _indent(text) < least:
                    break
            self._row += 1
        return Node(BLOCK_TEXT, line.number)

    def _plain(self, line: Line, column: int, parent: int) -> Node:
        text = line.text[column:]
        comment = _COMMENT.search(text)
        written = (text[: comment.start()] if comment else text).rstrip(" ")
        self._require_plain(text if comment is None else text[: comment.start() + 1])
        found = Node(PLAIN, line.number, line.start + column, line.start + column + len(written))
        self._row += 1
        if self._goes_on(parent, comment is not None):
            found.kind = SEVERAL_LINES
        return found

    def _goes_on(self, parent: int, had_comment: bool) -> bool:
        """Steps over the lines that a plain scalar goes on in; returns whether there are any."""
        goes_on = False
        while self._row < len(self._lines):
            text = self._lines[self._row].text
            if not text.strip(" "):
                self._row += 1
                continue
            if text.lstrip(" ").startswith("#"):
                had_comment = True
                self._row += 1
                continue
            if _indent(text) <= parent or _MARKER.match(text):
                break
            if had_comment:
                self._refuse("a line that is indented deeper, after a comment")
            comment = _COMMENT.search(text)
            self._require_plain(text[: comment.start() + 1] if comment else text)
            goes_on, had_comment = True, comment is not None
            self._row += 1
        return goes_on

    def _require_plain(self, text: str) -> None:
        if "\t" in text or _COLON.search(text.rstrip(" ")):
            self._refuse("a tab, or a colon that could begin another value")
