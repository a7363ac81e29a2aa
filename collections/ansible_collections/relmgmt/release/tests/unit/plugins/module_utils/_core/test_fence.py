# SPDX-License-Identifier: GPL-3.0-or-later
"""The fence's rules, its table, and what differs from it in a listing that nftables 1.0.6 printed."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.relmgmt.release.plugins.module_utils._core.fence import (
    Rule,
    as_lines,
    concerned,
    differences,
    moved,
    plain_address,
    removal,
    rules_for,
    rules_in,
    script,
    stopped,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import (
    Endpoint,
    Interface,
    SettingPlace,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

TABLE = "relmgmt_fence"
LISTING = json.loads((Path(__file__).parent / "fence_listing.json").read_text())
RULES = [
    Rule("CATS", "outbound", "tcp", "10.77.1.2", 5100),
    Rule("LOG", "outbound", "udp", "fd77:1::2", 514),
    Rule("MEDS", "inbound", "tcp", "", 7000),
    Rule("NEWS", "inbound", "udp", "10.77.1.1", 7002),
]


CATS, CATS_TEST = Endpoint("cats", 5100), Endpoint("cats-test", 5101)


def interface(
    name: str = "CATS", direction: str = "outbound", production: Endpoint = CATS, test: Endpoint = CATS_TEST,
    protocol: str = "tcp",
) -> Interface:
    setting = SettingPlace(name, "databases", "global_node", {}, "1", "2")
    return Interface(name, direction, protocol, production, test, (setting,), None)


# -- rules ---------------------------------------------------------------------------------------


def test_every_address_of_a_production_host_is_shut_off() -> None:
    rules = rules_for([interface()], {"cats": ["10.0.0.2", "10.0.0.1", "FD00:0::1", "::ffff:10.0.0.1"]})
    assert rules == [Rule("CATS", "outbound", "tcp", address, 5100) for address in ("10.0.0.1", "10.0.0.2", "fd00::1")]


def test_addresses_of_the_inventory_win() -> None:
    endpoint = Endpoint("cats", 5100, ("10.9.9.9",))
    assert [rule.address for rule in rules_for([interface(production=endpoint)], {"cats": ["10.0.0.1"]})] \
        == ["10.9.9.9"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_listener_everywhere_is_shut_everywhere(host: str) -> None:
    meds = interface("MEDS", "inbound", Endpoint(host, 7000), Endpoint(host, 7001))
    assert rules_for([meds], {host: [host]}) == [Rule("MEDS", "inbound", "tcp", "", 7000)]


@pytest.mark.parametrize("one, resolved", [
    (interface(), {}),
    (interface(), {"cats": ["nonsense"]}),
    (interface(production=Endpoint("0.0.0.0", 1)), {"0.0.0.0": ["0.0.0.0"]}),
    (interface('CA"TS'), {"cats": ["10.0.0.1"]}),
])
def test_what_cannot_be_a_rule_is_refused(one: Interface, resolved: dict[str, list[str]]) -> None:
    with pytest.raises(InvalidInput):
        rules_for([one], resolved)


def test_a_test_system_that_is_resolved_to_production_is_refused() -> None:
    other = interface("MEDS", production=Endpoint("meds", 99), test=Endpoint("meds-test", 5100))
    resolved = {"cats": ["10.0.0.1"], "meds": ["10.0.0.3"], "meds-test": ["10.0.0.1"]}
    with pytest.raises(InvalidInput, match=r"10\.0\.0\.1, a production endpoint of CATS") as refused:
        rules_for([interface(), other], resolved)
    assert refused.value.place == "interface MEDS.test"
    assert rules_for([interface(), other], {**resolved, "meds-test": ["10.0.0.4"]})


def test_a_port_that_is_shut_everywhere_is_no_test_port() -> None:
    one = interface("A", "inbound", Endpoint("0.0.0.0", 7000), Endpoint("0.0.0.0", 7001))
    other = interface("B", "inbound", Endpoint("0.0.0.0", 7005), Endpoint("10.0.0.1", 7000))
    with pytest.raises(InvalidInput, match="every address"):
        rules_for([one, other], {"0.0.0.0": ["0.0.0.0"]})


def test_a_listener_everywhere_concerns_hosts_that_hold_its_settings() -> None:
    meds = interface("MEDS", "inbound", Endpoint("0.0.0.0", 7000), Endpoint("0.0.0.0", 7001))
    named = interface("NEWS", "inbound", Endpoint("db1", 7002), Endpoint("db1", 7003))
    everything = [interface(), meds, named]
    assert concerned(everything, ["web1"]) == [interface(), named]
    assert concerned(everything, ["db1", "databases"]) == everything
    assert concerned(everything, []) == everything


def test_a_listener_of_every_host_concerns_every_host() -> None:
    meds = interface("MEDS", "inbound", Endpoint("0.0.0.0", 7000), Endpoint("0.0.0.0", 7001))
    meds = meds._replace(settings=(meds.settings[0]._replace(on="all"),))
    assert concerned([meds], ["web1"]) == [meds]


def test_a_name_that_means_another_address_by_now_is_open_there() -> None:
    rules = rules_for([interface()], {"cats": ["10.0.0.1"]})
    assert moved(interface(), {"cats": ["10.0.0.1"]}, rules) == []
    assert moved(interface(), {"cats": ["10.0.0.1", "10.0.0.2"]}, rules) == [rules[0]._replace(address="10.0.0.2")]
    assert moved(interface(), {"cats": ["10.0.0.2"]}, [rules[0]._replace(address="")]) == []


def test_rules_go_to_the_ledger_and_come_back() -> None:
    document = json.loads(json.dumps({"rules": [one._asdict() for one in RULES]}))
    assert rules_in(document) == RULES
    assert rules_in(json.loads(json.dumps({"rules": RULES}))) == RULES
    assert rules_in(None) == []
    assert as_lines(RULES).splitlines()[2] == "MEDS inbound tcp any address port 7000"


def test_plain_addresses() -> None:
    assert plain_address("fe80::1%eth0") == "fe80::1"
    assert plain_address("::ffff:10.0.0.1") == "10.0.0.1"


# -- the script ----------------------------------------------------------------------------------


def test_the_table_is_replaced_in_one_transaction() -> None:
    lines = script(TABLE, RULES).splitlines()
    assert lines[:3] == [f"add table inet {TABLE}", f"delete table inet {TABLE}", f"table inet {TABLE} {{"]
    assert removal(TABLE).splitlines() == lines[:2]
    assert not [line for line in lines if "accept" in line and "policy accept" not in line]
    assert script(TABLE, list(reversed(RULES))) == script(TABLE, RULES)


@pytest.mark.parametrize("table", ["filter", "relmgmt_", "relmgmt_a b", "relmgmt_x; flush ruleset", ""])
def test_nobody_elses_table_is_replaced(table: str) -> None:
    with pytest.raises(InvalidInput):
        script(table, RULES)
    with pytest.raises(InvalidInput):
        removal(table)


# -- what stands ---------------------------------------------------------------------------------


def test_the_listing_of_the_script_stands() -> None:
    assert differences(LISTING, TABLE, RULES) == []


def test_no_table_is_told() -> None:
    assert differences(None, TABLE, RULES) == [f"the table inet {TABLE} is not there"]
    assert differences({"nftables": []}, TABLE, RULES)
    assert differences("garbage", TABLE, RULES)
    assert differences(LISTING, "relmgmt_other", RULES)
    assert differences({"nftables": [{"metainfo": {}}]}, TABLE, []) == [f"the table inet {TABLE} is not there"]


@pytest.mark.parametrize("flags", ["dormant", ["dormant"], "relmgmt_fence", "", 0])
def test_a_table_with_flags_does_not_stand(flags: Any) -> None:
    """Versions before 1.0.7 print whatever lies in memory there."""
    changed = copy.deepcopy(LISTING)
    changed["nftables"][1]["table"]["flags"] = flags
    assert differences(changed, TABLE, RULES)


def test_counters_and_handles_do_not_matter() -> None:
    changed = copy.deepcopy(LISTING)
    for one in _rules(changed):
        one["handle"] += 100
        next(e for e in one["expr"] if "counter" in e)["counter"] = {"packets": 7, "bytes": 512}
    assert differences(changed, TABLE, RULES) == []
    assert stopped(changed) == {"CATS": 35, "LOG": 35, "MEDS": 14, "NEWS": 28}
    assert stopped(None) == {}


def test_other_forms_of_the_same_rules_stand() -> None:
    """As programs print them that show what a match implies, or flags as numbers and masks."""
    changed = copy.deepcopy(LISTING)
    flags = {"payload": {"protocol": "tcp", "field": "flags"}}
    for one in _rules(changed):
        for expression in one["expr"]:
            if expression.get("match", {}).get("op") == "!":
                expression["match"] = {"op": "==", "left": {"&": [flags, 4]}, "right": 0}
        protocol = next(e["match"]["left"]["payload"]["protocol"] for e in one["expr"]
                        if e.get("match", {}).get("left", {}).get("payload", {}).get("field", "").endswith("port"))
        one["expr"].insert(0, {"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": protocol}})
    assert differences(changed, TABLE, RULES) == []


def test_a_match_that_is_not_implied_is_told() -> None:
    for right in ("udp", 17, "ipv6"):
        changed = copy.deepcopy(LISTING)
        _rules(changed)[0]["expr"].insert(
            0, {"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": right}})
        assert differences(changed, TABLE, RULES)


class Place(NamedTuple):
    """Where a value lies in the listing."""

    path: tuple[Any, ...]


def _rules(listing: dict[str, Any]) -> list[dict[str, Any]]:
    return [one["rule"] for one in listing["nftables"] if "rule" in one]


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[Place]:
    if path and path[-1] in ("metainfo", "counter", "handle"):
        return
    if not isinstance(value, (dict, list)):
        yield Place(path)
        return
    for key, below in value.items() if isinstance(value, dict) else enumerate(value):
        yield from _leaves(below, (*path, key))


def _set(listing: Any, place: Place, value: Any) -> Any:
    changed = copy.deepcopy(listing)
    at = changed
    for key in place.path[:-1]:
        at = at[key]
    at[place.path[-1]] = value
    return changed


ACCEPT = {"rule": {"family": "inet", "table": TABLE, "chain": "output", "handle": 99, "expr": [{"accept": None}]}}


@given(st.sampled_from(list(_leaves(LISTING))), st.sampled_from(["accept", "input", "10.0.0.9", 1, -1, 6, False]))
def test_whatever_else_is_another_value_is_told(place: Place, value: Any) -> None:
    changed = _set(LISTING, place, value)
    if changed != LISTING:
        assert differences(changed, TABLE, RULES)


@given(st.data())
def test_whatever_is_gone_inserted_doubled_or_moved_is_told(data: st.DataObject) -> None:
    changed = copy.deepcopy(LISTING)
    objects = changed["nftables"]
    at = data.draw(st.integers(1, len(objects) - 1))
    act = data.draw(st.sampled_from(["gone", "inserted", "doubled", "moved", "less"]))
    if act == "gone":
        del objects[at]
    elif act == "inserted":
        objects.insert(at, copy.deepcopy(ACCEPT))
    elif act == "doubled":
        objects.insert(at, {"chain": {**objects[2]["chain"], "name": "more"}})
    elif act == "moved":
        ours = [n for n, one in enumerate(objects) if one.get("rule", {}).get("chain") == "forward"]
        first, other = data.draw(st.permutations(ours))[:2]
        objects[first], objects[other] = objects[other], objects[first]
    else:
        rule = data.draw(st.sampled_from(_rules(changed)))
        del rule["expr"][data.draw(st.sampled_from([n for n, e in enumerate(rule["expr"]) if "counter" not in e]))]
    assert differences(changed, TABLE, RULES)


@given(st.sampled_from(RULES))
def test_a_rule_more_or_less_is_told(rule: Rule) -> None:
    assert differences(LISTING, TABLE, [one for one in RULES if one != rule])
    assert differences(LISTING, TABLE, [*RULES, rule._replace(port=rule.port + 1)])


@pytest.mark.parametrize("object_", [{"set": {"family": "inet", "table": TABLE, "name": "s"}},
                                     {"rule": "?"}, {"chain": None}, {"flowtable": {}}])
def test_what_is_not_understood_is_told(object_: Any) -> None:
    assert differences({"nftables": [*LISTING["nftables"], object_]}, TABLE, RULES)
