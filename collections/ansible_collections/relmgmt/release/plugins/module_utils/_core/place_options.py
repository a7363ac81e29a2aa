# SPDX-License-Identifier: GPL-3.0-or-later
"""What each kind of place asks for, and how a place is named in keys and messages.

A place is where a setting of an external interface lives. Its options come from the inventory, raw or through
an argument spec that names those of every kind: one that is None was not given.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Sequence, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.web_config import TYPES, VARIABLE, settings_of
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

FILE_FORMATS = ("properties", "ini", "json", "yaml", "xml", "services")
LIBERTY_TYPES = ("variable", "server_xml", "bootstrap_property")
WEBSPHERE_TYPES = ("jvm_property", "resource", "variable")
TARGETS = ("Adapter", "Host")
_PLAIN = re.compile(r"[A-Za-z0-9_.%-]+\Z")
_GLOBAL = re.compile(r"\^%?[A-Za-z][A-Za-z0-9.]*\Z")
_WORD = re.compile(r"[A-Za-z0-9_@%+=:,./-]+\Z")
_LINE = re.compile(r"[^\x00-\x1f\x7f]+\Z")
_PATH_IN_XML = re.compile(r"[^\s<>&/]+(?:/[^\s<>&/]+)+\Z")
_SERVICE = re.compile(r"[^\s/#]+/(?:tcp|udp|sctp|dccp)\Z")

Check = Callable[[Any], Any]


class Kind(NamedTuple):
    """Options of one kind of place: a check for each, which returns the option's normal form."""

    required: Mapping[str, Check]
    optional: Mapping[str, Check]
    shown: Callable[[Mapping[str, Any]], str]


def _text(value: Any) -> str:
    if isinstance(value, (bool, float)) or not isinstance(value, (str, int)):
        raise ValueError("it is no text")
    text = str(value)
    if not _LINE.match(text):
        raise ValueError("it is empty" if not text else "it is no single line of text")
    return text


def _path(value: Any) -> str:
    text = _text(value)
    if not text.startswith("/") or ".." in text.split("/"):
        raise ValueError("it is no absolute path")
    return text


def _global_name(value: Any) -> str:
    text = _text(value)
    if not _GLOBAL.match(text):
        raise ValueError("it is no name of a global: ^, then letters and digits")
    return text


def _texts(value: Any) -> List[str]:
    if not isinstance(value, (list, tuple)):
        raise ValueError("it is no list")
    return [_text(one) for one in value]


def _command(value: Any) -> List[str]:
    words = _texts(value)
    if not words:
        raise ValueError("it is an empty list")
    return words


def _program(value: Any) -> List[str]:
    words = _command(value)
    _path(words[0])
    return words


def _one_of(choices: Sequence[str]) -> Check:
    def check(value: Any) -> str:
        if value not in choices:
            raise ValueError("it is not one of %s" % ", ".join(choices))
        return str(value)

    return check


