# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration changes that a release names: what is wanted of a server, what is there, what differs."""

from __future__ import annotations

import re
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._core.audit import digest_of
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

VARIABLE, PROPERTY, OPTION = "variable", "jvm_property", "jvm_option"
FRAGMENT, LIBRARY, RESOURCE = "fragment", "library", "resource"
TYPES = (VARIABLE, PROPERTY, OPTION, FRAGMENT, LIBRARY, RESOURCE)
WITH_FILE = (FRAGMENT, LIBRARY)
OF_JVM = (PROPERTY, OPTION)
_PLACE = "configuration of the release"
_NAMES = {
    VARIABLE: re.compile(r"\A[A-Za-z_][A-Za-z0-9_.-]{0,199}\Z"),
    PROPERTY: re.compile(r"\A[A-Za-z_][A-Za-z0-9_.-]{0,199}\Z"),
    FRAGMENT: re.compile(r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z"),
    LIBRARY: re.compile(r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z"),
    RESOURCE: re.compile(r"\A[A-Za-z0-9]+:[^\x00-\x1f\x7f:]{1,200}\Z"),
}
_OPTION = re.compile(r"\A-[^\x00-\x1f\x7f]{1,2000}\Z")
_VALUE = re.compile(r"\A[^\x00-\x1f\x7f]{0,4096}\Z")
_SIZED = re.compile(r"\A(-X[A-Za-z]+?)[0-9]+[kKmMgGtT]?\Z")
_SWITCH = re.compile(r"\A-XX:[+-]?([A-Za-z0-9]+)(?:=.*)?\Z", re.DOTALL)
_SECRET = re.compile(r"(?:password|passwd|passphrase|secret)\Z", re.IGNORECASE)
_ENCODED = re.compile(r"\A\{(?:aes|hash|xor)[^}]*\}|\A\$\{[^}]+\}\Z")


class Setting(NamedTuple):
    """One thing of a server's configuration.

    `value` is text, for a fragment or library the SHA-256 of its file; None: it is not set, or not to be set.
    `attribute`: of a resource, which of its attributes.
    """

    type: str
    name: str
    value: Optional[str]
    file: str = ""
    attribute: str = ""

    @property
    def key(self) -> str:
        """What makes two settings the same one."""
        return " ".join(part for part in (self.type, self.name, self.attribute) if part)


class Observed(NamedTuple):
    """Values by key as they stand, None where not set; `pending`: why what stands is not yet in force."""

    values: Mapping[str, Optional[str]]
    pending: str = ""


def settings_of(entries: Iterable[Mapping[str, Any]], inventory: Mapping[str, Any]) -> List[Setting]:
    """The settings that a release's entries ask for.

    An entry is {type, name, value | from_inventory | option | file and sha256, attribute, state}; `inventory`
    holds the values by the names that `from_inventory` gives. Raises InvalidInput naming the entry.
    """
    found: Dict[str, Setting] = {}
    for entry in entries:
        given = {key: value for key, value in entry.items() if value is not None}
        setting = _setting(given, inventory)
        if setting.key in found:
            raise InvalidInput("%s is named twice" % setting.key, _PLACE, "keep one of them")
        found[setting.key] = setting
    return list(found.values())


def _setting(entry: Mapping[str, Any], inventory: Mapping[str, Any]) -> Setting:
    kind = entry["type"]
    if kind == OPTION:
        return _option(entry)
    name = str(entry.get("name", ""))
    if kind not in _NAMES or not _NAMES[kind].match(name):
        raise InvalidInput("not the name of a %s: %r" % (kind, name), _PLACE, "see docs/documents.md")
    attribute = str(entry.get("attribute", ""))
    if (kind == RESOURCE) != bool(attribute):
        raise InvalidInput("%s %s: an attribute is a resource's" % (kind, name), _PLACE, "see docs/documents.md")
    if _SECRET.search(attribute):
        cure = "take it out of the release: the administrator keeps it, here it would come into ledger and diff"
        raise InvalidInput("%s %s: its %s is a secret" % (kind, name, attribute), _PLACE, cure)
    if entry.get("state", "present") == "absent":
        return Setting(kind, name, None, "", attribute)
    if kind in WITH_FILE:
        return Setting(kind, name, str(entry.get("sha256", "")), str(entry.get("file", "")))
    return Setting(kind, name, _value(kind, name, entry, inventory), "", attribute)


def _option(entry: Mapping[str, Any]) -> Setting:
    option = str(entry.get("option", ""))
    if not _OPTION.match(option):
        raise InvalidInput("not an option of a JVM: %r" % option, _PLACE, "give one, it begins with -")
    if option.startswith("-D"):
        raise InvalidInput("%s is a property" % option, _PLACE, "name it with type jvm_property")
    absent = entry.get("state", "present") == "absent"
    return Setting(OPTION, option_key(option), None if absent else option)


def _value(kind: str, name: str, entry: Mapping[str, Any], inventory: Mapping[str, Any]) -> str:
    source = entry.get("from_inventory")
    if (source is None) == ("value" not in entry):
        raise InvalidInput("%s %s: neither value nor from_inventory, or both" % (kind, name), _PLACE, "give one")
    if source is not None and source not in inventory:
        cure = "set relmgmt_configuration.%s for the application servers" % source
        raise InvalidInput("%s %s: the inventory has no value %r" % (kind, name, source), "relmgmt_configuration", cure)
    value = value_text(entry["value"] if source is None else inventory[source])
    if not _VALUE.match(value):
        raise InvalidInput("%s %s: its value is no single line of text" % (kind, name), _PLACE, "correct it")
    if _SECRET.search(name) and not _ENCODED.match(value):
        cure = "keep it on the server (server.env, variables/) and name it as ${…}, or encode it with securityUtility"
        raise InvalidInput("%s %s: a secret in plain text" % (kind, name), _PLACE, cure)
    return value


def value_text(value: Any) -> str:
    """A value of a YAML document as configuration files have it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def option_key(option: str) -> str:
    """What two JVM options have in common of which the later one wins: -Xmx512m and -Xmx1g, -XX:+A and -XX:-A."""
    sized, switch = _SIZED.match(option), _SWITCH.match(option)
    if sized:
        return sized.group(1)
    return "-XX:%s" % switch.group(1) if switch else option


def differing(settings: Sequence[Setting], observed: Mapping[str, Optional[str]]) -> List[Setting]:
    """The settings whose observed value is another one."""
    return [setting for setting in settings if observed[setting.key] != setting.value]


def as_observed(settings: Sequence[Setting], observed: Mapping[str, Optional[str]]) -> List[Setting]:
    """The same settings with the values that stand: what brings back what was before."""
    found = []
    for setting in settings:
        value = observed[setting.key]
        if setting.type in WITH_FILE:
            value = value or None  # one whose file is gone was in force no more
        found.append(setting._replace(value=value, file=""))
    return found


def entries_digest(entries: Iterable[Mapping[str, Any]]) -> str:
    """What a release's configuration is approved by: 64 hexadecimal digits over its entries."""
    return digest_of([{key: value for key, value in entry.items() if value is not None} for entry in entries])


def value_digests(settings: Sequence[Setting], values: Mapping[str, Optional[str]]) -> Dict[str, str]:
    """A digest of every value by key: what the ledger remembers of them."""
    return {setting.key: digest_of(values[setting.key]) for setting in settings}


def listing(settings: Sequence[Setting], values: Mapping[str, Optional[str]]) -> str:
    """Values as text, for a diff; what is not set has no line."""
    lines = []
    for setting in sorted(settings, key=lambda one: one.key):
        value = values[setting.key]
        if value is not None:
            said = "sha256 %s" % value if setting.type in WITH_FILE else value
            lines.append("%s: %s\n" % (setting.key, said))
    return "".join(lines)
