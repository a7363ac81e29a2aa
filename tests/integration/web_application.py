# SPDX-License-Identifier: GPL-3.0-or-later
"""One application on a real server, with all that a release of it needs."""

from __future__ import annotations

import http.client
import pathlib
import time
from typing import Any

from liberty_server import LibertyUnderTest
from web_host import build_zip, deliver, mark_undone, newest_act, permit, run, sha256, tree

from ansible_collections.relmgmt.release.plugins.module_utils._module.undo import UNDO, UndoContext

PATIENCE = 60
NO_CONTEXT = UndoContext("", "")


class Web:
    """One application on the server with a ledger, a drop and a shared folder of its own."""

    def __init__(self, server: LibertyUnderTest, place: pathlib.Path, name: str) -> None:
        self.server, self.place, self.name = server, place, name
        self.ledger, self.drop, self.shared = place / "state/ledger.db", place / "drop", place / "shared"
        self.packages = place / "packages"
        self.packages.mkdir(parents=True)
        self.file = server.directory / "dropins" / f"{name}.war"
        self.changes = 0

    def package(self, release: str, text: str, **more: str) -> dict[str, Any]:
        """A WAR in the drop and a permit for it: the module's options."""
        war = build_zip(self.packages / "app.war", {"index.html": text, **more})
        bundle = deliver(self.drop, release, war)
        self.changes += 1
        allowed = permit(self.ledger, f"CHG{self.changes:07d}", release, sha256(war))
        return {
            **allowed, "websphere": self.server.websphere(PATIENCE), "application": self.name,
            "context_root": "/" + self.name, "drop": {"path": str(self.drop)}, "bundle": bundle,
            "file": "app.war", "sha256": sha256(war), "shared_folder": str(self.shared),
        }

    def page(self) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        try:
            connection.request("GET", f"/{self.name}/")
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except ConnectionRefusedError:
            return 0, "nobody listens"
        finally:
            connection.close()

    def until(self, wanted: tuple[int, str | None]) -> None:
        """Wait until the page answers so; no text: whatever it says."""
        deadline = time.monotonic() + PATIENCE
        status, text = wanted
        while True:
            seen = self.page()
            if seen[0] == status and text in (None, seen[1]):
                return
            assert time.monotonic() < deadline, seen
            time.sleep(0.2)

    def info(self) -> dict[str, Any]:
        return run("websphere_app_info", {
            "websphere": self.server.websphere(), "application": self.name, "ledger": str(self.ledger),
        })

    def everything(self) -> dict[str, str]:
        """Every file on the server, in the ledger's folder and in drop and shared folder."""
        return {**self.on_the_server(), **tree(self.place)}

    def on_the_server(self) -> dict[str, str]:
        """Files of applications and of configuration."""
        configuration: dict[str, str] = {}
        for part in ("apps", "dropins", "relmgmt", "configDropins"):
            configuration.update(tree(self.server.directory / part))
        expanded = str(self.server.directory / "apps/expanded")
        return {path: digest for path, digest in configuration.items() if not path.startswith(expanded)}

    def undo(self) -> dict[str, Any]:
        act = newest_act(self.ledger)
        detail = UNDO[act["undo"]["kind"]](act["undo"], NO_CONTEXT)
        mark_undone(self.ledger, act["id"])
        return detail
