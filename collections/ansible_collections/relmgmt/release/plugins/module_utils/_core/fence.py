# SPDX-License-Identifier: GPL-3.0-or-later
"""The fence of test mode: which packets it stops, as an nftables table, and whether a table that was read is it.

What stops a packet, by the interface's direction:

    outbound   to address:port    output, output again behind address translation, forward: tcp is reset, udp dropped
               from address:port  input, forward: dropped
    inbound    to our port        input, and forward where we have an address: tcp is reset, udp dropped
               from our port      output, and forward where we have an address: the same

A reset ends the sender's socket at once: data that waited in it are never sent again, also not when the fence is gone.
Resets themselves, which carry no data, pass on the way back to whoever is told by them. The chains come before
connection tracking (priority -300), so connections that were established before are stopped too. Nothing else is in
the table, and no packet is ever accepted by it that another table would drop.
"""

from __future__ import annotations

import ipaddress
import json
import re
from typing import Any, Collection, Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import EVERY_HOST
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

FAMILY = "inet"
#: A table of this prefix is ours alone: putting the fence up replaces the whole table of its name.
PREFIX = "relmgmt_"
OUTBOUND, INBOUND = "outbound", "inbound"
_TABLE = re.compile(r"%s[a-z0-9_]{1,50}\Z" % PREFIX)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")  # it is a comment in the table, so no quotes
_ANY = ("0.0.0.0", "::")  # noqa: S104 - nothing listens
_RAW, _LAST = -300, 300
_PRIORITIES = {"raw": _RAW}
_PROTOCOL_NUMBERS = {6: "tcp", 17: "udp", 2: "ipv4", 10: "ipv6"}
_IMPLIED = {"tcp": "tcp", "udp": "udp", "ip": "ipv4", "ip6": "ipv6"}


class Rule(NamedTuple):
    """One production endpoint that is shut off, at one address; an empty ``address`` is every address of ours."""

    interface: str
    direction: str
    protocol: str
    address: str
    port: int


class _Chain(NamedTuple):
    name: str
    hook: str
    priority: int


class _Statement(NamedTuple):
    """One rule of the table. ``matches``: (protocol, field, value), all of which a packet has to be."""

    chain: str
    comment: str
    matches: Tuple[Tuple[str, str, str], ...]
    verdict: str


_CHAINS = (
    _Chain("input", "input", _RAW),
    _Chain("forward", "forward", _RAW),
    _Chain("output", "output", _RAW),
    _Chain("translated", "output", _LAST),  # a local packet whose destination another table has translated
)
_NO_RESET = ("tcp", "flags", "! rst")
_RESET, _DROP = "reject with tcp reset", "drop"


# -- what is wanted ------------------------------------------------------------------------------


def rules_for(interfaces: Iterable[Any], resolved: Mapping[str, Sequence[str]]) -> List[Rule]:
    """The rules that shut every production endpoint off, sorted.

    `interfaces`: of `_core/interfaces.py`. `resolved`: host -> addresses of both versions; an endpoint's own
    ``addresses`` win. Raises InvalidInput for a production host without an address, and for a test endpoint that is,
    resolved, a production endpoint of any interface.
    """
    listed = list(interfaces)
    found = {
        Rule(one.name, one.direction, one.protocol, address, one.production.port)
        for one in listed for address in _addresses(one, resolved)
    }
    _check_tests(listed, found, resolved)
    return sorted(found)


def concerned(interfaces: Iterable[Any], here: Collection[str]) -> List[Any]:
    """The interfaces that a host of these names has to shut off.

    All but the inbound ones that listen at every address of a host that holds none of their settings: there the port
    may be another service's. An empty `here` leaves none out.
    """
    return [one for one in interfaces
            if not here or one.direction == OUTBOUND or not _listens_everywhere(one.production)
            or any(setting.on in (*here, EVERY_HOST) for setting in one.settings)]


def moved(interface: Any, resolved: Mapping[str, Sequence[str]], rules: Iterable[Rule]) -> List[Rule]:
    """The rules that shut the interface off where its production host is by now, and `rules` do not."""
    shut = set(rules)
    found = [Rule(interface.name, interface.direction, interface.protocol, address, interface.production.port)
             for address in _addresses(interface, resolved)]
    return [one for one in found if one not in shut and one._replace(address="") not in shut]


