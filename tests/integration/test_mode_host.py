# SPDX-License-Identifier: GPL-3.0-or-later
"""A host of test mode in a network namespace: real GT.M, real nftables, a file with settings, listeners outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gtm_change import CHANGE, TwoRegions
from module_runner import COLLECTIONS, MODULES
from namespaces import Network

from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger

OUTSIDE = "10.77.1.2"
PRODUCTION, TEST, MEDS, MEDS_TEST = "5100", "5101", "7000", "7001"
PERSON = "maria.lopez"


class TestModeHost:
    """CHG0000002 with its lease and receipt on a host that holds the settings of CATS and MEDS."""

    __test__ = False

    def __init__(self, base: Path, network: Network, gtm: TwoRegions, state: Path | None = None) -> None:
        self.network = network
        self.gtm = gtm
        self.base = base
        self.state = state or base / "state"
        self.properties = base / "cfis.properties"
        self.properties.write_text(f"# the gateway\ncats.port={PRODUCTION}\n")
        self.common: dict[str, Any] = {"change": CHANGE, "lease": 1, "ledger": str(self.state / "ledger.db")}
        self.queue = ["/bin/sh", "-c", f"cat >/dev/null; cat {base}/queue 2>/dev/null || echo '{{\"value\": null}}'"]
        self.gtm.m(f'SET ^CFISCFG("interface","CATS","port")={PRODUCTION},^CFISCFG("interface","MEDS","port")={MEDS}')
        self.gtm.settle()
        ledger = self.ledger()
        ledger.set_host(environment="sandbox", protected=True, sandbox=True)
        ledger.take_lease(CHANGE, {"user": PERSON}, 1)
        ledger.add_receipt(
            change=CHANGE, attempt=1, release="CFIS002", bundle_digest="b", plan_digest="p",
            environment="sandbox", packages=[], report={}, clock="", expires=4e9,
        )
        ledger.close()

    @property
    def interfaces(self) -> list[dict[str, Any]]:
        """CATS in a global and in a program's answer; MEDS, which connects to us, in a global."""
        return [
            {"name": "CATS", "direction": "outbound", "protocol": "tcp",
             "production": {"host": OUTSIDE, "port": int(PRODUCTION)}, "test": {"host": OUTSIDE, "port": int(TEST)},
             "settings": [
                 {"on": "databases", "place": "global_node", "global": "^CFISCFG",
                  "subscripts": ["interface", "CATS", "port"]},
                 {"on": "databases", "place": "command", "command": [sys.executable, str(self._place())]},
             ],
             "queue": {"on": "databases", "place": "command", "command": self.queue}},
            {"name": "MEDS", "direction": "inbound", "protocol": "tcp",
             "production": {"host": "0.0.0.0", "port": int(MEDS)}, "test": {"host": "0.0.0.0", "port": int(MEDS_TEST)},
             "settings": [{"on": "databases", "place": "global_node", "global": "^CFISCFG",
                           "subscripts": ["interface", "MEDS", "port"]}]},
        ]

    def _place(self) -> Path:
        """A place of the fourth kind: a program that keeps a value in a file outside the datasets."""
        path = self.base / "place.py"
        if not path.exists():
            path.write_text(
                "import json, re, sys\n"
                f"path = {str(self.properties)!r}\n"
                "order = json.load(sys.stdin)\n"
                "text = open(path).read()\n"
                "if sys.argv[1] == 'write':\n"
                "    open(path, 'w').write(re.sub('cats.port=.*', 'cats.port=' + order['value'], text))\n"
                "    text = open(path).read()\n"
                "found = re.search('cats.port=(.*)', text)\n"
                "print(json.dumps({'pending': ''} if sys.argv[1] == 'pending' else {'value': found[1]}))\n"
            )
        return path

    @property
    def places(self) -> dict[str, Any]:
        """Options of the modules that look at the settings."""
        return {"interfaces": self.interfaces, "here": ["db1", "databases"], "instance": self.gtm.instance}

    # -- modules -----------------------------------------------------------------------------------

    def run(self, name: str, args: dict[str, Any], check: bool = False, failpoint: str = "") -> dict[str, Any]:
        """A module's result; ``status`` is that of its process, negative if a signal ended it."""
        request = {"ANSIBLE_MODULE_ARGS": {**args, "_ansible_check_mode": check, "_ansible_diff": True}}
        done = subprocess.run(
            [*self.network.host.within, sys.executable, str(MODULES / f"{name}.py")],
            input=json.dumps(request).encode(), capture_output=True, timeout=300, check=False,
            env={**os.environ, "PYTHONPATH": str(COLLECTIONS), "RELMGMT_FAILPOINT": failpoint},
        )
        result = json.loads(done.stdout) if done.stdout.strip() else {"stderr": done.stderr.decode()}
        return {"changed": None, "failed": False, "msg": "", **result, "status": done.returncode}

    def done(self, name: str, args: dict[str, Any], check: bool = False) -> dict[str, Any]:
        """The same, which must not fail."""
        result = self.run(name, args, check)
        assert not result["failed"], result["msg"]
        assert result["status"] == 0, result.get("stderr")
        return result

    def backup(self, point: str = "before") -> dict[str, Any]:
        return self.done("backup_set", {**self.common, "instance": self.gtm.instance, "point": point,
                                        "root": str(self.base / "backup")})

    def fence(self, state: str = "present", **options: Any) -> dict[str, Any]:
        interfaces = {"interfaces": self.interfaces, "here": self.places["here"]} if state == "present" else {}
        return self.run("interface_fence", {**self.common, "state": state, "boot": {"kind": "none"}, **interfaces,
                                            **options})

    def enter(self, check: bool = False, failpoint: str = "", **options: Any) -> dict[str, Any]:
        given = {"state": "test", "point": "before", "person": PERSON, "timer": {"kind": "none"}, **options}
        return self.run("test_mode", {**self.common, **self.places, **given}, check, failpoint)

    def leave(self, check: bool = False, failpoint: str = "", **options: Any) -> dict[str, Any]:
        given = {"state": "production", "outcome": "signed_off", "person": PERSON, **options}
        return self.run("test_mode", {**self.common, **given}, check, failpoint)

    def restore(self, point: str = "before", failpoint: str = "", **options: Any) -> dict[str, Any]:
        path = self.base / "backup/CFIS002" / f"{CHANGE}-1" / "CFIS" / point
        given = {"instance": self.gtm.instance, "path": str(path), "lose_writes_confirmed_by": PERSON, **options}
        return self.run("restore", {**self.common, **given}, failpoint=failpoint)

    def info(self) -> dict[str, Any]:
        return self.done("test_mode_info", {"ledger": self.common["ledger"], **self.places})

    # -- what is there -------------------------------------------------------------------------------

    def prepare(self) -> None:
        """A point, and a fence that stands."""
        self.backup()
        assert self.fence()["failed"] is False

    def ports(self) -> list[str]:
        """CATS in the dataset, CATS in the file, MEDS in the dataset: as they are, whoever asks."""
        in_dataset = self.gtm.m(
            'WRITE ^CFISCFG("interface","CATS","port"),",",^CFISCFG("interface","MEDS","port")').split(",")
        self.gtm.settle()
        return [in_dataset[0], self.properties.read_text().partition("cats.port=")[2].strip(), in_dataset[1]]

    def ledger(self) -> Ledger:
        return Ledger(self.common["ledger"])

    def document(self) -> dict[str, Any] | None:
        ledger = Ledger(self.common["ledger"], readonly=True)
        try:
            return ledger.mode("test_mode")
        finally:
            ledger.close()

    @contextmanager
    def filter_out_of_order(self) -> Iterator[None]:
        """The packet filter tells what stands, and removes it, but takes nothing new."""
        broken = self.state / "nft"
        broken.write_text(
            '#!/bin/sh\n[ "$1" = -f ] || exec nft "$@"\n'
            'text=$(cat)\ncase $text in *chain*) echo "no more tables today" >&2; exit 1;; esac\n'
            'printf "%s\\n" "$text" | nft -f -\n')
        broken.chmod(0o755)
        self._use_filter(str(broken))
        yield
        self._use_filter("nft")

    def _use_filter(self, nft: str) -> None:
        ledger = self.ledger()
        known = ledger.mode("fence")
        if known is not None:
            ledger.set_mode("fence", {**known, "nft": nft})
        ledger.close()

    def fence_stands(self) -> bool:
        return "relmgmt_fence" in self.network.host.run("nft", "list", "tables")

    def command(self, *words: str, within: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        """The host's own command, with nothing of the collection in reach."""
        prefix = self.network.host.within if within else []
        return subprocess.run(
            [*prefix, "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *(f"{k}={v}" for k, v in environment.items()),
             str(self.state / "bin/relmgmt-test-mode"), *words],
            capture_output=True, text=True, timeout=120, check=False, cwd="/",
        )
