# SPDX-License-Identifier: GPL-3.0-or-later
"""Release bundles of what nobody here wrote, taken from the registries when the tests run."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import zipfile
from pathlib import Path
from xml.sax.saxutils import quoteattr

from environment import cache_directory
from relmgmt_sandbox.bundles import authorised

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
            # The first Pythons 3.11 have no filters yet, and no word for one.
            archive.extraction_filter = getattr(tarfile, "data_filter", None)
            archive.extractall(target)
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
    return authorised(root, name, packages, checks)
