# SPDX-License-Identifier: GPL-3.0-or-later
"""The committed bundles and approvals are what examples/build.py makes of examples/application."""
from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

CLONE = Path(__file__).resolve().parents[1]
EXAMPLES = CLONE / "examples"
PHASES = ["gate", "lease", "quiesce", "backup", "install", "deploy", "verify", "sign_off_request", "reopen", "record"]
RELEASES = ["CFIS001", "CFIS002", "CFIS003"]


def check(examples: Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, str(examples / "build.py"), "--check"]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def bundle_digest(bundle: Path) -> str:
    lines = sorted((bundle / "SHA256SUMS").read_text().splitlines(), key=lambda line: line.split("  ", 1)[1])
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def test_bundles_are_as_built() -> None:
    done = check(EXAMPLES)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("changed", "named"),
    [("application/CFIS002/routines/CFISNOT.m", "CFIS002.xml"),
     ("application/CFIS002/static/release.txt", "cfis-static.zip: differs in release.txt"),
     ("bundles/CFIS001/CHECKLIST.md", "CFIS001/CHECKLIST.md"),
     ("changes/CHG0000002.approvals.yml", "CHG0000002.approvals.yml")],
)
def test_a_difference_is_named(tmp_path: Path, changed: str, named: str) -> None:
    copy = tmp_path / "examples"
    shutil.copytree(EXAMPLES, copy)
    with open(copy / changed, "a", encoding="utf-8") as file:
        file.write(" ;changed\n" if changed.endswith(".m") else "changed: true\n")
    done = check(copy)
    assert done.returncode == 1
    assert named in done.stdout


@pytest.mark.parametrize("release", RELEASES)
def test_sums_name_every_file_of_the_bundle(release: str) -> None:
    bundle = EXAMPLES / "bundles" / release
    lines = [line.split("  ", 1) for line in (bundle / "SHA256SUMS").read_text().splitlines()]
    listed = {name: digest for digest, name in lines}
    present = {path.name for path in bundle.iterdir()} - {"SHA256SUMS"}
    assert {name: hashlib.sha256((bundle / name).read_bytes()).hexdigest() for name in present} == listed
    packages = yaml.safe_load((bundle / "release.yml").read_text())["packages"]
    assert all(package["sha256"] == listed[package["file"]] for package in packages)


@pytest.mark.parametrize("change", ["CHG0000001", "CHG0000002", "CHG0000003"])
def test_approvals_are_bound_to_bundle_environment_and_phases(change: str) -> None:
    ticket = yaml.safe_load((EXAMPLES / "changes" / f"{change}.yml").read_text())
    given = yaml.safe_load((EXAMPLES / "changes" / f"{change}.approvals.yml").read_text())["approvals"]
    digest = bundle_digest(EXAMPLES / "bundles" / ticket["release"])
    bound = json.dumps({"bundle": digest, "environment": ticket["environment"], "phases": PHASES},
                       sort_keys=True, separators=(",", ":"))
    approvals = {approval["gate"]: approval for approval in given}
    assert approvals["acceptance_sign_off"]["bundle_digest"] == digest
    assert approvals["coordinator_approval"]["digest"] == hashlib.sha256(bound.encode()).hexdigest()
    assert ticket["requested_by"] not in {approval["person"] for approval in given}


def test_the_refused_change_breaks_two_rules() -> None:
    ticket = yaml.safe_load((EXAMPLES / "changes" / "CHG0000004.yml").read_text())
    given = yaml.safe_load((EXAMPLES / "changes" / "CHG0000004.approvals.yml").read_text())["approvals"]
    assert given[0]["bundle_digest"] != bundle_digest(EXAMPLES / "bundles" / ticket["release"])
    assert given[1]["person"] == ticket["requested_by"]


def test_every_variable_of_the_inventories_is_explained() -> None:
    """What nobody reads, or nobody explains, is not in an example."""
    explained = set(re.findall(r"relmgmt_\w+", (CLONE / "docs/inventory.md").read_text(encoding="utf-8")))
    for path in [*(CLONE / "inventories").rglob("*.yml"), *(CLONE / "molecule").rglob("hosts.yml")]:
        used = set(re.findall(r"^ *(relmgmt_\w+):", path.read_text(encoding="utf-8"), re.MULTILINE))
        assert used <= explained, path
