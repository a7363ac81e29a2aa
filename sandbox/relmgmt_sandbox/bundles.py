# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle of packages at hand becomes a release that the sandbox may carry out: sealed, ticketed, approved."""
from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.relmgmt.release.plugins.module_utils._core.release import approval_digest
from relmgmt_runner.cli import main as relmgmt

from .errors import SandboxError


def authorised(
    root: Path, name: str, packages: list[dict[str, Any]], completeness: list[dict[str, Any]], **more: Any
) -> Path:
    """Seal the bundle whose files lie in ``root/bundles/NAME``, approve it; returns its ticket.

    ``packages`` and ``completeness`` as in release.yml, without digests; ``more``: further keys of it.
    """
    directory = root / "bundles" / name
    sealed = [{**package, "sha256": _digest((directory / package["file"]).read_bytes())} for package in packages]
    release = {"schema": 1, "name": name, "packages": sealed, "completeness": completeness, **more}
    (directory / "release.yml").write_text(yaml.safe_dump(release, sort_keys=False), encoding="utf-8")
    if relmgmt(["seal", str(directory)]):
        raise SandboxError(f"{directory} could not be sealed", "read what relmgmt seal says above")
    return _ticket(root, name, directory)


def _ticket(root: Path, name: str, directory: Path) -> Path:
    ticket = root / "changes" / f"CHG-{name}.yml"
    ticket.parent.mkdir(exist_ok=True)
    ticket.write_text(yaml.safe_dump({
        "change": f"CHG-{name}", "release": name, "bundle": f"../bundles/{name}", "environment": "sandbox",
        "kind": "expedited", "reason": "made for the sandbox", "requested_by": "tester", "date": "2026-12-05",
    }), encoding="utf-8")
    sums = (directory / "SHA256SUMS").read_text(encoding="utf-8").splitlines(keepends=True)
    digest = _digest("".join(sorted(sums, key=lambda line: line[66:])).encode())
    now = datetime.now(timezone.utc)
    given = {"person": "helen.brandt", "role": "change management coordinator",
             "time": (now - timedelta(hours=1)).isoformat(timespec="seconds"),
             "expires": (now + timedelta(days=1)).isoformat(timespec="seconds")}
    approvals = [
        {"gate": "acceptance_sign_off", "environment": "acceptance", "bundle_digest": digest, **given},
        {"gate": "coordinator_approval", "environment": "sandbox",
         "digest": approval_digest(digest, "sandbox"), **given},
    ]
    approved = ticket.with_name(f"{ticket.stem}.approvals.yml")
    approved.write_text(yaml.safe_dump({"approvals": approvals}), encoding="utf-8")
    return ticket


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
