# SPDX-License-Identifier: GPL-3.0-or-later
"""``relmgmt seal``, ``approve`` and ``validate`` (A2, A4, T33, T34)."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from runner_samples import NOW, RELEASE, TICKET

from ansible_collections.relmgmt.release.plugins.module_utils._core.release import approval_digest
from ansible_collections.relmgmt.release.plugins.plugin_utils.bundle import load_bundle, load_ticket
from relmgmt_runner.testing import FakeInventories

POLICY = {
    "approvals": [{"gate": "coordinator_approval", "roles": ["coordinator"]}],
    "window": {"rule": "always"},
}
HOSTS = {"db1": {"relmgmt_environment": "sandbox", "relmgmt_policy": POLICY}, "drop": {}}


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def approve(relmgmt, change, *words, gate="coordinator_approval", person="Ann Lee"):
    return relmgmt("approve", change, "--gate", gate, "--person", person, "--role", "coordinator", *words)


# -- seal ------------------------------------------------------------------------------


def test_seal_fills_in_digests_and_keeps_every_comment(relmgmt, bundle):
    assert relmgmt("seal", bundle) == 0
    war, static = sha256(b"PK war"), sha256(b"PK zip")
    assert (bundle / "release.yml").read_text() == RELEASE.replace(
        "    file: cfis.war\n", f"    file: cfis.war\n    sha256: {war}\n"
    ).replace("file: cfis-static.zip}", f"file: cfis-static.zip, sha256: {static}}}")
    assert load_bundle(str(bundle)).digest in relmgmt.said


def test_seal_fills_in_the_digests_of_configuration_too(relmgmt, bundle):
    entries = (
        "configuration:\n  - type: fragment\n    name: ds  # data source\n    file: ds.xml\n"
        "  - {type: variable, name: a, value: 1}\n"
    )
    (bundle / "ds.xml").write_text("<server/>")
    (bundle / "release.yml").write_text(RELEASE + entries)
    assert relmgmt("seal", bundle) == 0
    text = (bundle / "release.yml").read_text()
    assert f"    file: ds.xml\n    sha256: {sha256(b'<server/>')}\n" in text
    assert text.endswith("  - {type: variable, name: a, value: 1}\n")
    assert len(load_bundle(str(bundle)).release.configuration) == 2


def test_seal_twice_writes_nothing(relmgmt, bundle):
    relmgmt("seal", bundle)
    before = {p: p.stat().st_mtime_ns for p in bundle.iterdir()}
    assert relmgmt("seal", bundle) == 0
    assert {p: p.stat().st_mtime_ns for p in bundle.iterdir()} == before
    assert "sealed already" in relmgmt.said


def test_seal_after_a_change_gives_another_digest(relmgmt, bundle):
    relmgmt("seal", bundle)
    first = load_bundle(str(bundle)).digest
    (bundle / "cfis.war").write_bytes(b"PK war 2")
    assert relmgmt("seal", bundle) == 0
    assert load_bundle(str(bundle)).digest != first
    assert "# the application" in (bundle / "release.yml").read_text()


@pytest.mark.parametrize("file", ["missing.war", "../outside.war"])
def test_seal_refuses_a_package_outside_the_bundle(relmgmt, bundle, capsys, file):
    (bundle.parent / "outside.war").write_bytes(b"x")
    (bundle / "release.yml").write_text(RELEASE.replace("cfis.war", file))
    assert relmgmt("seal", bundle) == 2
    assert file in capsys.readouterr().err
    assert not (bundle / "SHA256SUMS").exists()


def test_seal_refuses_a_link(relmgmt, bundle):
    (bundle / "link").symlink_to("/etc/passwd")
    assert relmgmt("seal", bundle) == 2


def test_seal_needs_a_release(relmgmt, tmp_path):
    assert relmgmt("seal", tmp_path) == 2


# -- approve ---------------------------------------------------------------------------


def test_an_approval_is_bound_to_the_bundles_digest(relmgmt, change, bundle):
    assert approve(relmgmt, change) == 0
    [approval] = load_ticket(str(change))[1]
    assert approval.digest == approval_digest(load_bundle(str(bundle)).digest, "sandbox")
    assert (approval.person, approval.role, approval.environment) == ("Ann Lee", "coordinator", "sandbox")
    assert approval.time == "2026-12-01T12:00:00+00:00"
    assert approval.expires == "2026-12-15T12:00:00+00:00"


def test_a_sign_off_elsewhere_is_bound_to_the_bundle_itself(relmgmt, change, bundle):
    words = ["--environment", "acceptance", "--expires", "2026-12-06T06:00:00+01:00"]
    assert approve(relmgmt, change, *words, gate="acceptance_sign_off") == 0
    [approval] = load_ticket(str(change))[1]
    assert approval.bundle_digest == load_bundle(str(bundle)).digest
    assert approval.digest == ""
    assert approval.expires == "2026-12-06T06:00:00+01:00"


def test_comments_and_earlier_entries_are_kept(relmgmt, change):
    approve(relmgmt, change)
    path = change.with_name("CHG0000002.approvals.yml")
    commented = path.read_text().replace("    role", "    # deputy this week\n    role") + "# end\n"
    path.write_text(commented)
    assert approve(relmgmt, change, person="Bob Ray") == 0
    text = path.read_text()
    assert [a.person for a in load_ticket(str(change))[1]] == ["Ann Lee", "Bob Ray"]
    assert "# deputy this week" in text
    assert text.endswith("# end\n")
    assert "  # deputy" in text


@pytest.mark.parametrize("person", ["maria.lopez", "Maria.Lopez ", "  ", "Ann\x1b[2J"])
def test_the_requester_and_nobody_cannot_approve(relmgmt, change, person):
    assert approve(relmgmt, change, person=person) in (2, 4)
    assert not change.with_name("CHG0000002.approvals.yml").exists()


@pytest.mark.parametrize(("expires", "status"), [("2026-11-01T00:00:00Z", 4), ("tomorrow", 2), ("2026-12-06T06:00", 2)])
def test_an_expiry_that_means_nothing_is_refused(relmgmt, change, expires, status):
    assert approve(relmgmt, change, "--expires", expires) == status


def test_a_bundle_that_is_not_whole_cannot_be_approved(relmgmt, change, bundle):
    (bundle / "cfis.war").write_bytes(b"other")
    assert approve(relmgmt, change) == 2


# -- validate --------------------------------------------------------------------------


def test_a_good_bundle_and_change_pass(relmgmt, change, bundle):
    approve(relmgmt, change)
    relmgmt.inventories = FakeInventories(HOSTS)
    assert relmgmt("validate", bundle) == 0
    assert relmgmt("validate", change, "-i", "db1,") == 0
    assert "pass     coordinator_approval: Ann Lee" in relmgmt.said
    assert "refuse" not in relmgmt.said


def test_a_changed_package_is_invalid(relmgmt, change, bundle):
    (bundle / "cfis.war").write_bytes(b"other")
    assert relmgmt("validate", bundle) == 2
    assert relmgmt("validate", change) == 2
    assert "cfis.war is not what SHA256SUMS says" in relmgmt.said
    assert "cure:" in relmgmt.said


def test_a_package_that_no_instance_could_load_is_refused(relmgmt, change, bundle):
    (bundle / "CFIS002.xml").write_text('<Export><Routine name="%A" type="MAC">\n ;\n</Routine></Export>')
    text = (bundle / "release.yml").read_text()
    more = "documents:\n"
    (bundle / "release.yml").write_text(text.replace(more, "  - {type: cache_xml, file: CFIS002.xml}\n" + more))
    relmgmt("seal", bundle)
    assert relmgmt("validate", bundle) == 4
    assert "refuse   packages: %A.MAC (CFIS002.xml line 1) belongs to every namespace" in relmgmt.said
    assert "name it in percent_items" in relmgmt.said


def test_an_approval_of_another_bundle_is_refused(relmgmt, change, bundle):
    approve(relmgmt, change)
    (bundle / "NOTES.md").write_text("# Other notes\n")
    relmgmt("seal", bundle)
    assert relmgmt("validate", change) == 4
    assert "the bundle is not the one that was approved" in relmgmt.said


def test_an_expired_approval_is_refused(relmgmt, change):
    approve(relmgmt, change)
    relmgmt.clock.moment = NOW + timedelta(days=15)
    assert relmgmt("validate", change) == 4
    assert "expired" in relmgmt.said


def test_a_release_name_that_breaks_the_pattern_is_refused(relmgmt, change, bundle):
    (bundle / "release.yml").write_text((bundle / "release.yml").read_text().replace("CFIS002", "release-2"))
    relmgmt("seal", bundle)
    change.write_text(TICKET.replace("release: CFIS002", "release: release-2"))
    assert relmgmt("validate", change) == 4
    assert "A4" in relmgmt.said


def test_the_inventorys_environment_counts(relmgmt, change):
    relmgmt.inventories = FakeInventories({"db1": {**HOSTS["db1"], "relmgmt_environment": "production"}})
    assert relmgmt("validate", change, "-i", "db1,") == 4
    assert "the inventory is production" in relmgmt.said


def test_without_an_inventory_it_says_what_was_not_checked(relmgmt, change):
    assert relmgmt("validate", change) == 0
    assert "were not checked" in relmgmt.said


def test_an_inventory_that_contradicts_itself_is_a_usage_error(relmgmt, change, capsys):
    relmgmt.inventories = FakeInventories({**HOSTS, "db2": {"relmgmt_environment": "other"}})
    assert relmgmt("validate", change, "-i", "db1,") == 2
    assert "differ in relmgmt_environment" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["[]", "change: CHG1\n", "a: &x 1\nb: *x\n", TICKET + "surprise: 1\n", "{{"])
def test_a_ticket_of_another_shape_is_invalid(relmgmt, change, text):
    change.write_text(text)
    assert relmgmt("validate", change) == 2
