# SPDX-License-Identifier: GPL-3.0-or-later
"""The delivery protocol on a drop in memory (A9, A13, invariant 8)."""

from __future__ import annotations

import hashlib
import json
import posixpath
from unittest.mock import Mock

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.drop_manifest import read_manifest
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DeliveryError, InvalidInput
from ansible_collections.relmgmt.release.plugins.plugin_utils import delivery

BASE = "/drop"
DIGEST = "ab" * 32
ROOT = f"{BASE}/CFIS002-{DIGEST[:12]}"
TOKEN = "0123456789abcdef"
CONTENT = {"cfis.war": b"PK war", "CFIS002.xml": b"<Export/>", "docs/CHECKLIST.md": b""}


class MemoryDrop:
    """The port's fake: files by path, a log of what changed, and faults on demand."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.directories = {BASE}
        self.log: list[str] = []
        self.cut_after: int | None = None
        self.corrupt = False
        self.replaces = False
        self.after_store = lambda drop, path: None
        self.before_rename = lambda drop, new: None

    def place(self, path):
        return "memory:" + path

    def size(self, path):
        return len(self.files[path]) if path in self.files else None

    def chunks(self, path):
        yield self.files[path]

    def names(self, directory):
        return [posixpath.basename(p) for p in self.files if posixpath.dirname(p) == directory]

    def make_directory(self, path):
        assert posixpath.dirname(path) in self.directories
        self.directories.add(path)

    def store(self, path, chunks):
        assert posixpath.dirname(path) in self.directories
        assert path not in self.files
        self.files[path] = b""
        for chunk in chunks:
            if self.cut_after is not None and len(self.log) >= self.cut_after:
                raise DeliveryError("the connection was cut", path)
            self.files[path] += chunk + (b"!" if self.corrupt else b"")
        self.log.append("store " + path)
        self.after_store(self, path)

    def rename(self, old, new):
        self.before_rename(self, new)
        if new in self.files and not self.replaces:
            raise DeliveryError("Failure", new)
        self.files[new] = self.files.pop(old)
        self.log.append("rename " + new)

    def remove(self, path):
        self.files.pop(path, None)
        self.log.append("remove " + path)


@pytest.fixture
def parcel(tmp_path):
    for name, data in CONTENT.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    files = {name: (hashlib.sha256(data).hexdigest(), len(data)) for name, data in CONTENT.items()}
    return delivery.pack("CFIS002", DIGEST, files, str(tmp_path))


def deliver(drop, parcel):
    found = delivery.survey(drop, BASE, parcel, silent)
    if not found.complete:
        delivery.send(drop, BASE, parcel, found, TOKEN, silent)
    return found


def silent(verb, name, done, size):
    return None


def test_first_delivery_sends_everything_and_the_manifest_last(parcel):
    drop = MemoryDrop()
    found = deliver(drop, parcel)
    assert found.kept == []
    assert drop.log[-1] == f"rename {ROOT}/MANIFEST.json"
    assert {p.removeprefix(ROOT + "/") for p in drop.files} == {*CONTENT, "MANIFEST.json"}
    assert all(drop.files[f"{ROOT}/{name}"] == data for name, data in CONTENT.items())


def test_the_hosts_reader_understands_the_manifest(parcel):
    drop = MemoryDrop()
    deliver(drop, parcel)
    data = drop.files[f"{ROOT}/MANIFEST.json"]
    assert json.loads(data)["bundle_digest"] == DIGEST
    assert read_manifest(data, parcel.folder, "x") == parcel.entries


def test_second_delivery_changes_nothing(parcel):
    drop = MemoryDrop()
    deliver(drop, parcel)
    before = dict(drop.files)
    drop.log.clear()
    assert deliver(drop, parcel).complete
    assert drop.log == []
    assert drop.files == before


def test_no_name_is_final_before_its_content_was_read_back(parcel):
    drop = MemoryDrop()
    drop.corrupt = True
    with pytest.raises(DeliveryError, match="read back from the drop is not what was sent"):
        deliver(drop, parcel)
    assert drop.files == {}


def test_a_cut_connection_leaves_no_manifest_and_the_next_try_completes_it(parcel):
    drop = MemoryDrop()
    drop.cut_after = 2
    drop.remove = Mock(side_effect=DeliveryError("cut"))
    with pytest.raises(DeliveryError, match="cut"):
        deliver(drop, parcel)
    assert f"{ROOT}/MANIFEST.json" not in drop.files
    assert any(name.endswith(".part") for name in drop.files)
    del drop.remove
    drop.cut_after = None
    found = deliver(drop, parcel)
    assert found.kept == ["CFIS002.xml"]
    assert found.partial
    assert not any(name.endswith(".part") for name in drop.files)
    assert deliver(drop, parcel).complete


@pytest.mark.parametrize("content", [b"PK xyz", b"longer than the package"])
def test_a_foreign_file_under_a_final_name_is_refused_by_name(parcel, content):
    drop = MemoryDrop()
    drop.files[f"{ROOT}/cfis.war"] = content
    with pytest.raises(DeliveryError) as caught:
        deliver(drop, parcel)
    assert caught.value.detail["file"] == "cfis.war"
    assert "cfis.war" in str(caught.value)
    assert caught.value.cure
    assert drop.files == {f"{ROOT}/cfis.war": content}
    assert drop.log == []


@pytest.mark.parametrize("content", [b"{}", b"not json", b"x" * (2 << 20)])
def test_a_foreign_manifest_is_refused(parcel, content):
    drop = MemoryDrop()
    drop.files[f"{ROOT}/MANIFEST.json"] = content
    with pytest.raises(DeliveryError, match=r"MANIFEST\.json in the drop is not of bundle"):
        deliver(drop, parcel)
    assert drop.log == []


def test_a_file_lost_after_the_delivery_is_sent_again(parcel):
    drop = MemoryDrop()
    deliver(drop, parcel)
    del drop.files[f"{ROOT}/cfis.war"]
    assert deliver(drop, parcel).missing == ["cfis.war"]
    assert deliver(drop, parcel).complete


def test_another_delivery_of_the_same_bundle_may_be_faster(parcel):
    drop = MemoryDrop()

    def overtake(drop, new):
        drop.files.setdefault(new, CONTENT.get(new.removeprefix(ROOT + "/"), parcel.manifest))

    drop.before_rename = overtake
    deliver(drop, parcel)
    assert not any(name.endswith(".part") for name in drop.files)
    assert drop.files[f"{ROOT}/cfis.war"] == CONTENT["cfis.war"]


def test_a_file_put_there_meanwhile_is_not_overwritten(parcel):
    drop = MemoryDrop()
    drop.before_rename = lambda drop, new: drop.files.update({new: b"other"})
    with pytest.raises(DeliveryError, match="another content"):
        deliver(drop, parcel)
    assert drop.files[f"{ROOT}/CFIS002.xml"] == b"other"


def test_not_even_on_a_server_whose_rename_replaces(parcel):
    drop = MemoryDrop()
    drop.replaces = True
    drop.after_store = lambda drop, path: drop.files.update({f"{ROOT}/CFIS002.xml": b"other"})
    with pytest.raises(DeliveryError, match="another content"):
        deliver(drop, parcel)
    assert drop.files[f"{ROOT}/CFIS002.xml"] == b"other"


@pytest.mark.parametrize(
    "name", ["notes.txt", ".other.0123456789abcdef.part", ".cfis.war.0123.part", "cfis.war.part"]
)
def test_only_this_protocols_remains_of_this_bundle_are_removed(parcel, name):
    drop = MemoryDrop()
    drop.files[f"{ROOT}/{name}"] = b"mine"
    drop.directories.add(ROOT)
    assert deliver(drop, parcel).partial == []
    assert drop.files[f"{ROOT}/{name}"] == b"mine"


def test_a_bundle_changed_after_it_was_verified_does_not_get_its_name(parcel):
    with open(parcel.sources["cfis.war"], "ab") as stream:
        stream.write(b"late")
    drop = MemoryDrop()
    with pytest.raises(DeliveryError, match=r"cfis\.war read back"):
        deliver(drop, parcel)
    assert f"{ROOT}/cfis.war" not in drop.files


def test_a_bundle_file_that_vanished_is_named(parcel):
    parcel.sources["cfis.war"] += "x"
    with pytest.raises(DeliveryError, match=r"cannot be read.*cfis\.warx"):
        deliver(MemoryDrop(), parcel)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", ".hidden", "a//b", ""])
def test_a_file_name_that_leaves_the_folder_is_refused(name):
    with pytest.raises(InvalidInput):
        delivery.pack("CFIS002", DIGEST, {name: ("0" * 64, 1)}, "/nowhere")


def test_progress_counts_every_byte(parcel):
    seen = []
    drop = MemoryDrop()
    found = delivery.survey(drop, BASE, parcel, silent)
    delivery.send(drop, BASE, parcel, found, TOKEN, lambda *step: seen.append(step))
    assert ("sent", "cfis.war", 6, 6) in seen
    assert ("read back", "cfis.war", 6, 6) in seen
