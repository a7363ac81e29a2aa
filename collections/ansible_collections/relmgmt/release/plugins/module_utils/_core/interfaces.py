# SPDX-License-Identifier: GPL-3.0-or-later
"""External interfaces as the inventory lists them: endpoints of both modes, and the places of their settings."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Collection, Dict, FrozenSet, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.place_options import (
    PLACES,
    QUEUES,
    read_options,
    shown,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

OUTBOUND, INBOUND = "outbound", "inbound"
PROTOCOLS = ("tcp", "udp")
PRODUCTION, TEST, OTHER, ABSENT = "production", "test", "other", "absent"
EVERY_HOST = "all"  # Ansible's own group, which is in no host's group_names
DEFAULT_VALUE = "{port}"
INVENTORY = "relmgmt_interfaces"
#: the option that names a group or host; the second spelling has to be quoted in YAML
HOSTS = ("hosts", "on")
_FIELDS = ("name", "direction", "protocol", "production", "test", "settings", "queue")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")
_HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*\.?\Z")
_ON = re.compile(r"[^\s\x00-\x1f\x7f]+\Z")
_PART = re.compile(r"\{(host|port)\}")
_VALUE = re.compile(r"[^\x00-\x1f\x7f]{1,4096}\Z")
_ANY = "*"


class Endpoint(NamedTuple):
    """Where an interface's packets go to; of an inbound interface, where we listen.

    `addresses`: what `host` stands for, instead of resolving it.
    """

    host: str
    port: int
    addresses: Tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """As people write it: ``cats.example.org:5100``, ``[::1]:5100``."""
        return "%s:%d" % ("[%s]" % self.host if ":" in self.host else self.host, self.port)


class SettingPlace(NamedTuple):
    """One setting of an interface: where it lives, and its value in either mode."""

    interface: str
    on: str
    kind: str
    options: Mapping[str, Any]
    production: str
    test: str

    @property
    def where(self) -> str:
        """The place alone; two settings that share it would overwrite each other."""
        return shown({**QUEUES, **PLACES}, self.kind, self.options)

    @property
    def key(self) -> str:
        """Unique text, stable over runs: ``CATS global_node ^CFISCFG(interface,CATS,port)``."""
        return "%s %s" % (self.interface, self.where)


class Queue(NamedTuple):
    """Where it says how much an interface has still to send."""

    interface: str
    on: str
    kind: str
    options: Mapping[str, Any]


class Interface(NamedTuple):
    """One external interface."""

    name: str
    direction: str
    protocol: str
    production: Endpoint
    test: Endpoint
    settings: Tuple[SettingPlace, ...]
    queue: Optional[Queue]


def interfaces_of(documents: Sequence[Mapping[str, Any]]) -> List[Interface]:
    """The interfaces of the inventory's list.

    Raises InvalidInput naming interface and option. Besides what is wrong by itself that is: a name or a place that
    is there twice, a test endpoint that is a production endpoint of any interface, and a setting whose value is the
    same in both modes.
    """
    if not isinstance(documents, (list, tuple)):
        raise InvalidInput("it is no list", INVENTORY, "list the interfaces there")
    found = [_interface(document, number) for number, document in enumerate(documents, 1)]
    _check_names(found)
    _check_endpoints(found)
    _check_values(found)
    _check_places(found)
    return found


def require_apart(interfaces: Sequence[Interface], resolved: Mapping[str, Sequence[str]]) -> None:
    """Raise InvalidInput where a test endpoint is a production endpoint under another name.

    `resolved`: addresses by host name, as this host resolves them.
    """
    _check_endpoints([
        one._replace(production=_resolved(one.production, resolved), test=_resolved(one.test, resolved))
        for one in interfaces
    ])


def settings_here(interfaces: Sequence[Interface], names: Collection[str]) -> List[SettingPlace]:
    """The settings that the host of these names (its own and its groups') holds, each once.

    Raises InvalidInput where two groups of the host want different things of one place.
    """
    found: Dict[str, SettingPlace] = {}
    for setting in (one for interface in interfaces for one in interface.settings if _is_here(one.on, names)):
        other = found.setdefault(setting.where, setting)
        if other._replace(on=setting.on) != setting:
            raise _shared(other, setting)
    return list(found.values())


def queues_here(interfaces: Sequence[Interface], names: Collection[str]) -> List[Queue]:
    """The queues that the host of these names can be asked about."""
    return [one for one in _queues(interfaces) if _is_here(one.on, names)]


def unknown_hosts(interfaces: Sequence[Interface], names: Collection[str]) -> List[str]:
    """The groups and hosts that settings and queues name and the inventory (`names`: all of both) does not have.

    Nobody would hold such a setting: it would never be switched, and nobody would tell.
    """
    settings = {one.on for interface in interfaces for one in interface.settings}
    queues = {one.on for one in _queues(interfaces)}
    return sorted(on for on in settings | queues if not _is_here(on, names))


def meaning(setting: SettingPlace, value: Optional[str]) -> str:
    """What a value that was read says: PRODUCTION, TEST, OTHER or ABSENT."""
    if value is None:
        return ABSENT
    return {setting.production: PRODUCTION, setting.test: TEST}.get(value, OTHER)


def _queues(interfaces: Sequence[Interface]) -> List[Queue]:
    return [one.queue for one in interfaces if one.queue is not None]


def _is_here(on: str, names: Collection[str]) -> bool:
    return on == EVERY_HOST or on in names


# -- one interface -------------------------------------------------------------------------------


def _interface(document: Any, number: int) -> Interface:
    if not isinstance(document, Mapping):
        raise InvalidInput("entry %d is no mapping" % number, INVENTORY, "write it with name, direction, …")
    name = document.get("name")
    if not isinstance(name, str) or not _NAME.match(name):
        cure = "begin with a letter or digit, then letters, digits, _ . -; at most 64"
        raise InvalidInput("entry %d: %r is no name of an interface" % (number, name), INVENTORY + ".name", cure)
    place = "interface " + name
    _known(document, _FIELDS, place)
    direction = _choice(document, "direction", (OUTBOUND, INBOUND), place)
    protocol = _choice(document, "protocol", PROTOCOLS, place, "tcp")
    production = _endpoint(document, PRODUCTION, direction, place)
    test = _endpoint(document, TEST, direction, place)
    settings = document.get("settings")
    if not isinstance(settings, (list, tuple)) or not settings:
        raise InvalidInput("no setting is listed", place + ".settings", "say where host and port are kept")
    places = tuple(
        _setting(one, name, (production, test), "%s.settings[%d]" % (place, at)) for at, one in enumerate(settings)
    )
    return Interface(name, direction, protocol, production, test, places, _queue(document.get("queue"), name, place))


def _known(document: Mapping[str, Any], fields: Sequence[str], place: str) -> None:
    for field in document:
        if field not in fields:
            raise InvalidInput("there is no option %r" % field, place, "take it out; there are " + ", ".join(fields))


def _choice(
    document: Mapping[str, Any], option: str, choices: Sequence[str], place: str, default: Optional[str] = None
) -> str:
    value = document.get(option)
    if value is None:
        value = default
    if value not in choices:
        what = "%s is missing" % option if value is None else "%r is none" % (value,)
        raise InvalidInput(what, "%s.%s" % (place, option), "use %s" % " or ".join(choices))
    return str(value)


def _endpoint(document: Mapping[str, Any], mode: str, direction: str, place: str) -> Endpoint:
    place = "%s.%s" % (place, mode)
    given = document.get(mode)
    if not isinstance(given, Mapping):
        raise InvalidInput("the %s endpoint is missing" % mode, place, "give host and port")
    _known(given, Endpoint._fields, place)
    host, addresses = given.get("host"), given.get("addresses")
    if not isinstance(host, str) or not (_HOST.match(host) or _is_address(host)):
        raise InvalidInput("%r is no host" % (host,), place + ".host", "give a name or an address, without brackets")
    if addresses is not None and not isinstance(addresses, (list, tuple)):
        raise InvalidInput("it is no list", place + ".addresses", "list addresses")
    for one in addresses or ():
        if not isinstance(one, str) or not _is_address(one):
            raise InvalidInput("%r is no address" % (one,), place + ".addresses", "give IPv4 or IPv6 addresses")
    endpoint = Endpoint(host, _port(given.get("port"), place), tuple(addresses or ()))
    if direction == OUTBOUND and _ANY in _identities(endpoint):
        raise InvalidInput("%s is nobody's address" % host, place, "give the host that is connected to")
    return endpoint


def _port(value: Any, place: str) -> int:
    number = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 6 else value
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= 65535:
        raise InvalidInput("%r is no port" % (value,), place + ".port", "give a number from 1 to 65535")
    return number


def _is_address(text: str) -> bool:
    return _address(text) is not None


def _address(text: str) -> Optional[str]:
    """An address in its one form; of one that carries another IP's address, that one."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)


def _setting(document: Any, interface: str, endpoints: Tuple[Endpoint, Endpoint], place: str) -> SettingPlace:
    on, kind, rest = _place(document, place)
    given = rest.pop("value", None)
    value = DEFAULT_VALUE if given is None else given
    if not isinstance(value, str) or not _VALUE.match(value):
        cure = "write it with {host} or {port}"
        raise InvalidInput("%r is no single line of text" % (value,), place + ".value", cure)
    options = read_options(PLACES, kind, rest, place)
    return SettingPlace(interface, on, kind, options, *(_filled(value, one) for one in endpoints))


def _queue(document: Any, interface: str, place: str) -> Optional[Queue]:
    if document is None:
        return None
    on, kind, rest = _place(document, place + ".queue")
    return Queue(interface, on, kind, read_options(QUEUES, kind, rest, place + ".queue"))


def _place(document: Any, place: str) -> Tuple[str, str, Dict[str, Any]]:
    """Where, which kind, and the rest."""
    if not isinstance(document, Mapping):
        raise InvalidInput("it is no mapping", place, "write it with hosts, place, …")
    rest = dict(document)
    if True in rest or "true" in rest:
        raise InvalidInput("YAML takes `on` for a truth value", place + ".hosts", "write `hosts`")
    names = [name for name in (rest.pop(option, None) for option in HOSTS) if name is not None]
    on = names[0] if names and names[-1] == names[0] else None
    kind = rest.pop("place", None)
    if not isinstance(on, str) or not _ON.match(on):
        cure = "name one group or host, whose hosts hold it"
        raise InvalidInput("%r is no group or host" % (on,), place + ".hosts", cure)
    if not isinstance(kind, str):
        raise InvalidInput("it is missing", place + ".place", "say which kind of place it is")
    return on, kind, rest


def _filled(value: str, endpoint: Endpoint) -> str:
    return _PART.sub(lambda part: endpoint.host if part[1] == "host" else str(endpoint.port), value)


# -- all of them together ------------------------------------------------------------------------


def _check_names(interfaces: Sequence[Interface]) -> None:
    seen: Dict[str, str] = {}
    for one in interfaces:
        other = seen.get(one.name.lower())
        if other is not None:
            message = "interface %s is there twice" % one.name
            raise InvalidInput(message, INVENTORY, "give it another name than %s" % other)
        seen[one.name.lower()] = one.name


def _check_endpoints(interfaces: Sequence[Interface]) -> None:
    for one in interfaces:
        for other in interfaces:
            if _same(one, one.test, other, other.production):
                whose = "its own" if one is other else other.name + "'s"
                message = "its test endpoint %s is %s production endpoint" % (one.test.shown, whose)
                raise InvalidInput(message, "interface %s.test" % one.name, "give the port of a test system")


def _resolved(endpoint: Endpoint, resolved: Mapping[str, Sequence[str]]) -> Endpoint:
    return endpoint._replace(addresses=(*endpoint.addresses, *resolved.get(endpoint.host, ())))


def _check_values(interfaces: Sequence[Interface]) -> None:
    for interface in interfaces:
        for at, setting in enumerate(interface.settings):
            if setting.production == setting.test:
                message = "its value is %r in production and in test mode" % setting.production
                cure = "name what differs ({host}, {port}), or take this setting out"
                raise InvalidInput(message, "interface %s.settings[%d].value" % (interface.name, at), cure)


def _same(one: Interface, end: Endpoint, other: Interface, other_end: Endpoint) -> bool:
    """Whether packets to the one could arrive at the other; what only one of two protocols could do counts too."""
    if end.port != other_end.port:
        return False
    ids, others = _identities(end), _identities(other_end)
    if one.direction == INBOUND and _ANY in ids:
        return other.direction == INBOUND or _is_loopback(others)
    if other.direction == INBOUND and _ANY in others:
        return one.direction == INBOUND or _is_loopback(ids)
    return bool(ids & others)


def _identities(endpoint: Endpoint) -> FrozenSet[str]:
    """What an endpoint's host is known by, ANY for every address of ours."""
    names = {endpoint.host.lower().rstrip("."), *endpoint.addresses}
    if "localhost" in names:
        names |= {"127.0.0.1", "::1"}
    found = {_address(name) or name for name in names}
    return frozenset(_ANY if one in ("0.0.0.0", "::") else one for one in found)  # noqa: S104 - nothing listens


def _is_loopback(identities: FrozenSet[str]) -> bool:
    addresses = [one for one in identities if one != _ANY and _is_address(one)]
    return any(ipaddress.ip_address(one).is_loopback for one in addresses)


def _check_places(interfaces: Sequence[Interface]) -> None:
    seen: Dict[Tuple[str, str], SettingPlace] = {}
    for setting in (one for interface in interfaces for one in interface.settings):
        other = seen.setdefault((setting.on, setting.where), setting)
        if other is not setting:
            raise _shared(other, setting)


def _shared(one: SettingPlace, other: SettingPlace) -> InvalidInput:
    message = "%s holds a setting of %s too" % (other.where, one.interface)
    cure = "keep one of them, or keep the two settings apart"
    return InvalidInput(message, "interface %s.settings" % other.interface, cure)
