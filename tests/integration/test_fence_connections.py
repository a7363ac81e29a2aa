# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections to production, as the kernel of a network namespace tells them, beside the fence that stops them."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from fenced_host import CATS, HERE, LOG, MEDS, OUTSIDE, SECOND, SIX, Hosts, hosts
from module_runner import COLLECTIONS
from namespaces import network

__all__ = ["hosts", "network"]

_LOOK = """
import json, sys
from ansible_collections.relmgmt.release.plugins.module_utils._core.fence import Rule
from ansible_collections.relmgmt.release.plugins.module_utils._fence.connections import established, listeners
rules = [Rule(*one) for one in json.loads(sys.argv[1])]
print(json.dumps([established(rules), listeners([7000, 7001])]))
"""
RULES = [
    ("CATS", "outbound", "tcp", OUTSIDE, CATS), ("CATS6", "outbound", "tcp", SIX, CATS),
    ("LOG", "outbound", "udp", OUTSIDE, LOG), ("MEDS", "inbound", "tcp", "", MEDS),
]


def look(hosts: Hosts) -> tuple[list[list[object]], dict[str, list[list[object]]]]:
    program = f"import sys; sys.path.insert(0, {str(COLLECTIONS)!r}){_LOOK}"
    found, listening = json.loads(hosts.network.host.run(sys.executable, "-c", program, json.dumps(RULES)))
    return found, listening


def test_connections_and_listeners_with_their_processes(hosts: Hosts) -> None:
    outside, ours = hosts.network.outside.peer(), hosts.network.host.peer()
    for address in (OUTSIDE, SECOND, SIX):
        outside.listen("production", address, CATS)
    ours.listen("meds", "0.0.0.0", MEDS)
    assert look(hosts)[0] == []
    for name, address, port, protocol in (("four", OUTSIDE, CATS, "tcp"), ("six", SIX, CATS, "tcp"),
                                          ("log", OUTSIDE, LOG, "udp"), ("else", SECOND, CATS, "tcp")):
        assert ours.connect(name, address, port, protocol) == ""
    assert outside.connect("meds", HERE, MEDS) == ""

    found, listening = look(hosts)

    assert [(one[0], one[2] if one[0] != "MEDS" else one[1]) for one in found] == [
        ("CATS", f"{OUTSIDE}:{CATS}"), ("CATS6", f"[{SIX}]:{CATS}"), ("LOG", f"{OUTSIDE}:{LOG}"),
        ("MEDS", f"{HERE}:{MEDS}"),
    ]
    comm = Path(f"/proc/{ours.pid}/comm").read_text().strip()
    assert {(one[3], one[4]) for one in found} == {(ours.pid, comm)}
    assert listening == {str(MEDS): [[ours.pid, comm]]}


def test_a_connection_that_sends_against_the_fence_is_gone(hosts: Hosts) -> None:
    outside, ours = hosts.network.outside.peer(), hosts.network.host.peer()
    outside.listen("production", OUTSIDE, CATS)
    assert ours.connect("old", OUTSIDE, CATS) == ""
    hosts.fence()
    assert len(look(hosts)[0]) == 1
    ours.send("old", "test data;")
    time.sleep(0.2)
    assert look(hosts)[0] == []
    assert outside.got("production") == ""
