# SPDX-License-Identifier: GPL-3.0-or-later
"""The module interface_fence, with real listeners that record every byte, in network namespaces of the test's own."""

from __future__ import annotations

import itertools
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from fenced_host import (
    CATS,
    HERE,
    INTERFACES,
    LOG,
    MEDS,
    MEDS_TEST,
    OUTSIDE,
    SECOND,
    SIX,
    SIX_HERE,
    TEST,
    Hosts,
    hosts,
    interface,
)
from module_runner import run_module_raw
from namespaces import network
from network_peer import Peer

__all__ = ["hosts", "network"]

SETTLED = 0.4  # seconds in which a packet that nothing stops has arrived for long


def settle() -> None:
    time.sleep(SETTLED)


def got(peer: Peer, name: str, text: str) -> None:
    """Wait until this, and nothing else, has arrived."""
    deadline = time.monotonic() + 10
    while len(peer.got(name)) < len(text) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert peer.got(name) == text


# -- what is stopped -----------------------------------------------------------------------------


@pytest.mark.parametrize("address", [OUTSIDE, SIX])
def test_nothing_goes_out_to_production_or_comes_back(hosts: Hosts, address: str) -> None:
    outside, ours = hosts.network.outside.peer(), hosts.network.host.peer()
    outside.listen("production", address, CATS)
    outside.listen("test", address, TEST)
    for name in ("writes", "reads"):
        assert ours.connect(name, address, CATS) == ""
        assert ours.send(name, "before;") == ""
    got(outside, "production", "before;before;")
    assert outside.send("production", "hello;") == ""
    got(ours, "reads", "hello;")

    result = hosts.fence()

    assert result["changed"]
    assert result["stands"]
    assert outside.send("production", "pushed;") == ""
    settle()
    assert [ours.got(name) for name in ("writes", "reads")] == ["hello;", "hello;"]
    errors = [ours.send("writes", "after;") for _again in range(3) if settle() is None]
    assert errors[-1] in ("Broken pipe", "Connection reset by peer")
    assert ours.connect("new", address, CATS) == "Connection refused"
    assert ours.connect("tester", address, TEST) == ""
    assert ours.send("tester", "tested;") == ""
    got(outside, "test", "tested;")
    assert outside.got("production") == "before;before;"
    stopped = hosts.fence()["stopped"]
    assert stopped["CATS6" if ":" in address else "CATS"] > 3


def test_what_a_socket_still_held_is_not_sent_when_the_fence_is_gone(hosts: Hosts) -> None:
    outside, ours = hosts.network.outside.peer(), hosts.network.host.peer()
    outside.listen("production", OUTSIDE, CATS)
    ours.listen("production", HERE, MEDS)
    assert ours.connect("cats", OUTSIDE, CATS) == ""
    assert outside.connect("meds", HERE, MEDS) == ""
    assert outside.send("meds", "before;") == ""
    got(ours, "production", "before;")
    hosts.fence()
    ours.send("cats", "test data;")
    ours.send("production", "test data;")
    settle()
    hosts.fence(state="absent")
    settle()
    settle()
    assert outside.got("production") == ""
    assert outside.got("meds") == ""


def test_datagrams_are_stopped_both_ways(hosts: Hosts) -> None:
    outside, ours = hosts.network.outside.peer(), hosts.network.host.peer()
    outside.listen("production", OUTSIDE, LOG, "udp")
    outside.listen("test", SECOND, LOG, "udp")
    ours.listen("news", "::", MEDS, "udp")
    assert ours.connect("log", OUTSIDE, LOG, "udp") == ""
    assert outside.connect("news", SIX_HERE, MEDS, "udp") == ""
    assert ours.send("log", "before;") == ""
    assert outside.send("news", "before;") == ""
    got(outside, "production", "before;")
    got(ours, "news", "before;")

    hosts.fence()

    assert ours.send("log", "after;") == "Operation not permitted"
    outside.send("production", "pushed;")
    outside.send("news", "after;")
    ours.send("news", "pushed;")
    assert ours.connect("tester", SECOND, LOG, "udp") == ""
    assert ours.send("tester", "tested;") == ""
    got(outside, "test", "tested;")
    settle()
    assert outside.got("production") == "before;"
    assert (outside.got("news"), ours.got("news"), ours.got("log")) == ("", "before;", "")


