# SPDX-License-Identifier: GPL-3.0-or-later
"""A host in a network namespace of its own, on which the module interface_fence is run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
from module_runner import run_module, run_module_raw
from namespaces import Network

from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger

OUTSIDE, SECOND, HERE, BEHIND = "10.77.1.2", "10.77.1.3", "10.77.1.1", "10.77.2.2"
SIX, SIX_HERE = "fd77:1::2", "fd77:1::1"
CATS, TEST, LOG, MEDS, MEDS_TEST = 5100, 5101, 5140, 7000, 7001
DOCUMENT = {"change": "CHG0000007", "attempt": 1, "entered_at": 1.0, "person": "", "state": "on"}


def interface(name: str, direction: str, production: tuple[str, int], test: tuple[str, int],
              protocol: str = "tcp") -> dict[str, Any]:
    """One of the inventory's list."""
    return {
        "name": name, "direction": direction, "protocol": protocol,
        "production": {"host": production[0], "port": production[1]}, "test": {"host": test[0], "port": test[1]},
        "settings": [{"on": "databases", "place": "global_node", "global": "^CFISCFG", "subscripts": [name],
                      "value": "{host}:{port}"}],
    }


INTERFACES = [
    interface("CATS", "outbound", (OUTSIDE, CATS), (OUTSIDE, TEST)),
    interface("CATS6", "outbound", (SIX, CATS), (SIX, TEST)),
    interface("LOG", "outbound", (OUTSIDE, LOG), (SECOND, LOG), "udp"),
    interface("MEDS", "inbound", ("0.0.0.0", MEDS), ("0.0.0.0", MEDS_TEST)),
    interface("NEWS", "inbound", ("::", MEDS), ("::", MEDS_TEST), "udp"),
]


class Hosts(NamedTuple):
    """The network, the host's state, and how the module is called there."""

    network: Network
    state: Path

    def args(self, **options: Any) -> dict[str, Any]:
        present = {"interfaces": INTERFACES} if options.get("state") != "absent" else {}
        return {"ledger": str(self.state / "ledger.db"), "change": "CHG0000007", "boot": {"kind": "none"},
                **present, **options}

    def fence(self, check: bool = False, diff: bool = False, **options: Any) -> dict[str, Any]:
        return run_module("interface_fence", self.args(**options), check, diff, within=self.network.host.within)

    def refused(self, environment: dict[str, str] | None = None, **options: Any) -> dict[str, Any]:
        result = run_module_raw("interface_fence", self.args(**options), environment=environment,
                                within=self.network.host.within)
        assert result["failed"]
        return dict(result["error"])

    def cut_off(self, where: str, **options: Any) -> None:
        with pytest.raises(AssertionError, match="gave no JSON"):
            run_module_raw("interface_fence", self.args(**options), environment={"RELMGMT_FAILPOINT": where},
                           within=self.network.host.within)

    def nft(self, *words: str, check: bool = True) -> str:
        return self.network.host.run("nft", *words, check=check)

    def table_is_there(self) -> bool:
        return "relmgmt_fence" in self.nft("list", "tables")

    def ledger(self) -> Ledger:
        return Ledger(str(self.state / "ledger.db"))

    def document(self) -> dict[str, Any] | None:
        return self.ledger().mode("fence")

    def set_test_mode(self, **values: Any) -> None:
        self.ledger().set_mode("test_mode", {**DOCUMENT, **values})


@pytest.fixture
def hosts(network: Network, tmp_path: Path) -> Hosts:
    made = Hosts(network, tmp_path / "state")
    made.ledger().set_host(environment="sandbox", protected=False, sandbox=True)
    return made
