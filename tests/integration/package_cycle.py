# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with an instance, a drop, a ledger and a change cycle, for tests of cache_package."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from gtm_instance import GtmSandbox
from module_runner import run_module, run_module_raw

from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger
from ansible_collections.relmgmt.release.plugins.module_utils._module.undo import UndoContext, undo

DIGEST = "0123456789ab" + "0" * 52
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<Export generator="Cache" version="25">\n'


def routine_xml(name: str, text: str) -> str:
    """A Routine element; ``name`` with its type."""
    plain, _dot, kind = name.rpartition(".")
    return f'<Routine name={quoteattr(plain)} type="{kind}" languagemode="0">\n{escape(text)}</Routine>\n'


def global_xml(name: str, nodes: dict[tuple[str, ...], str]) -> str:
    """A Global element with one Node chain for each node."""
    inner = "".join(
        f"<Data>{escape(value)}</Data>" if not path else
        "".join(f"<Node><Sub>{escape(one)}</Sub>" for one in path)
        + f"<Data>{escape(value)}</Data>" + "</Node>" * len(path)
        for path, value in nodes.items()
    )
    return f"<Global>\n<Node><Sub>{name}</Sub>{inner}</Node>\n</Global>\n"


def export_xml(*items: str) -> bytes:
    """A whole export."""
    return (HEAD + "".join(items) + "</Export>\n").encode()


class Cycle:
    """Change after change on one host."""

    def __init__(self, base: Path, gtm: GtmSandbox) -> None:
        self.gtm = gtm
        self.drop = base / "drop"
        self.ledger_path = base / "state" / "ledger.db"
        self.number = 0
        self.ledger().set_host(environment="sandbox", protected=True, sandbox=True)

    def ledger(self) -> Ledger:
        """The host's ledger."""
        return Ledger(str(self.ledger_path))

    def begin(self, release: str, *items: str, backup: bool = True, **options: Any) -> dict[str, Any]:
        """A new change whose gate has passed and whose export lies in the drop: its options."""
        return self.begin_file(release, export_xml(*items), backup, **options)

    def begin_file(self, release: str, data: bytes, backup: bool = True, **options: Any) -> dict[str, Any]:
        """The same with the bytes of a package."""
        self.number += 1
        change = f"CHG{self.number:07d}"
        digest = hashlib.sha256(data).hexdigest()
        bundle = self.deliver(release, data, digest)
        ledger = self.ledger()
        ledger.take_lease(change, {"user": "maria.lopez"}, self.number)
        ledger.add_receipt(
            change=change, attempt=1, release=release, bundle_digest=DIGEST, plan_digest="p",
            environment="sandbox", packages=[digest], report={}, clock="test",
            expires=time.time() + 3600,
        )
        if backup:
            self.add_backup(change)
        return {
            "instance": self.gtm.instance, "change": change, "lease": self.number,
            "ledger": str(self.ledger_path), "drop": {"method": "path", "path": str(self.drop)},
            "bundle": bundle, "file": f"{release}.xml", "sha256": digest, **options,
        }

    def deliver(self, release: str, data: bytes, digest: str) -> str:
        """Put a package into the drop as deliver.yml does; returns the bundle's folder."""
        bundle = f"{release}-{DIGEST[:12]}"
        folder = self.drop / bundle
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{release}.xml").write_bytes(data)
        entry = {"sha256": digest, "size": len(data)}
        (folder / "MANIFEST.json").write_text(json.dumps(
            {"release": release, "bundle_digest": DIGEST, "files": {f"{release}.xml": entry}}
        ))
        return bundle

    def add_backup(self, change: str, age: float = 0.0) -> Path:
        """A verified point ``before`` of this change."""
        path = self.ledger_path.parent / "backup" / change / "before"
        path.mkdir(parents=True, exist_ok=True)
        self.ledger().add_point(
            change=change, attempt=1, instance=self.gtm.instance["name"], point="before",
            path=str(path), root_digest="d", taken_at=time.time() - age, detail={},
        )
        return path

    def install(self, args: dict[str, Any], check: bool = False) -> dict[str, Any]:
        """Run cache_package with diff; it must succeed."""
        return run_module("cache_package", args, check=check, diff=True)

    def refused(self, args: dict[str, Any], check: bool = False) -> dict[str, Any]:
        """Run cache_package; it must fail, and this is what it says."""
        result = run_module_raw("cache_package", args, check=check)
        assert result.get("failed"), result
        return dict(result["error"])

    def roll_back(self, args: dict[str, Any]) -> list[dict[str, Any]]:
        """Undo the change's acts, newest first, as the module rollback does."""
        ledger, details = self.ledger(), []
        for act in ledger.acts(args["change"]):
            if act["undone_at"] is None:
                details.append(undo(act, UndoContext("", "")))
                ledger.undo_act(act["id"], details[-1])
        return details

    def undo_again(self, args: dict[str, Any]) -> list[dict[str, Any]]:
        """The same handlers once more, whatever the ledger says."""
        acts = self.ledger().acts(args["change"])
        return [undo(act, UndoContext("", "")) for act in acts]

    def close(self, args: dict[str, Any]) -> None:
        """The change is done."""
        self.ledger().close_receipt(args["change"], 1, "done")

    def files(self) -> dict[str, bytes]:
        """Every file that check mode must leave alone, by path."""
        roots = [self.gtm.sources, self.gtm.objects, self.drop, self.ledger_path.parent]
        return {str(path): path.read_bytes() for root in roots for path in sorted(root.rglob("*")) if path.is_file()}

    def state(self) -> tuple[dict[str, bytes], list[str]]:
        """Routines in source, and every node of every global."""
        return {path.name: path.read_bytes() for path in self.gtm.sources.iterdir()}, self.gtm.extract()