@pytest.mark.parametrize("everywhere, here, loopback", [("0.0.0.0", HERE, "127.0.0.1"), ("::", SIX_HERE, "::1")])
def test_our_production_port_is_shut_for_everybody(hosts: Hosts, everywhere: str, here: str, loopback: str) -> None:
    outside, ours = hosts.network.outside.peer(), hosts.network.host.peer()
    ours.listen("production", everywhere, MEDS)
    ours.listen("test", everywhere, MEDS_TEST)
    assert outside.connect("sender", here, MEDS) == ""
    assert ours.connect("itself", loopback, MEDS) == ""
    assert [peer.send(name, "before;") for peer, name in ((outside, "sender"), (ours, "itself"))] == ["", ""]
    got(ours, "production", "before;before;")

    hosts.fence()

    ours.send("production", "pushed;")
    settle()
    for peer, name in ((outside, "sender"), (ours, "itself")):
        assert [peer.send(name, "after;") for _again in range(3) if settle() is None][-1] != "", name
        assert peer.got(name) == ""
    assert outside.connect("again", here, MEDS) == "Connection refused"
    assert ours.connect("here", loopback, MEDS) == "Connection refused"
    assert outside.connect("tester", here, MEDS_TEST) == ""
    assert outside.send("tester", "tested;") == ""
    got(ours, "test", "tested;")
    assert ours.got("production") == "before;before;"


def test_a_production_endpoint_on_the_host_itself(hosts: Hosts) -> None:
    ours = hosts.network.host.peer()
    ours.listen("production", "127.0.0.9", CATS)
    assert ours.connect("old", "127.0.0.9", CATS) == ""
    assert ours.send("old", "before;") == ""
    got(ours, "production", "before;")
    hosts.fence(interfaces=[interface("SELF", "outbound", ("127.0.0.9", CATS), ("127.0.0.9", TEST))])
    ours.send("production", "pushed;")
    ours.send("old", "after;")
    settle()
    assert ours.connect("new", "127.0.0.9", CATS) == "Connection refused"
    assert (ours.got("production"), ours.got("old")) == ("before;", "")


@pytest.mark.parametrize("address", [OUTSIDE, SIX])
def test_a_container_behind_the_host_is_stopped_too(hosts: Hosts, address: str) -> None:
    outside, container = hosts.network.outside.peer(), hosts.network.container.peer()
    outside.listen("production", address, CATS)
    outside.listen("test", address, TEST)
    assert container.connect("old", address, CATS) == ""
    assert container.send("old", "before;") == ""
    got(outside, "production", "before;")

    hosts.fence()

    outside.send("production", "pushed;")
    settle()
    assert container.got("old") == ""
    assert [container.send("old", "after;") for _again in range(3) if settle() is None][-1] != ""
    assert container.connect("new", address, CATS) == "Connection refused"
    assert container.connect("tester", address, TEST) == ""
    assert outside.got("production") == "before;"


def test_an_address_that_is_translated_leads_nowhere_either(hosts: Hosts) -> None:
    outside, ours = hosts.network.outside.peer(), hosts.network.host.peer()
    outside.listen("production", OUTSIDE, CATS)
    hosts.nft(f"table ip other {{ chain out {{ type nat hook output priority -100; "
              f"ip daddr 10.77.1.77 tcp dport 99 dnat to {OUTSIDE}:{CATS}; }}; }}")
    assert ours.connect("old", "10.77.1.77", 99) == ""
    assert ours.send("old", "before;") == ""
    got(outside, "production", "before;")
    hosts.fence()
    assert [ours.send("old", "after;") for _again in range(3) if settle() is None][-1] != ""
    assert ours.connect("new", "10.77.1.77", 99) == "Connection refused"
    assert outside.got("production") == "before;"


def test_there_is_no_moment_without_it_while_it_is_replaced(hosts: Hosts) -> None:
    outside, ours = hosts.network.outside.peer(), hosts.network.host.peer()
    outside.listen("production", OUTSIDE, LOG, "udp")
    assert ours.connect("log", OUTSIDE, LOG, "udp") == ""
    hosts.fence()
    replace = f"while nft -f {hosts.state}/fence/fence.nft; do echo replaced; done"
    with subprocess.Popen([*hosts.network.host.within, "sh", "-c", replace], stdout=subprocess.PIPE) as replacing:
        assert replacing.stdout is not None
        errors = {ours.send("log", "after;") for _again in range(3) for _line in itertools.islice(replacing.stdout, 30)}
        replacing.kill()
    assert errors == {"Operation not permitted"}
    assert outside.got("production") == ""


# -- what is observed ----------------------------------------------------------------------------

DAMAGE = {
    "a rule is gone": ("delete rule inet relmgmt_fence output handle {handle}", "lacks"),
    "packets are accepted first": ("insert rule inet relmgmt_fence output accept", "not ours"),
    "it is dormant": ("add table inet relmgmt_fence {{ flags dormant; }}", "switched off"),
    "it is empty": ("flush table inet relmgmt_fence", "lacks"),
    "it is gone": ("delete table inet relmgmt_fence", "not there"),
    "everything is gone": ("flush ruleset", "not there"),
    "another chain": ("add chain inet relmgmt_fence more", "not ours"),
    "it is of another family": ("delete table inet relmgmt_fence; add table ip relmgmt_fence", "not there"),
    "a chain drops all": ("add chain inet relmgmt_fence output {{ policy drop; }}", "policy drop"),
}


