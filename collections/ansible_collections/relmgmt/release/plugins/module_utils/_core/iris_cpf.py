# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration parameter file of a Caché or IRIS instance: databases, namespaces, mappings (FACTS 1.3)."""

from __future__ import annotations

import re
from typing import Dict, List, Mapping, NamedTuple, Set, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown, InvalidInput

COMMENTS = (";", "#", "//")
BLOCK_COMMENT = re.compile(r"/\*.*?\*/", re.S)
#: databases of the product itself: not the application's, and not to be replaced while it runs
SYSTEM = frozenset([
    "IRISSYS", "IRISSECURITY", "IRISLIB", "IRISTEMP", "IRISLOCALDATA", "IRISAUDIT", "IRISMETRICS",
    "CACHESYS", "CACHELIB", "CACHETEMP", "CACHE", "CACHEAUDIT", "DOCBOOK", "ENSLIB", "HSLIB", "HSSYS",
])


class Database(NamedTuple):
    """A database: its directory, with a slash at its end; ``server`` where another machine holds it."""

    name: str
    directory: str
    server: str


class Configuration(NamedTuple):
    """``namespaces``: the names of the databases of each, those of its mappings included."""

    databases: Mapping[str, Database]
    namespaces: Mapping[str, Tuple[str, ...]]

    def namespaces_of(self, database: str) -> Tuple[str, ...]:
        """The namespaces that something of this database belongs to."""
        return tuple(sorted(name for name, held in self.namespaces.items() if database in held))

    def chosen(self, wanted: List[str], namespace: str, place: str) -> List[Database]:
        """The databases that were asked for; without a wish those of the namespace that are its own.

        Raises InvalidInput for a name that is not configured, is the product's own, or lies
        on another machine.
        """
        names = wanted or [name for name in self._of(namespace, place) if name not in SYSTEM]
        found = [self._database(name, place) for name in names]
        remote = [f"{one.name} (on {one.server})" for one in found if one.server]
        if remote:
            raise InvalidInput(
                f"databases on another machine: {', '.join(remote)}", place=place,
                cure="give iris.databases without them, and an instance of the inventory for that machine",
            )
        if not found:
            raise InvalidInput(
                f"namespace {namespace} has no database of its own", place=place, cure="name them in iris.databases",
            )
        return sorted(found)

    def _of(self, namespace: str, place: str) -> Tuple[str, ...]:
        if namespace.upper() not in self.namespaces:
            raise InvalidInput(
                f"there is no namespace {namespace}", place=place, cure="correct iris.namespace in the inventory",
            )
        return self.namespaces[namespace.upper()]

    def _database(self, name: str, place: str) -> Database:
        if name.upper() in SYSTEM:
            raise InvalidInput(
                f"{name} belongs to the product and can only be replaced while the instance is down",
                place=place, cure="take it out of iris.databases",
            )
        if name.upper() not in self.databases:
            raise InvalidInput(f"there is no database {name}", place=place, cure="correct iris.databases")
        return self.databases[name.upper()]


def parse(text: str, place: str) -> Configuration:
    """A CPF. Raises HostStateUnknown for a file that is none."""
    sections = _sections(BLOCK_COMMENT.sub("", text))
    if not sections.get("databases") or not sections.get("namespaces"):
        raise HostStateUnknown(
            "the configuration file names no databases or no namespaces", place=place,
            cure="see whether it is the CPF that the instance runs with",
        )
    databases = {name.upper(): _database(name.upper(), value) for name, value in sections["databases"]}
    namespaces: Dict[str, Set[str]] = {}
    for name, value in sections["namespaces"]:
        namespaces[name.upper()] = {one.strip().upper() for one in value.split(",")[:2] if one.strip()}
    for section, entries in sections.items():
        if section.startswith("map."):
            # %ALL is no namespace but the mappings of every one.
            held = namespaces.get(section[4:].upper(), set())
            held.update(value.split(",")[0].strip().upper() for _key, value in entries if value.strip())
    return Configuration(databases, {name: tuple(sorted(held)) for name, held in namespaces.items()})


def _sections(text: str) -> "Dict[str, List[Tuple[str, str]]]":
    sections: Dict[str, List[Tuple[str, str]]] = {}
    entries: List[Tuple[str, str]] = []
    for line in map(str.strip, text.splitlines()):
        if not line or line.startswith(COMMENTS):
            continue
        if line.startswith("[") and line.endswith("]"):
            entries = sections.setdefault(line[1:-1].strip().lower(), [])
            continue
        key, _equals, value = line.partition("=")
        entries.append((key.strip(), value.strip()))
    return sections


def _database(name: str, value: str) -> Database:
    # Behind the directory: nothing, flags such as `,1,,,`, or the name of an ECP server.
    directory, _comma, rest = value.partition(",")
    second = rest.split(",")[0].strip()
    return Database(name, directory.rstrip("/") + "/", "" if second.isdigit() else second)
