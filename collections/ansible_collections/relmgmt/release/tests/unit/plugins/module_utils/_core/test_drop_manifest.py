# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest of a delivery (A9, invariant 6)."""

from __future__ import annotations

import json

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.drop_manifest import (
    check_bundle,
    check_file,
    check_sha256,
    find_entry,
    read_manifest,
    release_of,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DeliveryError, InvalidInput

DIGEST, SHA = "ab" * 32, "12" * 32
BUNDLE = "CFIS002-abababababab"


def manifest(**more):
    content = {"release": "CFIS002", "bundle_digest": DIGEST, "files": {"cfis.war": {"sha256": SHA, "size": 7}}, **more}
    return json.dumps(content).encode()


@pytest.mark.parametrize("release", ["CFIS002", "CFIS-2026.1"])
def test_a_folder_names_its_release(release):
    assert release_of(release + "-abababababab") == release


def test_what_is_no_folder_of_a_bundle_names_none():
    with pytest.raises(InvalidInput):
        release_of("CFIS002")


def test_an_entry_is_found_by_name_and_digest():
    entry = find_entry(read_manifest(manifest(), BUNDLE, "p"), "cfis.war", SHA, "p")
    assert entry == ("cfis.war", SHA, 7)


@pytest.mark.parametrize(
    "data",
    [
        manifest(release="CFIS001"), manifest(bundle_digest="cd" * 32), manifest(bundle_digest="abababababab"),
        manifest(files=[]), manifest(files={"a": {}}), manifest(files={"a": {"sha256": SHA, "size": -1}}),
        manifest(files={"a": {"sha256": "x", "size": 1}}), b"", b"[]", b"{", b"\xff", b" " * (1 << 21), b"[" * 100000,
    ],
)
def test_a_manifest_that_is_not_of_this_bundle_or_not_sound_is_no_delivery(data):
    with pytest.raises(DeliveryError) as caught:
        read_manifest(data, BUNDLE, "/drop/MANIFEST.json")
    assert caught.value.place == "/drop/MANIFEST.json"
    assert "ansible-playbook playbooks/deliver.yml" in caught.value.cure


def test_a_package_that_is_missing_or_another_is_refused():
    entries = read_manifest(manifest(), BUNDLE, "p")
    with pytest.raises(DeliveryError, match=r"other\.war was not delivered"):
        find_entry(entries, "other.war", SHA, "p")
    with pytest.raises(DeliveryError, match="another digest") as caught:
        find_entry(entries, "cfis.war", "34" * 32, "p")
    assert caught.value.detail == {"expected": "34" * 32, "found": SHA}


@pytest.mark.parametrize("bundle", ["", "CFIS002", "../C-abababababab", "CFIS002-ABABABABABAB", "a/b-abababababab"])
def test_a_bundle_is_a_plain_folder_name(bundle):
    with pytest.raises(InvalidInput):
        check_bundle(bundle)


@pytest.mark.parametrize("file", ["", "..", "a/../b", "/a", ".hidden", "a b", "a*", "-rf", 'a"b', "a\nget b"])
def test_a_package_is_a_plain_relative_name(file):
    with pytest.raises(InvalidInput):
        check_file(file)


def test_plain_names_pass():
    assert check_bundle("CFIS-002.rc1-abababababab")
    assert check_file("war/cfis-1.2+3_x.war")
    with pytest.raises(InvalidInput):
        check_sha256("AB" * 32, "cfis.war")