def rules_in(document: Optional[Mapping[str, Any]]) -> List[Rule]:
    """The rules that the ledger's document ``fence`` says; none without one."""
    known = document["rules"] if document else ()
    return [Rule(**one) if isinstance(one, Mapping) else Rule(*one) for one in known]


def as_lines(rules: Iterable[Rule]) -> str:
    """The rules as lines for people, the two sides of a diff."""
    return "".join(
        "%s %s %s %s port %d\n" % (one.interface, one.direction, one.protocol, one.address or "any address", one.port)
        for one in sorted(rules)
    )


def script(table: str, rules: Sequence[Rule]) -> str:
    """The nft script that puts exactly this table in the place of any of its name, in one transaction."""
    check_table(table)
    lines = ["add table %s %s" % (FAMILY, table), "delete table %s %s" % (FAMILY, table),
             "table %s %s {" % (FAMILY, table)]
    wanted = _by_chain(rules)
    for chain in _CHAINS:
        lines += ["  chain %s {" % chain.name,
                  "    type filter hook %s priority %d; policy accept;" % (chain.hook, chain.priority),
                  *("    " + _text(statement) for statement in wanted[chain.name]), "  }"]
    return "\n".join([*lines, "}", ""])


def removal(table: str) -> str:
    """The nft script after which no table of this name is there, whether or not one was."""
    check_table(table)
    return "add table {0} {1}\ndelete table {0} {1}\n".format(FAMILY, table)


def check_table(table: str) -> None:
    """Raise InvalidInput unless the name is one that nobody else's table has."""
    if not _TABLE.match(table):
        raise InvalidInput(
            "%r is no name for the fence's table" % table, "relmgmt_fence.table",
            "begin it with %s, then small letters, digits and _: the table of this name is replaced" % PREFIX,
        )


def plain_address(text: str) -> str:
    """An address as the table shows it: an IPv4 address inside an IPv6 one as itself, without a zone.

    Raises ValueError if it is none.
    """
    address = ipaddress.ip_address(text.partition("%")[0])
    return str(getattr(address, "ipv4_mapped", None) or address)


def _addresses(interface: Any, resolved: Mapping[str, Sequence[str]]) -> List[str]:
    place = "interface %s" % interface.name
    if not _NAME.match(interface.name):
        raise InvalidInput("%r is no name of an interface" % interface.name, place, "use letters, digits and _ . -")
    found = _known(interface.production, resolved)
    if not found:
        raise InvalidInput(
            "%s has no address" % interface.production.host, "%s.production" % place,
            "make the name known on this host, or list its addresses",
        )
    is_any = bool(found & set(_ANY))
    if is_any and interface.direction == OUTBOUND:
        raise InvalidInput("an outbound interface needs the other side's address", "%s.production" % place,
                           "give its host")
    return [""] if is_any else sorted(found)


def _listens_everywhere(endpoint: Any) -> bool:
    return bool(set(endpoint.addresses or [endpoint.host]) & set(_ANY))


def _known(endpoint: Any, resolved: Mapping[str, Sequence[str]]) -> Set[str]:
    given = endpoint.addresses or resolved.get(endpoint.host, ())
    try:
        return {plain_address(one) for one in given}
    except ValueError as error:
        raise InvalidInput(str(error), endpoint.host, "give IPv4 or IPv6 addresses") from error


def _check_tests(interfaces: Sequence[Any], rules: Set[Rule], resolved: Mapping[str, Sequence[str]]) -> None:
    for one in interfaces:
        for rule in sorted(rules):
            if (rule.direction, rule.protocol, rule.port) != (one.direction, one.protocol, one.test.port):
                continue
            if not rule.address or _known(one.test, resolved) & {rule.address, *_ANY}:
                raise InvalidInput(
                    "its test endpoint %s:%d is at %s, a production endpoint of %s"
                    % (one.test.host, one.test.port, rule.address or "every address", rule.interface),
                    "interface %s.test" % one.name, "give a test system of its own",
                )


# -- the statements of the table -----------------------------------------------------------------