@pytest.mark.parametrize("command, told", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_fence_that_somebody_changed_is_told_and_put_up_again(hosts: Hosts, command: str, told: str) -> None:
    first = hosts.fence()
    assert not hosts.fence()["changed"]
    listing = json.loads(hosts.nft("-j", "list", "table", "inet", "relmgmt_fence"))
    handles = [one["rule"]["handle"] for one in listing["nftables"] if one.get("rule", {}).get("chain") == "output"]
    hosts.nft(command.format(handle=handles[0]))

    again = hosts.fence(diff=True)

    assert again["changed"]
    assert told in " ".join(again["was"])
    assert told in again["diff"]["before"]
    assert again["rules"] == first["rules"]
    assert not hosts.fence()["changed"]


def test_a_dormant_table_lets_packets_through(hosts: Hosts) -> None:
    """Why it must be told: the rules are all there."""
    outside, ours = hosts.network.outside.peer(), hosts.network.host.peer()
    outside.listen("production", OUTSIDE, CATS)
    hosts.fence()
    hosts.nft("add table inet relmgmt_fence { flags dormant; }")
    assert ours.connect("leak", OUTSIDE, CATS) == ""
    assert hosts.fence(check=True)["changed"]
    assert hosts.fence()["changed"]
    assert ours.connect("new", OUTSIDE, CATS) == "Connection refused"


def test_other_tables_are_left_alone(hosts: Hosts) -> None:
    hosts.nft("table inet firewall { chain input { type filter hook input priority 0; tcp dport 22 accept; }; }")
    before = hosts.nft("list", "table", "inet", "firewall")
    hosts.fence()
    assert hosts.nft("list", "table", "inet", "firewall") == before
    hosts.fence(state="absent")
    assert hosts.nft("list", "table", "inet", "firewall") == before


# -- the module ----------------------------------------------------------------------------------


def test_check_mode_tells_and_changes_nothing(hosts: Hosts) -> None:
    planned = hosts.fence(check=True, diff=True)
    assert planned["changed"]
    assert not hosts.table_is_there()
    assert hosts.document() is None
    assert not (hosts.state / "fence").exists()
    done = hosts.fence(diff=True)
    assert done["diff"] == planned["diff"]
    assert done["diff"]["after"].splitlines()[0] == f"CATS outbound tcp {OUTSIDE} port {CATS}"
    assert hosts.fence(check=True)["changed"] is False
    gone = hosts.fence(check=True, diff=True, state="absent")
    assert gone["changed"]
    assert gone["diff"] == {"before": done["diff"]["after"], "after": ""}
    assert hosts.table_is_there()


def test_the_second_run_changes_nothing(hosts: Hosts) -> None:
    assert hosts.fence()["changed"]
    since = hosts.document()
    acts = len(hosts.ledger().acts())
    assert not hosts.fence()["changed"]
    assert hosts.document() == since
    assert hosts.fence(state="absent")["changed"]
    assert not hosts.fence(state="absent")["changed"]
    assert hosts.document() is None
    assert not hosts.table_is_there()
    assert not (hosts.state / "fence" / "fence.nft").exists()
    assert len(hosts.ledger().acts()) == acts + 1


def test_the_ledger_says_what_stands(hosts: Hosts) -> None:
    result = hosts.fence()
    document = hosts.document()
    assert document is not None
    assert document["state"] == "standing"
    assert document["rules"] == result["rules"]
    assert {"interface": "MEDS", "direction": "inbound", "protocol": "tcp", "address": "", "port": MEDS} \
        in result["rules"]
    assert result["after_reboot"] is False
    assert hosts.ledger().acts()[0]["undo"] == {}


@pytest.mark.parametrize("document", [
    {"state": "entering"}, {"state": "on"}, {"state": "leaving"}, {"state": "leaving", "ports_verified": False},
    {"state": "on", "ports_verified": True},
])
def test_it_stays_while_test_mode_lasts(hosts: Hosts, document: dict[str, Any]) -> None:
    hosts.fence()
    hosts.set_test_mode(**document)
    error = hosts.refused(state="absent", going_back=True)
    assert error["kind"] == "Refused"
    assert document["state"] in error["message"]
    assert "leave" in error["cure"]
    assert hosts.table_is_there()


@pytest.mark.parametrize("document", [{"state": "leaving", "ports_verified": True}, {"state": "off"}])
def test_verified_truth_lifts_it(hosts: Hosts, document: dict[str, Any]) -> None:
    hosts.fence()
    hosts.set_test_mode(**document)
    assert hosts.fence(state="absent", going_back=True)["changed"]
    assert not hosts.table_is_there()


def test_while_test_mode_lasts_nothing_is_opened(hosts: Hosts) -> None:
    hosts.fence()
    hosts.set_test_mode(state="on")
    moved = [interface("CATS", "outbound", (SECOND, CATS), (OUTSIDE, TEST))]
    addresses = {rule["address"] for rule in hosts.fence(interfaces=moved)["rules"] if rule["interface"] == "CATS"}
    assert addresses == {OUTSIDE, SECOND}
    assert not hosts.fence(interfaces=moved)["changed"]
    hosts.set_test_mode(state="off")
    assert [rule["address"] for rule in hosts.fence(interfaces=moved)["rules"]] == [SECOND]


def test_the_table_is_not_renamed_under_way(hosts: Hosts) -> None:
    hosts.fence()
    assert hosts.refused(table="relmgmt_other")["kind"] == "InvalidInput"


def test_a_port_that_is_another_service_of_a_host_without_the_interface_stays_open(hosts: Hosts) -> None:
    names = {rule["interface"] for rule in hosts.fence(here=["web1", "web_servers"])["rules"]}
    assert names == {"CATS", "CATS6", "LOG"}
    names = {rule["interface"] for rule in hosts.fence(here=["db1", "databases"])["rules"]}
    assert names == {one["name"] for one in INTERFACES}


# -- crashes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["fence:recorded", "fence:script", "fence:up", "fence:standing"])
def test_a_fence_that_was_cut_off_is_told_and_finished(hosts: Hosts, where: str) -> None:
    hosts.cut_off(where)
    document = hosts.document()
    assert document is not None
    assert document["state"] == ("standing" if where == "fence:standing" else "raising")
    assert hosts.table_is_there() == (where in ("fence:up", "fence:standing"))
    assert hosts.fence()["changed"] == (where != "fence:standing")
    assert (hosts.document() or {})["state"] == "standing"
    assert not hosts.fence()["changed"]
    assert hosts.fence(state="absent")["changed"]


@pytest.mark.parametrize("where", ["fence:removing", "fence:down", "fence:script-gone", "fence:removed",
                                   "fence:forgotten"])
def test_taking_down_that_was_cut_off_is_told_and_finished(hosts: Hosts, where: str) -> None:
    hosts.fence()
    hosts.cut_off(where, state="absent")
    document = hosts.document()
    assert (document or {}).get("state") == (None if where == "fence:forgotten" else "removing")
    assert hosts.table_is_there() == (where == "fence:removing")
    assert hosts.fence(state="absent")["changed"] == (where != "fence:forgotten")
    assert hosts.document() is None
    assert not hosts.table_is_there()


# -- hosts that cannot ---------------------------------------------------------------------------


def test_a_host_without_nft(hosts: Hosts) -> None:
    error = hosts.refused(nft="nft-that-is-not-there")
    assert "nft-that-is-not-there" in error["message"]
    assert "nftables" in error["cure"]
    # where test mode went without a fence, leaving finds none
    assert not hosts.fence(state="absent", nft="nft-that-is-not-there")["changed"]


def test_an_inventory_that_names_another_nft_by_now_hinders_nobody(hosts: Hosts) -> None:
    """Invariant 14"""
    hosts.fence()
    assert hosts.fence(state="absent", nft="nft-that-is-not-there", going_back=True)["changed"]
    assert not hosts.table_is_there()


def test_without_the_right_to_it(hosts: Hosts) -> None:
    within = [*hosts.network.host.within, "setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"]
    result = run_module_raw("interface_fence", hosts.args(), within=within)
    assert result["failed"]
    assert "Operation not permitted" in result["msg"]
    assert "CAP_NET_ADMIN" in result["error"]["cure"]


def test_what_nft_says_is_shown(hosts: Hosts, tmp_path: Path) -> None:
    program = tmp_path / "nft"
    program.write_text("#!/bin/sh\ncase $* in -j*) echo No such file or directory >&2;; "
                       "*) echo Error: the kernel has no inet >&2;; esac\nexit 1\n")
    program.chmod(0o755)
    error = hosts.refused(nft=str(program))
    assert error["kind"] == "FenceError"
    assert "the kernel has no inet" in error["message"]
    assert (hosts.document() or {})["state"] == "raising"


def test_a_name_that_does_not_resolve(hosts: Hosts) -> None:
    error = hosts.refused(interfaces=[interface("GONE", "outbound", ("gone.invalid", 1), (OUTSIDE, 2))])
    assert error["kind"] == "InvalidInput"
    assert "gone.invalid" in error["message"]
    assert error["place"] == "interface GONE.production"
    assert not hosts.table_is_there()


def test_no_interface_is_no_fence(hosts: Hosts) -> None:
    assert hosts.refused(interfaces=[])["kind"] == "InvalidInput"
