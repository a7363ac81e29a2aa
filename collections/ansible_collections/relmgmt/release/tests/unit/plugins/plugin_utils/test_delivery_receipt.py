# SPDX-License-Identifier: GPL-3.0-or-later
"""The receipt of a delivery (A9, A13): evidence that stays as it was first written."""

from __future__ import annotations

import json
import stat
from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._errors import DeliveryError
from ansible_collections.relmgmt.release.plugins.plugin_utils.delivery_receipt import (
    keep_receipt,
    receipt_of,
    receipt_path,
)
from ansible_collections.relmgmt.release.plugins.plugin_utils.parcel import pack

NOW = datetime(2026, 12, 4, 17, 30, 15, 123456, timezone(timedelta(hours=-8)))
SERVER = {"server": "drop:22", "user": "relmgmt", "host_key": "ssh-ed25519 SHA256:abc"}
PARCEL = pack("CFIS002", "ab" * 32, {"cfis.war": ("12" * 32, 7)}, {}, "/bundle")


def receipt(change="CHG0000002", now=NOW, **server):
    return receipt_of(PARCEL, change, "sftp://relmgmt@drop:22/in/CFIS002-x", {**SERVER, **server}, now, "maria@ctl")


def test_it_says_what_was_read_back_where_when_and_by_whom():
    found = receipt()
    assert found["files"][0] == {"file": "cfis.war", "sha256": "12" * 32, "size": 7}
    assert found["files"][1]["file"] == "MANIFEST.json"
    assert found["read_back_at"] == "2026-12-04T17:30:15-08:00"
    assert (found["read_back_by"], found["host_key"], found["bundle_digest"]) == (
        "maria@ctl", SERVER["host_key"], "ab" * 32
    )


@pytest.mark.parametrize(
    ("change", "name"),
    [("CHG0000002", "CHG0000002-CFIS002-abababababab-delivery.json"), ("", "CFIS002-abababababab-delivery.json")],
)
def test_its_name_is_of_change_and_bundle(change, name):
    assert receipt_path("/records", receipt(change)) == f"/records/{name}"


def test_it_is_kept_privately_and_a_later_run_that_says_the_same_leaves_it(tmp_path):
    root = str(tmp_path / "records")
    assert keep_receipt(root, receipt(), check=False)
    path = tmp_path / "records" / "CHG0000002-CFIS002-abababababab-delivery.json"
    assert json.loads(path.read_text()) == receipt()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    before = path.read_text()
    assert not keep_receipt(root, receipt(now=NOW + timedelta(days=1)), check=False)
    assert path.read_text() == before


@pytest.mark.parametrize("kept", ['{"half', "[]", json.dumps(receipt(host_key="ssh-ed25519 SHA256:other"))])
def test_one_that_says_something_else_or_nothing_is_replaced(tmp_path, kept):
    path = tmp_path / "CHG0000002-CFIS002-abababababab-delivery.json"
    path.write_text(kept)
    assert keep_receipt(str(tmp_path), receipt(), check=True)
    assert path.read_text() == kept
    assert keep_receipt(str(tmp_path), receipt(), check=False)
    assert json.loads(path.read_text()) == receipt()


def test_a_folder_that_takes_nothing_is_named_with_its_cure(tmp_path):
    (tmp_path / "records").write_text("a file")
    with pytest.raises(DeliveryError, match="its receipt cannot be kept") as caught:
        keep_receipt(str(tmp_path / "records"), receipt(), check=False)
    assert str(tmp_path / "records") in caught.value.place
    assert caught.value.cure
