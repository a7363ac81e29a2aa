# SPDX-License-Identifier: GPL-3.0-or-later
"""One value of an XML document: an attribute, or the text of an element, found by a path.

``server/variable[@name='x']/@value``: names of elements from the root down, ``*`` for any, each with conditions
``[@a]``, ``[@a='v']``, ``[child='v']``, ``[.='v']`` or ``[2]``; at the end ``@attribute``, or nothing for the
element's text. A name in a namespace is ``{uri}name``, ``{*}name`` in any or none.
"""

from __future__ import annotations

import re
from typing import Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple
from xml.parsers import expat

from ansible_collections.relmgmt.release.plugins.module_utils._core.edit_text import Spot, Text
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

_BLANK = " \t\r\n"
_MOST_ELEMENTS, _DEEPEST = 200_000, 200
_DECLARATION = re.compile(rb"""<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_WIDE = {b"<\0?\0": "utf-16-le", b"\0<\0?": "utf-16-be"}
_NAME = r"(?:\{[^{}]*\})?[^\s/@\[\]{}()='\"*.]+(?:[.][^\s/@\[\]{}()='\"*.]+)*"
_QUOTED = r"(?:'[^']*'|\"[^\"]*\")"
_STEP = re.compile(r"(?P<name>%s|(?:\{\*\})?\*)(?P<conditions>(?:\[[^\[\]'\"]*(?:%s)?\])*)(?:/|\Z)" % (_NAME, _QUOTED))
_LAST = re.compile(r"@(?P<name>%s)\Z" % _NAME)
_CONDITION = re.compile(
    r"\[(?:(?P<position>[1-9][0-9]{0,8})|(?P<what>@?%s|\.)(?:\s*=\s*(?P<value>%s))?)\]" % (_NAME, _QUOTED)
)
_ATTRIBUTE = re.compile(r"""\s+([^\s=<>/"']+)\s*=\s*("[^"]*"|'[^']*')""")
_CDATA, _CDATA_END = "<![CDATA[", "]]>"
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CURE = "see the module's documentation of xml keys: server/variable[@name='x']/@value"


class _Condition(NamedTuple):
    position: int
    what: str
    value: Optional[str]


class _Step(NamedTuple):
    name: str
    conditions: Tuple[_Condition, ...]


def declared(data: bytes, place: str) -> str:
    """The encoding that the first line of an XML document names; empty for none.

    Raises InvalidInput where that line cannot be in the encoding that it names.
    """
    if data[:4] in _WIDE:
        return _WIDE[data[:4]]
    head = data[:512]
    found = _DECLARATION.match(head[3:] if head.startswith(b"\xef\xbb\xbf") else head)
    name = found.group(1).decode("ascii") if found else ""
    if name.lower().replace("_", "-").startswith(("utf-16", "utf-32", "ucs-", "iso-10646")):
        cure = "correct the first line, or say in the inventory which encoding it has: encoding"
        raise InvalidInput("it names the encoding %s in a line that is not in it" % name, place + " line 1", cure)
    return name


def locate(document: Text, path: str) -> Optional[Spot]:
    """The value at a path; None: there is none.

    Raises InvalidInput for a path that is wrong or leads to several elements, and for what is no sound XML, has a
    document type, or holds more than text where the text is wanted.
    """
    steps, attribute = _steps(document, path)
    reader = _Reader(document)
    groups: List[Sequence[_Element]] = [reader.top]
    found: List[_Element] = []
    for step in steps:
        found = [element for group in groups for element in _matching(step, group)]
        groups = [element.children for element in found]
    if len(found) > 1:
        cure = "add a condition to the key, as [@name='x']"
        document.refuse("%s leads to %d elements" % (path, len(found)), cure, reader.line(found[1]))
    if not found:
        return None
    return _attribute(reader, found[0], attribute) if attribute else _inner(reader, found[0])


# -- the path ----------------------------------------------------------------------------------


def _steps(document: Text, path: str) -> Tuple[List[_Step], str]:
    """The elements' steps, and the name of the attribute or empty."""
    steps: List[_Step] = []
    rest = path[1:] if path.startswith("/") else path
    while rest:
        last, step = _LAST.match(rest), _STEP.match(rest)
        if last and steps:
            return steps, last["name"]
        if not step:
            break
        conditions = [_condition(found) for found in _CONDITION.finditer(step["conditions"])]
        if "".join(found.group() for found in _CONDITION.finditer(step["conditions"])) != step["conditions"]:
            break
        steps.append(_Step(step["name"], tuple(conditions)))
        rest = rest[step.end():]
    if rest or not steps or path.endswith("/"):
        document.refuse("no path of an XML value: %s" % path, _CURE)
    return steps, ""


def _condition(found: "re.Match[str]") -> _Condition:
    value = found["value"]
    return _Condition(int(found["position"] or 0), found["what"] or "", None if value is None else value[1:-1])


def _matching(step: _Step, elements: Sequence["_Element"]) -> Sequence["_Element"]:
    """Which children of one element a step leads to."""
    found = [element for element in elements if _is_named(element.name, step.name)]
    for condition in step.conditions:
        if condition.position:
            found = found[condition.position - 1 : condition.position]
        else:
            found = [element for element in found if _fulfils(element, condition)]
    return found


def _is_named(name: str, wanted: str) -> bool:
    if wanted.startswith("{*}"):
        name, wanted = name.rpartition("}")[2], wanted[3:]
    return wanted in ("*", name)


def _fulfils(element: "_Element", condition: _Condition) -> bool:
    if condition.what.startswith("@"):
        values = [
            value for name, (_raw, value) in element.attributes.items() if _is_named(name, condition.what[1:])
        ]
    elif condition.what == ".":
        values = [element.content]
    else:
        values = [child.content for child in element.children if _is_named(child.name, condition.what)]
    return bool(values) if condition.value is None else condition.value in values


# -- the document ------------------------------------------------------------------------------


class _Element:
    """One element; `start`, `end`: where its tag begins, and its closing tag, in bytes of UTF-8.

    `tag`: its name as it is written; `attributes`: by name in its namespace what is written for it, and the value.
    """

    __slots__ = ("attributes", "children", "end", "name", "start", "tag", "text")

    def __init__(self, tag: str, name: str, attributes: Mapping[str, Tuple[str, str]], start: int) -> None:
        self.tag = tag
        self.name = name
        self.attributes = attributes
        self.start = start
        self.end = start
        self.children: List[_Element] = []
        self.text: List[str] = []

    @property
    def content(self) -> str:
        """Its own text without the blanks around it."""
        return "".join(self.text).strip(_BLANK)


class _Reader:
    """Reads a document into elements that know where they stand."""

    def __init__(self, document: Text) -> None:
        self.document = document
        self.top: List[_Element] = []
        self._data = document.text.encode("utf-8")
        self._open: List[_Element] = []
        self._prefixes: List[Dict[str, str]] = [{"": "", "xml": "http://www.w3.org/XML/1998/namespace"}]
        self._count = 0
        self._parse()

    def at(self, position: int) -> int:
        """The character at a position in bytes."""
        if len(self._data) == len(self.document.text):
            return position
        return len(self._data[:position].decode("utf-8"))

    def line(self, element: _Element) -> int:
        """Where an element begins."""
        return self.document.line_at(self.at(element.start))

    def _parse(self) -> None:
        # The text has been decoded already: what its first line says of an encoding does not count here.
        self._parser = expat.ParserCreate("utf-8")
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._doctype
        try:
            self._parser.Parse(self._data, True)
        except expat.ExpatError as error:
            message = "it is no sound XML: %s" % expat.ErrorString(error.code)
            self.document.refuse(message, "correct it", error.lineno)

    def _start(self, tag: str, written: Dict[str, str]) -> None:
        self._count += 1
        if self._count > _MOST_ELEMENTS or len(self._open) >= _DEEPEST:
            self.document.refuse("it has too many elements, or too deep ones", "give the file of the settings")
        prefixes = {name[6:]: uri for name, uri in written.items() if name == "xmlns" or name.startswith("xmlns:")}
        self._prefixes.append({**self._prefixes[-1], **prefixes} if prefixes else self._prefixes[-1])
        attributes = {
            self._qualified(name) if ":" in name else name: (name, value)
            for name, value in written.items()
            if name != "xmlns" and not name.startswith("xmlns:")
        }
        element = _Element(tag, self._qualified(tag), attributes, self._parser.CurrentByteIndex)
        (self._open[-1].children if self._open else self.top).append(element)
        self._open.append(element)

    def _qualified(self, name: str) -> str:
        prefix, _colon, local = name.rpartition(":")
        if prefix not in self._prefixes[-1]:
            line = self._parser.CurrentLineNumber
            self.document.refuse("the prefix of %s stands for no namespace" % name, "correct it", line)
        uri = self._prefixes[-1][prefix]
        return "{%s}%s" % (uri, local) if uri else local

    def _end(self, _tag: str) -> None:
        self._prefixes.pop()
        self._open.pop().end = self._parser.CurrentByteIndex

    def _text(self, text: str) -> None:
        self._open[-1].text.append(text)

    def _doctype(self, *_arguments: object) -> None:
        line = self._parser.CurrentLineNumber
        self.document.refuse("it has a document type", "remove the DOCTYPE from it", line)


# -- values ------------------------------------------------------------------------------------


def _attribute(reader: _Reader, element: _Element, name: str) -> Optional[Spot]:
    document, text = reader.document, reader.document.text
    found = [one for known, one in element.attributes.items() if _is_named(known, name)]
    if len(found) > 1:
        document.refuse("@%s leads to %d attributes" % (name, len(found)), "name its namespace", reader.line(element))
    if not found:
        return None
    written, value = found[0]
    start, end = next(one.span(2) for one in _written_attributes(reader, element) if one[1] == written)
    return Spot(start + 1, end - 1, value, lambda new: _escaped(document, new, text[start]))


def _written_attributes(reader: _Reader, element: _Element) -> Iterator["re.Match[str]"]:
    position = reader.at(element.start) + 1 + len(element.tag)
    found = _ATTRIBUTE.match(reader.document.text, position)
    while found:
        yield found
        found = _ATTRIBUTE.match(reader.document.text, found.end())


def _inner(reader: _Reader, element: _Element) -> Spot:
    document, text = reader.document, reader.document.text
    position = reader.at(element.start) + 1 + len(element.tag)
    for one in _written_attributes(reader, element):
        position = one.end()
    while text[position] not in "/>":
        position += 1
    if text[position] == "/":
        closed = "</%s>" % element.tag
        return Spot(position, position + 2, "", lambda new: ">" + _escaped(document, new) + closed)
    start, end = position + 1, reader.at(element.end)
    inner = text[start:end].strip(_BLANK)
    start += len(text[start:end]) - len(text[start:end].lstrip(_BLANK))
    value = inner[len(_CDATA) : -len(_CDATA_END)]
    if inner.startswith(_CDATA) and inner.endswith(_CDATA_END) and _CDATA_END not in value:
        start += len(_CDATA)
        return Spot(start, start + len(value), value, lambda new: _within_section(document, new))
    if "<" in inner:
        cure = "give the path of an element that holds the value alone"
        document.refuse("<%s> holds more than text" % element.tag, cure, reader.line(element))
    return Spot(start, start + len(inner), element.content, lambda new: _escaped(document, new))


def _escaped(document: Text, new: str, quote: str = "") -> str:
    _require_legal(document, new)
    for letter, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&apos;")):
        if letter in ("&", "<", ">", quote):
            new = new.replace(letter, entity)
    return "".join(letter if _stays(document, letter) else "&#%d;" % ord(letter) for letter in new)


def _stays(document: Text, letter: str) -> bool:
    return letter not in "\t\n\r" and document.can_hold(letter)


def _within_section(document: Text, new: str) -> str:
    _require_legal(document, new)
    if _CDATA_END in new:
        document.refuse("%r cannot be written within CDATA" % new, "write the element's text without CDATA")
    return new


def _require_legal(document: Text, new: str) -> None:
    if _ILLEGAL.search(new):
        document.refuse("%r has characters that XML lacks" % new, "correct the inventory")
