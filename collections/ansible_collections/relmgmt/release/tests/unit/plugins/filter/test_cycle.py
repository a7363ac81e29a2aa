# SPDX-License-Identifier: GPL-3.0-or-later
"""Which servers a rollout takes out, and where."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.relmgmt.release.plugins.filter.cycle import batch, proxies_of, to_roll_out

CURRENT = {"war:cfis": {"digest": "a"}, "configuration:cfis": {"digest": "b"}}


def act(module: str, outcome: str | None = "done", undone: bool = False) -> dict[str, Any]:
    return {"module": module, "outcome": outcome, "undone": undone, "can_be_undone": module != "verify"}


def test_the_proxies_of_a_server() -> None:
    hosts: dict[str, dict[str, Any]] = {
        "web1": {"relmgmt_proxy": {"members": {"app1": "x", "app2": "y"}}},
        "app1": {}, "web2": {"relmgmt_proxy": {"members": {"app2": "z"}}}, "web3": {"relmgmt_proxy": None},
    }
    assert proxies_of(hosts, "app1") == ["web1"]
    assert proxies_of(hosts, "app2") == ["web1", "web2"]
    assert proxies_of(hosts, "db1") == []


@pytest.mark.parametrize(
    "state,digests,expected",
    [
        ({"current": CURRENT}, ["a", "b"], False),
        ({"current": CURRENT}, [], False),
        ({"current": CURRENT}, ["c"], True),
        ({"current": CURRENT, "drift": [{"component": "war:cfis"}]}, ["a"], True),
        ({}, ["a"], True),
        ({"current": CURRENT, "acts": [act("verify"), act("websphere_app")]}, ["a"], False),
        ({"current": CURRENT, "acts": [act("websphere_app"), act("verify")]}, ["a"], True),
        ({"current": CURRENT, "acts": [act("verify", "failed"), act("websphere_app")]}, ["a"], True),
        ({"current": CURRENT, "acts": [act("websphere_app", None), act("verify")]}, ["a"], True),
        ({"current": CURRENT, "acts": [act("websphere_app", undone=True), act("verify")]}, ["a"], False),
    ],
)
def test_a_server_that_is_known_to_be_right_is_left_alone(
    state: dict[str, Any], digests: list[str], expected: bool
) -> None:
    assert to_roll_out({"app1": {"gate_host": state}}, ["app1"], digests, "CHG1") == ["app1"] * expected


@pytest.mark.parametrize(
    "more,expected",
    [
        ({}, ["app2"]), ({"in_force": {}}, []), ({"change": "CHG2"}, []),
        ({"in_force": {"proxy_member": ["member:app1"]}}, ["app1"]),
        ({"in_force": {"proxy_member": ["member:app3"]}}, []), ({"in_force": {"other": ["member:app2"]}}, []),
    ],
)
def test_a_server_that_was_left_out_is_put_back(more: dict[str, Any], expected: list[str]) -> None:
    """A run was killed after the server had been looked at, before it was put back."""
    left = {"change": "CHG1", "in_force": {"proxy_member": ["member:app2"]}, **more}
    hosts: dict[str, dict[str, Any]] = {
        "web1": {"relmgmt_proxy": {"members": {"app1": "x", "app2": "y"}}, "gate_host": {"receipts": [left]}},
        "app1": {"gate_host": {"current": CURRENT}}, "app2": {"gate_host": {"current": CURRENT}},
    }
    assert to_roll_out(hosts, ["app1", "app2"], ["a"], "CHG1") == expected


def test_how_many_servers_are_changed_at_a_time() -> None:
    assert batch({"all": [], "relmgmt_at_a_time_3": ["app1"]}) == 3
    assert batch({"all": []}) == 1
    assert batch({"relmgmt_at_a_time_abc": ["app1"]}) == 1, "no typing error stops the way back"
