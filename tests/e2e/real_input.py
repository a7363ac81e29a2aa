# SPDX-License-Identifier: GPL-3.0-or-later
"""Release bundles of what nobody here wrote, taken from the registries when the tests run."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import zipfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import yaml
from environment import cache_directory

from ansible_collections.relmgmt.release.plugins.module_utils._core.release import approval_digest
from relmgmt_runner.cli import main as relmgmt

WAR = "org.jolokia:jolokia-war-unsecured:1.7.2:war"
STATIC = "chart.js@4.4.9"
ROUTINES = "nodem@0.20.9"


def cache() -> Path:
    """Where downloads are kept between runs; never committed."""
    path = cache_directory() / "real-input"
    path.mkdir(parents=True, exist_ok=True)
    return path


def maven(artifact: str) -> Path:
    """A file from Maven."""
    _group, name, version, kind = artifact.split(":")
    target = cache() / f"{name}-{version}.{kind}"
    if not target.exists():
        subprocess.run(["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={artifact}",
                        f"-DoutputDirectory={cache()}"], check=True, capture_output=True, timeout=300)
    return target


def npm(package: str) -> Path:
    """An unpacked package from npm."""
    target = cache() / package.replace("@", "-")
    if not target.exists():
        packed = subprocess.run(["npm", "pack", "--silent", package], cwd=cache(), check=True,
                                capture_output=True, text=True, timeout=300).stdout.split()[-1]
        with tarfile.open(cache() / packed) as archive:
            archive.extractall(target, filter="data")
    return target / "package"


def utilities(dist: Path) -> dict[str, str]:
    """The %-utilities that Debian's fis-gtm carries in source."""
    found = {}
    for path in sorted(dist.glob("_[A-Z]*.m")):
        found["%" + path.stem[1:]] = path.read_text(encoding="latin-1")
    return found


def export(routines: dict[str, str], target: Path) -> None:
    """Wrap routines as a Caché export does."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>\n<Export generator="Cache" version="25">\n']
    for name, text in routines.items():
        code = text.replace("]]>", "]]]]><![CDATA[>")
        lines.append(f'<Routine name={quoteattr(name)} type="INT" languagemode="0"><![CDATA[\n{code}]]></Routine>\n')
    lines.append("</Export>\n")
    target.write_text("".join(lines), encoding="utf-8")


def zipped(directory: Path, target: Path) -> None:
    """A static ZIP of a folder."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(directory.rglob("*")):
            if path.is_file():
                archive.write(path, str(path.relative_to(directory)))


def bundle(
    root: Path, name: str, packages: list[dict[str, Any]], completeness: list[dict[str, Any]], **more: Any
) -> Path:
    """Seal a bundle whose packages lie in ``root/bundles/NAME``, approve it, return its ticket.

    ``more``: what else release.yml says.
    """
    directory = root / "bundles" / name
    for package in packages:
        package["sha256"] = hashlib.sha256((directory / package["file"]).read_bytes()).hexdigest()
    release = {"schema": 1, "name": name, "packages": packages, "completeness": completeness, **more}
    (directory / "release.yml").write_text(yaml.safe_dump(release, sort_keys=False))
    assert relmgmt(["seal", str(directory)]) == 0
    return _approved(root, name, directory)


def _approved(root: Path, name: str, directory: Path) -> Path:
    changes = root / "changes"
    changes.mkdir(exist_ok=True)
    ticket = changes / f"CHG-{name}.yml"
    ticket.write_text(yaml.safe_dump({
        "change": f"CHG-{name}", "release": name, "bundle": f"../bundles/{name}", "environment": "sandbox",
        "kind": "expedited", "reason": "real input", "requested_by": "tester", "date": "2026-12-05",
    }))
    sums = (directory / "SHA256SUMS").read_text().splitlines(keepends=True)
    digest = hashlib.sha256("".join(sorted(sums, key=lambda line: line[66:])).encode()).hexdigest()
    now = datetime.now(timezone.utc)
    common = {"person": "helen.brandt", "role": "change management coordinator",
              "time": (now - timedelta(hours=1)).isoformat(timespec="seconds"),
              "expires": (now + timedelta(days=1)).isoformat(timespec="seconds")}
    approvals = [
        {"gate": "acceptance_sign_off", "environment": "acceptance", "bundle_digest": digest, **common},
        {"gate": "coordinator_approval", "environment": "sandbox",
         "digest": approval_digest(digest, "sandbox"), **common},
    ]
    ticket.with_name(f"CHG-{name}.approvals.yml").write_text(yaml.safe_dump({"approvals": approvals}))
    return ticket


def real_release(root: Path, name: str, routines: dict[str, str]) -> Path:
    """A release of real routines, a real WAR and real static content; returns its ticket."""
    directory = root / "bundles" / name
    directory.mkdir(parents=True)
    export(routines, directory / "routines.xml")
    shutil.copy(maven(WAR), directory / "jolokia.war")
    zipped(npm(STATIC) / "dist", directory / "chart.zip")
    packages = [
        {"type": "cache_xml", "file": "routines.xml", "percent_items": ["%*"]},
        {"type": "war", "file": "jolokia.war", "application": "jolokia", "context_root": "/jolokia"},
        {"type": "static_zip", "file": "chart.zip"},
    ]
    checks = [
        {"name": "the agent answers", "path": "/jolokia/version", "at": "servers",
         "jmespath": "status == `200` && value.config.agentType == 'servlet'"},
        {"name": "the library is served", "path": "/static/chart.umd.js", "at": "entry", "expect": ["Chart.js"]},
    ]
    return bundle(root, name, packages, checks)
