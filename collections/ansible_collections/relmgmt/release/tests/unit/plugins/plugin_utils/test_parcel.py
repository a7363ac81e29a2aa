# SPDX-License-Identifier: GPL-3.0-or-later
"""What a delivery brings (A9)."""

from __future__ import annotations

import hashlib
import json

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.release import release_from
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DeliveryError, InvalidInput
from ansible_collections.relmgmt.release.plugins.plugin_utils.bundle import Bundle
from ansible_collections.relmgmt.release.plugins.plugin_utils.parcel import manifest_entry, pack, parcel_of

DIGEST = "ab" * 32


@pytest.fixture
def bundle(tmp_path):
    """A bundle of one package, one document, and a file that stays with the developers."""
    files = {}
    for name, data in {"war/cfis.war": b"PK war", "NOTES.md": b"# Notes", "internal.txt": b"x"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
        files[name] = (hashlib.sha256(data).hexdigest(), len(data))
    release = release_from({
        "schema": 1, "name": "CFIS002", "documents": {"release_notes": "NOTES.md"},
        "packages": [
            {"type": "war", "file": "war/cfis.war", "sha256": files["war/cfis.war"][0], "application": "cfis"},
        ],
    })
    return Bundle("CFIS002", DIGEST, release, files, str(tmp_path))


def test_packages_and_documents_are_delivered_and_nothing_else(bundle):
    parcel = parcel_of(bundle)
    assert set(parcel.entries) == set(parcel.sources) == {"war/cfis.war", "NOTES.md"}
    assert parcel.entries["war/cfis.war"] == ("war/cfis.war", hashlib.sha256(b"PK war").hexdigest(), 6)
    assert b"".join(parcel.sources["war/cfis.war"]()) == b"PK war"
    assert (parcel.folder, parcel.origin) == (f"CFIS002-{DIGEST[:12]}", bundle.directory)


def test_the_manifest_is_the_same_wherever_it_is_made(bundle):
    parcel = parcel_of(bundle)
    again = pack("CFIS002", DIGEST, {e.file: (e.sha256, e.size) for e in parcel.entries.values()}, {}, "elsewhere")
    assert again.manifest == parcel.manifest
    assert json.loads(parcel.manifest)["release"] == "CFIS002"
    assert manifest_entry(parcel) == (
        "MANIFEST.json", hashlib.sha256(parcel.manifest).hexdigest(), len(parcel.manifest)
    )


def test_a_bundle_file_that_vanished_is_named(bundle, tmp_path):
    (tmp_path / "NOTES.md").unlink()
    with pytest.raises(DeliveryError, match=r"cannot be read.*NOTES\.md"):
        list(parcel_of(bundle).sources["NOTES.md"]())


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", ".hidden", "a//b", ""])
def test_a_file_name_that_leaves_the_folder_is_refused(name):
    with pytest.raises(InvalidInput):
        pack("CFIS002", DIGEST, {name: ("0" * 64, 1)}, {}, "/nowhere")