def _by_chain(rules: Sequence[Rule]) -> Dict[str, List[_Statement]]:
    found: Dict[str, List[_Statement]] = {chain.name: [] for chain in _CHAINS}
    for rule in sorted(set(rules)):
        for statement in _outbound(rule) if rule.direction == OUTBOUND else _inbound(rule):
            found[statement.chain].append(statement)
    return found


def _outbound(rule: Rule) -> List[_Statement]:
    there, back = _matches(rule, "d"), _matches(rule, "s")
    return [
        *(_Statement(chain, rule.interface, there, _stop(rule)) for chain in ("output", "translated", "forward")),
        # The reset that tells a local sender comes back through input, as if from the other side.
        _Statement("input", rule.interface, (*back, *_but_resets(rule)), _DROP),
        _Statement("forward", rule.interface, back, _DROP),
    ]


def _inbound(rule: Rule) -> List[_Statement]:
    there, back = (*_matches(rule, "d"), *_but_resets(rule)), (*_matches(rule, "s"), *_but_resets(rule))
    chains = [("input", there), ("output", back)]
    if rule.address:
        chains += [("forward", there), ("forward", back)]
    return [_Statement(chain, rule.interface, matches, _stop(rule)) for chain, matches in chains]


def _matches(rule: Rule, side: str) -> Tuple[Tuple[str, str, str], ...]:
    port = (rule.protocol, side + "port", str(rule.port))
    if not rule.address:
        return (port,)
    version = "ip6" if ":" in rule.address else "ip"
    return (version, side + "addr", rule.address), port


def _but_resets(rule: Rule) -> Tuple[Tuple[str, str, str], ...]:
    return (_NO_RESET,) if rule.protocol == "tcp" else ()


def _stop(rule: Rule) -> str:
    return _RESET if rule.protocol == "tcp" else _DROP


def _text(statement: _Statement) -> str:
    # `tcp flags ! rst` is how it is read back; older programs know only the long form.
    matches = ("tcp flags & rst == 0" if one == _NO_RESET else " ".join(one) for one in statement.matches)
    return '%s counter %s comment "%s"' % (" ".join(matches), statement.verdict, statement.comment)


# -- what stands ---------------------------------------------------------------------------------


def differences(listing: Any, table: str, rules: Sequence[Rule]) -> List[str]:
    """What is not as wanted in a table that was read, for people; an empty list: the fence stands.

    `listing`: what ``nft -j list table inet NAME`` printed, parsed; None if there is no such table. Counters and
    handles do not matter. Whatever is not understood is a difference.
    """
    objects = _objects(listing)
    told = [line for one in objects for line in _foreign(one, table)]
    ours = [one for one in objects if not _foreign(one, table)]
    if not told and not any("table" in one for one in ours):
        return ["the table %s %s is not there" % (FAMILY, table)]
    chains = {str(one["chain"].get("name")): one["chain"] for one in ours if "chain" in one}
    found: Dict[str, List[_Statement]] = {}
    for one in ours:
        if "rule" in one:
            found.setdefault(str(one["rule"].get("chain")), []).append(_statement(one["rule"]))
    wanted = _by_chain(rules)
    told += [line for chain in _CHAINS for line in _chain_differences(chain, chains.get(chain.name))]
    told += ["there is a chain that is not ours: %s" % name for name in sorted(set(chains) - set(wanted))]
    told += [line for name in wanted for line in _rule_differences(name, wanted[name], found.get(name, []))]
    return told


def stopped(listing: Any) -> Dict[str, int]:
    """How many packets the table that was read has stopped since it was put up, by interface."""
    counts: Dict[str, int] = {}
    for one in _objects(listing):
        rule = one.get("rule", {})
        for expression in rule.get("expr", ()):
            if rule.get("comment") and isinstance(expression.get("counter"), dict):
                name = str(rule["comment"])
                counts[name] = counts.get(name, 0) + int(expression["counter"].get("packets", 0))
    return counts


def _objects(listing: Any) -> List[Dict[str, Any]]:
    if listing is None:
        return []
    if not isinstance(listing, dict) or not isinstance(listing.get("nftables"), list):
        return [{"not understood": listing}]
    return [one for one in listing["nftables"] if "metainfo" not in one]