def _key(value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        return _text(value)
    if not value:
        raise ValueError("it is an empty list")
    return [one if isinstance(one, int) and not isinstance(one, bool) else _text(one) for one in value]


def _shown_file(options: Mapping[str, Any]) -> str:
    key = options["key"]
    if isinstance(key, list):
        key = "".join("/" + str(one).replace("~", "~0").replace("/", "~1") for one in key)
    section = "[%s]" % options["section"] if "section" in options else ""
    return "%s#%s%s" % (options["path"], section, key)


def _shown_global(options: Mapping[str, Any]) -> str:
    subscripts = [_shown_subscript(one) for one in options["subscripts"]]
    return "%s(%s)" % (options["global"], ",".join(subscripts)) if subscripts else str(options["global"])


def _shown_subscript(subscript: str) -> str:
    return subscript if _PLAIN.match(subscript) else '"%s"' % subscript.replace('"', '""')


def _shown_command(options: Mapping[str, Any]) -> str:
    return " ".join(one if _WORD.match(one) else "'%s'" % one.replace("'", "'\"'\"'") for one in options["command"])


def _joined(*names: str) -> Callable[[Mapping[str, Any]], str]:
    """Options one after the other; `||` within one is told apart from that between two."""

    def shown(options: Mapping[str, Any]) -> str:
        return "||".join(options[name].replace("\\", "\\\\").replace("|", "\\|") for name in names)

    return shown


def _shown_server(options: Mapping[str, Any]) -> str:
    return " ".join(options[name] for name in ("type", "name", "attribute") if name in options)


PLACES: Dict[str, Kind] = {
    "global_node": Kind({"global": _global_name, "subscripts": _texts}, {}, _shown_global),
    "file": Kind(
        {"path": _path, "format": _one_of(FILE_FORMATS), "key": _key},
        {"section": _text, "encoding": _text, "reload": _command, "in_force": _command},
        _shown_file,
    ),
    "liberty": Kind({"type": _one_of(LIBERTY_TYPES), "name": _text}, {}, _shown_server),
    "websphere": Kind({"type": _one_of(WEBSPHERE_TYPES), "name": _text}, {"attribute": _text}, _shown_server),
    "production_setting": Kind(
        {"production": _text, "item": _text, "target": _one_of(TARGETS), "setting": _text}, {},
        _joined("production", "item", "target", "setting"),
    ),
    "default_setting": Kind(
        {"production": _text, "item": _text, "host_class": _text, "setting": _text}, {},
        _joined("production", "item", "host_class", "setting"),
    ),
    "command": Kind({"command": _program}, {}, _shown_command),
}
#: what tells how much is still to be sent
QUEUES: Dict[str, Kind] = {
    "command": PLACES["command"],
    "global_node": PLACES["global_node"],
    "interoperability_queue": Kind({"item": _text}, {}, _joined("item")),
}
#: every option of a place, whatever its kind
OPTIONS: Tuple[str, ...] = tuple(
    sorted({name for kind in (*PLACES.values(), *QUEUES.values()) for name in (*kind.required, *kind.optional)})
)


def read_options(kinds: Mapping[str, Kind], kind: str, given: Mapping[str, Any], place: str) -> Dict[str, Any]:
    """The options of a place in their normal form, for one of `kinds`.

    `place` goes before the names of options in messages. Raises InvalidInput naming an option that is missing,
    is not of this kind, or is wrong.
    """
    if kind not in kinds:
        raise InvalidInput("there is no place %r here" % kind, place + ".place", "use " + ", ".join(sorted(kinds)))
    found = kinds[kind]
    checks = {**found.required, **found.optional}
    options = {name: value for name, value in given.items() if value is not None}
    for name in options:
        if name not in checks:
            cure = "take it out; %s has %s" % (kind, ", ".join(checks))
            raise InvalidInput("a place of kind %s has no option %r" % (kind, name), "%s.%s" % (place, name), cure)
    for name in found.required:
        if name not in options:
            raise InvalidInput("%s is missing" % name, place, "a place of kind %s needs it" % kind)
    named = [name for name in checks if name in options]
    normal = {name: _checked(checks[name], options[name], "%s.%s" % (place, name)) for name in named}
    _check_together(kind, normal, place)
    return normal


def shown(kinds: Mapping[str, Kind], kind: str, options: Mapping[str, Any]) -> str:
    """A place as people read it, the same for the same place only: ``global_node ^CFISCFG(interface,CATS,port)``."""
    return "%s %s" % (kind, kinds[kind].shown(options))


def _checked(check: Check, value: Any, place: str) -> Any:
    try:
        return check(value)
    except ValueError as error:
        said = value if isinstance(value, str) else repr(value)
        raise InvalidInput("%s: %s" % (said, error), place, "correct it") from error


def _check_together(kind: str, options: Mapping[str, Any], place: str) -> None:
    if kind == "file":
        _check_file(options, place)
    elif kind == "websphere" or (kind == "liberty" and not _PATH_IN_XML.match(options["name"])):
        _check_name(options, place)
    elif kind == "liberty" and options["type"] != "server_xml":
        message = "%s is a path in server.xml" % options["name"]
        raise InvalidInput(message, place + ".name", "give a name, or type server_xml")


def _check_name(options: Mapping[str, Any], place: str) -> None:
    """Hold it against what a release may name of a server's configuration."""
    kind = options["type"] if options["type"] in TYPES else VARIABLE
    entry = {"type": kind, "name": options["name"], "attribute": options.get("attribute"), "value": "${…}"}
    try:
        settings_of([entry], {})
    except InvalidInput as error:
        raise InvalidInput(error.message, place, "correct type, name or attribute") from error


def _check_file(options: Mapping[str, Any], place: str) -> None:
    form, key = options["format"], options["key"]
    if (form == "ini") != ("section" in options):
        raise InvalidInput("a section is an ini file's", place + ".section", "give one with format ini, only")
    if (form in ("json", "yaml")) != isinstance(key, list):
        what = "a list of names and numbers" if form in ("json", "yaml") else "one text"
        raise InvalidInput("the key of a file of format %s is %s" % (form, what), place + ".key", "correct it")
    if form == "services" and not _SERVICE.match(key):
        raise InvalidInput("%r is no entry of a services file" % key, place + ".key", "write name/tcp or name/udp")
