# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and replaces one value of a configuration file of any format; every other byte stays.

A value is replaced where it stands, in the way it is written there; what is not there is never added. A managed host
compiles whatever a module imports, anew in every call: the reader of a format is imported where it is needed.
"""

from __future__ import annotations

import re
from typing import Callable, Dict, NamedTuple, Optional, Sequence, Union

from ansible_collections.relmgmt.release.plugins.module_utils._core.edit_text import Spot, Text, text_of
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

_LINE = re.compile(r"[^\x00-\x1f\x7f]*\Z")


class Key(NamedTuple):
    """What names a value: of json and yaml a path of names and numbers, of ini with the section, else text."""

    key: Union[str, Sequence[Union[str, int]]]
    section: str = ""

    @property
    def path(self) -> Sequence[Union[str, int]]:
        """The names and numbers, one after the other."""
        return [self.key] if isinstance(self.key, str) else self.key

    @property
    def shown(self) -> str:
        """As messages name it."""
        key = self.key if isinstance(self.key, str) else "/" + "/".join(map(str, self.key))
        return "[%s] %s" % (self.section, key) if self.section else key


class Span(NamedTuple):
    """The bytes `start` to `end` of a file hold this value."""

    start: int
    end: int
    value: str


def _properties(document: Text, key: Key) -> Optional[Spot]:
    from ansible_collections.relmgmt.release.plugins.module_utils._core import edit_properties

    return edit_properties.locate(document, str(key.key))


def _ini(document: Text, key: Key) -> Optional[Spot]:
    from ansible_collections.relmgmt.release.plugins.module_utils._core import edit_ini

    return edit_ini.locate(document, key.section, str(key.key))


def _json(document: Text, key: Key) -> Optional[Spot]:
    from ansible_collections.relmgmt.release.plugins.module_utils._core import edit_json

    return edit_json.locate(document, key.path)


def _yaml(document: Text, key: Key) -> Optional[Spot]:
    from ansible_collections.relmgmt.release.plugins.module_utils._core import edit_yaml

    return edit_yaml.locate(document, key.path)


def _xml(document: Text, key: Key) -> Optional[Spot]:
    from ansible_collections.relmgmt.release.plugins.module_utils._core import edit_xml

    return edit_xml.locate(document, str(key.key))


def _services(document: Text, key: Key) -> Optional[Spot]:
    from ansible_collections.relmgmt.release.plugins.module_utils._core import edit_services

    return edit_services.locate(document, str(key.key))


_LOCATE: Dict[str, Callable[[Text, Key], Optional[Spot]]] = {
    "properties": _properties, "ini": _ini, "json": _json, "yaml": _yaml, "xml": _xml, "services": _services,
}
FORMATS = tuple(_LOCATE)


def find(data: bytes, form: str, key: Key, encoding: str = "", place: str = "") -> Optional[Span]:
    """Where a value stands and what it is; None: there is none.

    `form`: one of FORMATS; `encoding`: empty to go by the file's mark, an XML file's declaration, else UTF-8;
    `place`: the file's name, for messages. Raises InvalidInput where the file cannot be read with certainty.
    """
    document = _text(data, form, encoding, place)
    spot = _located(document, form, key)
    if spot is None:
        return None
    start = len(document.mark) + len(document.text[: spot.start].encode(document.encoding))
    end = start + len(document.text[spot.start : spot.end].encode(document.encoding))
    return Span(start, end, spot.value)


def replace(data: bytes, form: str, key: Key, value: Optional[str], encoding: str = "", place: str = "") -> bytes:
    """The file with another value; the same bytes if it has that value already.

    `value` None: there is to be none, which holds only where there is none. Raises InvalidInput as `find` does, and
    where the value is not there or cannot be written the way that it stands there.
    """
    document = _text(data, form, encoding, place)
    spot = _located(document, form, key)
    if spot is None:
        if value is None:
            return data
        document.refuse("%s is not there" % key.shown, "write it into the file once, with the value of production")
    if value is None:
        document.refuse("%s is there, and a setting is only replaced, not removed" % key.shown, "take it out by hand")
    if spot.value == value:
        return data
    if not _LINE.match(value):
        document.refuse("the value %r is no single line of text" % value, "correct the inventory")
    changed = document.with_part(spot.start, spot.end, spot.write(value))
    _require_read_back(changed, form, key, value, document)
    return changed


def _text(data: bytes, form: str, encoding: str, place: str) -> Text:
    if form == "xml":
        from ansible_collections.relmgmt.release.plugins.module_utils._core import edit_xml

        return text_of(data, encoding or edit_xml.declared(data, place), place)
    # Java takes a file for UTF-8, and if it is none for Latin-1 (PropertyResourceBundle).
    return text_of(data, encoding, place, "latin-1" if form == "properties" else "")


def _located(document: Text, form: str, key: Key) -> Optional[Spot]:
    if form not in _LOCATE:
        raise InvalidInput("there is no format %r" % form, document.place, "use " + ", ".join(FORMATS))
    spot = _LOCATE[form](document, key)
    if spot is not None and any("\ud800" <= letter <= "\udfff" for letter in spot.value):
        line = document.line_at(spot.start)
        document.refuse("the value of %s is half of a character" % key.shown, "correct it", line)
    return spot


def _require_read_back(changed: bytes, form: str, key: Key, value: str, before: Text) -> None:
    """The last word on every way of writing: the value is read back from the file as it would be."""
    after = text_of(changed, before.encoding if not before.mark else "", before.place)
    spot = _located(after, form, key)
    if spot is None or spot.value != value:
        message = "%r cannot be written for %s the way that its value stands in the file" % (value, key.shown)
        before.refuse(message, "write it there by hand, then run again")