def _foreign(one: Dict[str, Any], table: str) -> List[str]:
    """What is neither our table, nor a chain or rule in it."""
    kind, value = next(iter(one.items()))
    if kind not in ("table", "chain", "rule") or not isinstance(value, dict):
        return ["there is something that is not ours: %s" % _shown(one)]
    if value.get("family") != FAMILY or value.get("name" if kind == "table" else "table") != table:
        return ["it belongs to another table: %s" % _shown(one)]
    if kind == "table" and "flags" in value:
        # Programs before 1.0.7 print another text here, but print it only where there is a flag.
        return ["the table is switched off or not ours, it has flags (dormant): it stops nothing"]
    return []


def _chain_differences(wanted: _Chain, found: Optional[Mapping[str, Any]]) -> List[str]:
    if found is None:
        return ["the chain %s is not there" % wanted.name]
    priority = found.get("prio")
    seen = {"type": found.get("type"), "hook": found.get("hook"), "policy": found.get("policy"),
            "priority": _PRIORITIES.get(str(priority), priority)}
    should = {"type": "filter", "hook": wanted.hook, "policy": "accept", "priority": wanted.priority}
    return ["the chain %s has %s %s, not %s" % (wanted.name, key, seen[key], should[key])
            for key in should if seen[key] != should[key]]


def _rule_differences(chain: str, wanted: List[_Statement], found: List[_Statement]) -> List[str]:
    lost, foreign = list(wanted), []
    for one in found:
        if one in lost:
            lost.remove(one)
        else:
            foreign.append(one)
    told = ["the chain %s lacks: %s" % (chain, _text(one)) for one in lost]
    told += ["the chain %s has what is not ours: %s" % (chain, _text(one)) for one in foreign]
    if not told and wanted != found:
        told.append("the rules of the chain %s are in another order" % chain)
    return told


def _statement(rule: Mapping[str, Any]) -> _Statement:
    matches: List[Tuple[str, str, str]] = []
    verdicts: List[str] = []
    for expression in rule.get("expr", ()):
        if "match" in expression:
            matches.append(_match(expression["match"]))
        elif "counter" not in expression:
            verdicts.append(_verdict(expression))
    protocols = {_IMPLIED[one[0]] for one in matches if one[0] in _IMPLIED}
    told = tuple(one for one in matches if not (one[0] == "meta" and one[2] in protocols))
    return _Statement(str(rule.get("chain")), str(rule.get("comment", "")), told, ", ".join(verdicts))


def _match(match: Mapping[str, Any]) -> Tuple[str, str, str]:
    left, right = match.get("left"), match.get("right")
    payload = left.get("payload") if isinstance(left, dict) else None
    if _spares_resets(match):
        return _NO_RESET
    if match.get("op") == "==" and isinstance(payload, dict) and isinstance(right, (str, int)):
        protocol, field = str(payload.get("protocol")), str(payload.get("field"))
        return protocol, field, _value(field, right)
    if match.get("op") == "==" and left in ({"meta": {"key": "l4proto"}}, {"meta": {"key": "nfproto"}}):
        name = _PROTOCOL_NUMBERS.get(right, str(right)) if isinstance(right, int) else str(right)
        return "meta", "protocol", name
    return "other", "match", _shown(match)


def _spares_resets(match: Mapping[str, Any]) -> bool:
    """Both forms in which programs print ``tcp flags & rst == 0``."""
    left, right = match.get("left"), match.get("right")
    flags = {"payload": {"protocol": "tcp", "field": "flags"}}
    if left == flags:
        return match.get("op") == "!" and right in ("rst", 4)
    masked = left.get("&") if isinstance(left, dict) else None
    return masked in ([flags, "rst"], [flags, 4]) and match.get("op") == "==" and right in (0, "0x0")


def _value(field: str, value: Any) -> str:
    if field.endswith("addr") and isinstance(value, str):
        try:
            return plain_address(value)
        except ValueError:
            pass
    return str(value)


def _verdict(expression: Mapping[str, Any]) -> str:
    if expression == {"drop": None}:
        return _DROP
    if expression == {"reject": {"type": "tcp reset"}}:
        return _RESET
    return _shown(expression)


def _shown(value: Any) -> str:
    return json.dumps(value, sort_keys=True)[:300]
