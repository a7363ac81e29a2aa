# SPDX-License-Identifier: GPL-3.0-or-later
"""What the web tier runs before a release, and the set it came in (A15)."""

from __future__ import annotations

import hashlib

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._errors import DeliveryError, HostStateUnknown
from ansible_collections.relmgmt.release.plugins.plugin_utils.parcel import pack
from ansible_collections.relmgmt.release.plugins.plugin_utils.prior_packages import prior_bundles, prior_parcel

FIRST, SECOND = "a1" * 32, "b2" * 32
COMING = "CFIS003-c3c3c3c3c3c3"
WAR = b"PK war of CFIS002"
SHA = hashlib.sha256(WAR).hexdigest()


def receipt(change, digest, attempt=1, verdict="done"):
    return {"change": change, "bundle_digest": digest, "attempt": attempt, "verdict": verdict}


def row(release, change, digest=SHA):
    return {"release": release, "digest": digest, "change": change, "since": 1.0}


def host(current, *receipts):
    return {"current": current, "receipts": list(receipts)}


def test_the_bundle_of_what_runs_is_found_through_the_change_that_brought_it():
    app = host({"war:cfis": row("CFIS002", "CHG2"), "cache_package:CFIS": row("CFIS001", "CHG1")},
               receipt("CHG1", FIRST), receipt("CHG2", SECOND))
    [prior] = prior_bundles({"app1": app, "app2": app}, COMING)
    assert (prior.release, prior.digest, prior.change, prior.folder) == (
        "CFIS002", SECOND, "CHG2", "CFIS002-b2b2b2b2b2b2"
    )
    assert set(prior.packages) == {SHA}


def test_each_bundle_of_which_something_runs_is_kept():
    """A release without static content leaves the older one's in place."""
    receipts = receipt("CHG1", FIRST), receipt("CHG2", SECOND)
    found = prior_bundles({
        "app1": host({"war:cfis": row("CFIS002", "CHG2")}, *receipts),
        "web1": host({"static:/srv/web": row("CFIS001", "CHG1", "77" * 32)}, *receipts),
    }, COMING)
    assert [prior.folder for prior in found] == ["CFIS001-a1a1a1a1a1a1", "CFIS002-b2b2b2b2b2b2"]
    assert found[0].packages == {"77" * 32: "web1: static:/srv/web"}


def test_the_attempt_that_was_done_counts_not_a_later_one_that_was_not():
    receipts = receipt("CHG2", SECOND), receipt("CHG2", FIRST, 2, "not_started"), receipt("CHG2", FIRST, 3, None)
    [prior] = prior_bundles({"app1": host({"war:cfis": row("CFIS002", "CHG2")}, *receipts)}, COMING)
    assert prior.digest == SECOND


@pytest.mark.parametrize(
    "state", [host({}), host({"cache_package:CFIS": row("CFIS002", "CHG2")}), host({"war:cfis": row("CFIS003", "CHG3")},
              receipt("CHG3", "c3" * 32))]
)
def test_nothing_is_prior_where_nothing_runs_or_the_coming_bundle_does(state):
    assert prior_bundles({"app1": state}, COMING) == []


@pytest.mark.parametrize("state", [{}, {"failed": True, "msg": "the host cannot be reached"}])
def test_a_host_that_said_nothing_holds_the_delivery(state):
    with pytest.raises(HostStateUnknown, match="app1") as caught:
        prior_bundles({"app1": state}, COMING)
    assert state.get("msg", "not asked") in str(caught.value)
    assert "--limit" in caught.value.cure


def test_a_package_without_a_receipt_is_not_guessed_at():
    with pytest.raises(HostStateUnknown, match="does not say of which bundle war:cfis is"):
        prior_bundles({"app1": host({"war:cfis": row("CFIS002", "CHG2")}, receipt("CHG1", FIRST))}, COMING)


@pytest.fixture
def prior():
    [found] = prior_bundles(
        {"app1": host({"war:cfis": row("CFIS002", "CHG2")}, receipt("CHG2", SECOND))}, COMING
    )
    return found


def lay(drop, content=WAR):
    files = {"cfis.war": (hashlib.sha256(content).hexdigest(), len(content)), "docs/NOTES.md": ("34" * 32, 3)}
    parcel = pack("CFIS002", SECOND, files, {}, "")
    drop.files[f"/drop/{parcel.folder}/cfis.war"] = content
    drop.files[f"/drop/{parcel.folder}/MANIFEST.json"] = parcel.manifest
    return parcel


def test_the_set_is_the_drops_own_with_the_same_manifest(drop, prior):
    laid = lay(drop)
    parcel = prior_parcel(drop, "/drop", prior)
    assert (parcel.manifest, parcel.entries, parcel.folder) == (laid.manifest, laid.entries, prior.folder)
    assert b"".join(parcel.sources["cfis.war"]()) == WAR
    assert parcel.origin == f"memory:/drop/{prior.folder}"


def test_a_drop_that_holds_the_set_no_more_is_told_with_its_cure(drop, prior):
    told = r"does not hold CFIS002-b2b2b2b2b2b2, which runs now \(change CHG2\)"
    with pytest.raises(DeliveryError, match=told) as caught:
        prior_parcel(drop, "/drop", prior)
    assert "deliver the change that brought it once more" in caught.value.cure


def test_a_set_without_the_package_that_runs_is_refused(drop, prior):
    lay(drop, b"PK another war")
    with pytest.raises(DeliveryError, match=r"no package with the digest of app1: war:cfis") as caught:
        prior_parcel(drop, "/drop", prior)
    assert caught.value.detail["expected"] == SHA
