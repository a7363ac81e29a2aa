# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle is what was sealed, file for file (A2)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput
from ansible_collections.relmgmt.release.plugins.plugin_utils.bundle import load_bundle, load_ticket

RELEASE = """\
schema: 1
name: CFIS009
packages:
  - {type: war, file: a.war, sha256: %s, application: cfis}
"""


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def seal(directory: Path) -> None:
    lines = [f"{sha(p)}  {p.name}\n" for p in sorted(directory.iterdir()) if p.name != "SHA256SUMS"]
    (directory / "SHA256SUMS").write_text("".join(lines))


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    (tmp_path / "a.war").write_bytes(b"PK war")
    (tmp_path / "release.yml").write_text(RELEASE % sha(tmp_path / "a.war"))
    seal(tmp_path)
    return tmp_path


def test_a_sealed_bundle_is_accepted(bundle: Path) -> None:
    loaded = load_bundle(str(bundle))
    assert loaded.name == "CFIS009"
    lines = "".join(sorted((bundle / "SHA256SUMS").read_text().splitlines(keepends=True), key=lambda x: x[66:]))
    assert loaded.digest == hashlib.sha256(lines.encode()).hexdigest()
    assert loaded.drop_name == f"CFIS009-{loaded.digest[:12]}"
    assert loaded.release.packages_of("war")[0]["context_root"] == "/cfis"


def flip(bundle: Path) -> None:
    (bundle / "a.war").write_bytes(b"PK wAr")


def add(bundle: Path) -> None:
    (bundle / "more.txt").write_text("x")


def remove(bundle: Path) -> None:
    (bundle / "a.war").unlink()


def reseal_other_war(bundle: Path) -> None:
    flip(bundle)
    seal(bundle)


def link(bundle: Path) -> None:
    (bundle / "link").symlink_to("/etc/passwd")


def no_sums(bundle: Path) -> None:
    (bundle / "SHA256SUMS").unlink()


def bad_line(bundle: Path) -> None:
    (bundle / "SHA256SUMS").write_text("nonsense\n")


@pytest.mark.parametrize(
    "damage, reason",
    [
        (flip, "is not what SHA256SUMS says"),
        (add, "more.txt is not listed"),
        (remove, "a.war is missing"),
        (reseal_other_war, "release.yml says sha256"),
        (link, "plain files only"),
        (no_sums, "no readable SHA256SUMS"),
        (bad_line, "not a checksum line"),
    ],
)
def test_any_other_is_refused(bundle: Path, damage: Callable[[Path], None], reason: str) -> None:
    damage(bundle)
    with pytest.raises(InvalidInput, match=reason) as caught:
        load_bundle(str(bundle))
    assert caught.value.place
    assert caught.value.cure


def test_a_ticket_is_read_with_the_approvals_beside_it(tmp_path: Path) -> None:
    (tmp_path / "C1.yml").write_text(
        "change: C1\nrelease: R\nbundle: ../b\nenvironment: e\nrequested_by: m\ndate: 2026-01-01\n"
    )
    ticket, approvals, path = load_ticket(str(tmp_path / "C1.yml"))
    assert (ticket.kind, approvals, path) == ("regular", [], str(tmp_path.parent / "b"))
    (tmp_path / "C1.approvals.yml").write_text(
        "approvals:\n  - {gate: g, person: p, role: r, time: '2026-01-01T00:00:00Z', "
        f"expires: '2026-01-02T00:00:00Z', digest: {'a' * 64}}}\n"
    )
    assert load_ticket(str(tmp_path / "C1.yml"))[1][0].person == "p"
