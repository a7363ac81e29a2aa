# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of the web modules need: packages built on the spot, a drop, a ledger with receipt and lease."""

from __future__ import annotations

import hashlib
import json
import pathlib
import time
import zipfile
from typing import Any

from module_runner import run_module_raw

from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger

BROKEN_WEB_XML = "<web-app"


def run(name: str, options: dict[str, Any], check: bool = False) -> dict[str, Any]:
    """A module's result with its diff; ``failed`` is always there."""
    return {"failed": False, **run_module_raw(name, options, check, diff=True)}


def build_zip(path: pathlib.Path, files: dict[str, str], modes: dict[str, int] | None = None) -> pathlib.Path:
    """A ZIP with these members, its bytes the same at every build."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            info = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, text)
            mode = (modes or {}).get(name, 0)
            info.external_attr = (0o100000 | mode) << 16 if mode else 0  # only now: writestr replaces a 0
    return path


def sha256(path: pathlib.Path) -> str:
    """The file's digest."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def deliver(drop: pathlib.Path, release: str, *packages: pathlib.Path) -> str:
    """Lay packages into a drop as the delivery does; returns the bundle's folder name."""
    files = {path.name: {"sha256": sha256(path), "size": path.stat().st_size} for path in packages}
    digest = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
    folder = drop / f"{release}-{digest[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    for path in packages:
        (folder / path.name).write_bytes(path.read_bytes())
    manifest = {"release": release, "bundle_digest": digest, "files": files}
    (folder / "MANIFEST.json").write_text(json.dumps(manifest))
    return folder.name


def permit(ledger: pathlib.Path, change: str, release: str, *packages: str) -> dict[str, Any]:
    """Let a change pass its gate on a protected host; returns the options that a module needs for it."""
    with_ledger = Ledger(str(ledger))
    lease = with_ledger.lease()
    number = (lease["number"] if lease else 0) + 1
    with_ledger.set_host(environment="test", protected=True, sandbox=True)
    with_ledger.take_lease(change, {"user": "test"}, number)
    with_ledger.add_receipt(
        change=change, attempt=1, release=release, bundle_digest="0" * 64, plan_digest="0" * 64,
        environment="test", packages=list(packages), report=[], clock="real", expires=time.time() + 3600,
    )
    with_ledger.close()
    return {"change": change, "lease": number, "ledger": str(ledger)}


def close(ledger: pathlib.Path, change: str, verdict: str = "done") -> None:
    """End the change cycle: its rollback window is no longer open."""
    opened = Ledger(str(ledger))
    opened.close_receipt(change, 1, verdict)
    opened.close()


def newest_act(ledger: pathlib.Path) -> dict[str, Any]:
    """The act that was recorded last."""
    opened = Ledger(str(ledger), readonly=True)
    act = opened.acts()[0]
    opened.close()
    return act


def mark_undone(ledger: pathlib.Path, number: int) -> None:
    """What the rollback records after a handler has run."""
    opened = Ledger(str(ledger))
    opened.undo_act(number, {})
    opened.close()


def tree(directory: pathlib.Path) -> dict[str, str]:
    """Every file and link below a directory, with its content; shows that nothing was touched."""
    found = {}
    for path in sorted(directory.rglob("*")):
        if path.is_symlink():
            found[str(path)] = "-> " + str(path.readlink())
        elif path.is_file():
            found[str(path)] = sha256(path)
    return found
