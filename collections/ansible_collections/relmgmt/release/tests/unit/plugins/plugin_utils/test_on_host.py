# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose ledger a module works with."""

from __future__ import annotations

from typing import Any

from ansible_collections.relmgmt.release.plugins.plugin_utils.on_host import cycle_options

KNOWN: dict[str, Any] = {
    "inventory_hostname": "app1", "relmgmt_state_dir": "/srv/{{ inventory_hostname }}", "phase_name": "deploy",
    "hostvars": {"app1": {"relmgmt_state_dir": "/srv/app1"}, "web1": {"relmgmt_state_dir": "/srv/web1"}},
    "gate_cycle": {"change": "CHG1", "lease": 7},
}


def test_the_cycle_fills_in_the_options() -> None:
    assert cycle_options("websphere_app", KNOWN) == {
        "ledger": "/srv/app1/ledger.db", "change": "CHG1", "lease": 7, "phase": "deploy"}


def test_delegated_work_is_remembered_where_it_is_done() -> None:
    assert cycle_options("proxy_member", KNOWN, "web1")["ledger"] == "/srv/web1/ledger.db"
