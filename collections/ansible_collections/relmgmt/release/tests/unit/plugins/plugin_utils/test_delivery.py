# SPDX-License-Identifier: GPL-3.0-or-later
"""The delivery protocol on a drop in memory (A9, A13, invariant 8)."""

from __future__ import annotations

import hashlib
import json
from functools import partial

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.drop_manifest import read_manifest
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DeliveryError
from ansible_collections.relmgmt.release.plugins.plugin_utils import delivery
from ansible_collections.relmgmt.release.plugins.plugin_utils.parcel import manifest_entry, pack

BASE = "/drop"
DIGEST = "ab" * 32
ROOT = f"{BASE}/CFIS002-{DIGEST[:12]}"
TOKEN = "0123456789abcdef"
CONTENT = {"cfis.war": b"PK the war of CFIS002", "CFIS002.xml": b"<Export/>", "docs/CHECKLIST.md": b""}
PART = f".cfis.war.{'f' * 16}.part"


def pieces(data):
    """A content in pieces that are not the drop's."""
    yield from (data[at:at + 5] for at in range(0, len(data), 5))


@pytest.fixture
def parcel():
    files = {name: (hashlib.sha256(data).hexdigest(), len(data)) for name, data in CONTENT.items()}
    return pack("CFIS002", DIGEST, files, {name: partial(pieces, data) for name, data in CONTENT.items()}, "/bundle")


def deliver(drop, parcel):
    found = delivery.survey(drop, BASE, parcel, silent)
    delivery.require_room(drop, BASE, parcel, found)
    if not found.complete:
        delivery.send(drop, BASE, parcel, found, TOKEN, silent)
    return found


def silent(verb, name, done, size):
    return None


def left_behind(drop, content, name=PART):
    """What an interrupted delivery left."""
    drop.directories.add(ROOT)
    drop.files[f"{ROOT}/{name}"] = content


def test_first_delivery_sends_everything_and_the_manifest_last(drop, parcel):
    found = deliver(drop, parcel)
    assert found.kept == []
    assert drop.log[-1] == f"rename {ROOT}/MANIFEST.json"
    assert {p.removeprefix(ROOT + "/") for p in drop.files} == {*CONTENT, "MANIFEST.json"}
    assert all(drop.files[f"{ROOT}/{name}"] == data for name, data in CONTENT.items())


def test_the_hosts_reader_understands_the_manifest(drop, parcel):
    deliver(drop, parcel)
    data = drop.files[f"{ROOT}/MANIFEST.json"]
    assert json.loads(data)["bundle_digest"] == DIGEST
    assert read_manifest(data, parcel.folder, "x") == parcel.entries


def test_second_delivery_changes_nothing(drop, parcel):
    deliver(drop, parcel)
    before = dict(drop.files)
    drop.log.clear()
    assert deliver(drop, parcel).complete
    assert drop.log == []
    assert drop.files == before


def test_no_name_is_final_before_its_content_was_read_back(drop, parcel):
    drop.corrupt = True
    with pytest.raises(DeliveryError, match="read back from the drop is not what was sent"):
        deliver(drop, parcel)
    assert drop.files == {}


def test_a_cut_connection_leaves_no_manifest_and_the_next_try_goes_on_where_it_was(drop, parcel):
    drop.cut_at = 12
    with pytest.raises(DeliveryError, match="cut"):
        deliver(drop, parcel)
    left = f"{ROOT}/{delivery.temporary_name('cfis.war', TOKEN)}"
    assert drop.files == {f"{ROOT}/CFIS002.xml": CONTENT["CFIS002.xml"], left: CONTENT["cfis.war"][:10]}
    drop.cut_at, drop.is_cut = None, False
    found = delivery.survey(drop, BASE, parcel, silent)
    assert (found.kept, found.useless) == (["CFIS002.xml"], [])
    assert found.parts == {"cfis.war": (delivery.temporary_name("cfis.war", TOKEN), 10)}
    sent = []
    delivery.send(drop, BASE, parcel, found, TOKEN[::-1], lambda *step: sent.append(step))
    assert [done for verb, name, done, _size in sent if (verb, name) == ("sent", "cfis.war")] == [15, 20, 21]
    assert not any(name.endswith(".part") for name in drop.files)
    assert deliver(drop, parcel).complete


def test_what_was_read_once_of_a_part_is_not_read_again(drop, parcel):
    left_behind(drop, CONTENT["cfis.war"][:16])
    found = delivery.survey(drop, BASE, parcel, silent)
    assert drop.read == 16
    drop.read = 0
    delivery.send(drop, BASE, parcel, found, TOKEN, silent)
    sizes = sum(map(len, CONTENT.values())) + len(parcel.manifest)
    assert drop.read == sizes - 16


@pytest.mark.parametrize("part", [b"", b"PK the wax", CONTENT["cfis.war"] + b"x"])
def test_a_part_that_is_not_the_files_beginning_is_removed_and_all_sent(drop, parcel, part):
    left_behind(drop, part)
    found = deliver(drop, parcel)
    assert (found.parts, found.useless) == ({}, [PART])
    assert drop.files[f"{ROOT}/cfis.war"] == CONTENT["cfis.war"]
    assert not any(name.endswith(".part") for name in drop.files)
    assert deliver(drop, parcel).complete


def test_of_several_parts_the_longest_right_one_goes_on(drop, parcel):
    war = CONTENT["cfis.war"]
    parts = {f".cfis.war.{digit * 16}.part": data
             for digit, data in (("1", war[:3]), ("2", war[:7]), ("3", b"wrong and longer"))}
    for name, data in parts.items():
        left_behind(drop, data, name)
    found = deliver(drop, parcel)
    assert found.parts == {"cfis.war": (f".cfis.war.{'2' * 16}.part", 7)}
    assert set(found.useless) == set(parts) - {f".cfis.war.{'2' * 16}.part"}
    assert drop.files[f"{ROOT}/cfis.war"] == war


def test_a_part_that_is_whole_only_gets_its_name(drop, parcel):
    left_behind(drop, CONTENT["cfis.war"])
    deliver(drop, parcel)
    assert drop.files[f"{ROOT}/cfis.war"] == CONTENT["cfis.war"]


def test_a_part_whose_rest_arrives_wrong_does_not_get_its_name(drop, parcel):
    left_behind(drop, CONTENT["cfis.war"][:8])
    found = delivery.survey(drop, BASE, parcel, silent)
    drop.corrupt = True
    drop.files[f"{ROOT}/CFIS002.xml"] = CONTENT["CFIS002.xml"]
    with pytest.raises(DeliveryError, match="read back"):
        delivery.send(drop, BASE, parcel, found._replace(missing=["cfis.war"]), TOKEN, silent)
    assert set(drop.files) == {f"{ROOT}/CFIS002.xml"}


def test_a_drop_that_has_no_room_is_refused_before_anything_is_sent(drop, parcel):
    needed = sum(map(len, CONTENT.values())) + len(parcel.manifest)
    drop.room = needed - 1
    told = f"the drop is full: {needed} bytes are needed, {needed - 1} are free"
    with pytest.raises(DeliveryError, match=told) as caught:
        deliver(drop, parcel)
    assert (caught.value.place, drop.files, drop.log) == (f"memory:{BASE}", {}, [])
    assert "free room there, then deliver again" in caught.value.cure
    drop.room = needed
    assert deliver(drop, parcel).missing
    assert deliver(drop, parcel).complete


def test_room_counts_what_lies_there_already_and_what_will_be_removed(drop, parcel):
    left_behind(drop, CONTENT["cfis.war"][:16])
    left_behind(drop, b"x" * 50, f".cfis.war.{'e' * 16}.part")
    drop.room = sum(map(len, CONTENT.values())) + len(parcel.manifest)
    deliver(drop, parcel)
    assert deliver(drop, parcel).complete


@pytest.mark.parametrize("tells", [True, False])
def test_a_drop_that_fills_up_keeps_nothing_of_the_file_under_way(drop, parcel, tells):
    """Somebody else took the room meanwhile, or the server does not say how much there is."""
    found = delivery.survey(drop, BASE, parcel, silent)
    drop.tells_room = tells
    drop.room = len(CONTENT["CFIS002.xml"]) + 12
    told = "the drop is full: 21 bytes are needed, 12 are free" if tells else "Failure"
    with pytest.raises(DeliveryError, match=told):
        delivery.send(drop, BASE, parcel, found, TOKEN, silent)
    assert set(drop.files) == {f"{ROOT}/CFIS002.xml"}
    drop.room = None
    deliver(drop, parcel)
    assert deliver(drop, parcel).complete


@pytest.mark.parametrize("content", [b"PK the war of CFIS00X", b"longer than the package of the bundle"])
def test_a_foreign_file_under_a_final_name_is_refused_by_name(drop, parcel, content):
    drop.files[f"{ROOT}/cfis.war"] = content
    with pytest.raises(DeliveryError) as caught:
        deliver(drop, parcel)
    assert caught.value.detail["file"] == "cfis.war"
    assert "cfis.war" in str(caught.value)
    assert caught.value.cure
    assert drop.files == {f"{ROOT}/cfis.war": content}
    assert drop.log == []


@pytest.mark.parametrize("content", [b"{}", b"not json", b"x" * (2 << 20)])
def test_a_foreign_manifest_is_refused(drop, parcel, content):
    drop.files[f"{ROOT}/MANIFEST.json"] = content
    with pytest.raises(DeliveryError, match=r"MANIFEST\.json in the drop is not of bundle"):
        deliver(drop, parcel)
    assert drop.log == []


def test_a_file_lost_after_the_delivery_is_sent_again(drop, parcel):
    deliver(drop, parcel)
    del drop.files[f"{ROOT}/cfis.war"]
    assert deliver(drop, parcel).missing == ["cfis.war"]
    assert deliver(drop, parcel).complete


def test_another_delivery_of_the_same_bundle_may_be_faster(drop, parcel):
    def overtake(drop, new):
        if not new.endswith(".part"):
            drop.files.setdefault(new, CONTENT.get(new.removeprefix(ROOT + "/"), parcel.manifest))

    drop.before_rename = overtake
    deliver(drop, parcel)
    assert not any(name.endswith(".part") for name in drop.files)
    assert drop.files[f"{ROOT}/cfis.war"] == CONTENT["cfis.war"]


@pytest.mark.parametrize("published", [True, False])
@pytest.mark.parametrize("when", ["it is claimed", "it is sent", "it is renamed"])
def test_what_another_delivery_of_the_same_bundle_takes_over(drop, parcel, when, published):
    """All is well if it has published the file already; if not, this delivery stops and says why."""
    final, taken = f"{ROOT}/cfis.war", []

    def take_over(drop, path):
        mine = [name for name in drop.files if "cfis.war" in name and name.endswith(".part")]
        if mine and not taken:
            taken.append(drop.files.pop(mine[0]))
            drop.files[final if published else f"{ROOT}/.cfis.war.{'e' * 16}.part"] = CONTENT["cfis.war"]

    if when == "it is claimed":
        left_behind(drop, CONTENT["cfis.war"][:8])
        drop.before_rename = lambda drop, new: "cfis.war" in new and take_over(drop, new)
    elif when == "it is sent":
        drop.after_store = take_over
    else:
        drop.before_rename = lambda drop, new: new == final and take_over(drop, new)
    if published:
        deliver(drop, parcel)
        assert {name.removeprefix(ROOT + "/") for name in drop.files} == {*CONTENT, "MANIFEST.json"}
    else:
        with pytest.raises(DeliveryError, match=r"another delivery .* has taken over cfis\.war") as caught:
            deliver(drop, parcel)
        assert (caught.value.place, bool(caught.value.cure)) == (f"memory:{final}", True)
        assert f"{ROOT}/MANIFEST.json" not in drop.files
    assert taken
    drop.before_rename = drop.after_store = lambda drop, path: None
    deliver(drop, parcel)
    assert deliver(drop, parcel).complete


def test_a_source_that_fails_in_mid_file_leaves_the_part_for_the_next_delivery(drop, parcel):
    """The set for the previous environment is read from a drop, whose line may be cut."""
    def cut_short():
        yield CONTENT["cfis.war"][:12]
        raise DeliveryError("the other drop's line was cut", "sftp://other")

    whole = parcel.sources["cfis.war"]
    parcel.sources["cfis.war"] = cut_short
    with pytest.raises(DeliveryError, match="the other drop's line was cut") as caught:
        deliver(drop, parcel)
    assert caught.value.place == "sftp://other"
    parcel.sources["cfis.war"] = whole
    found = delivery.survey(drop, BASE, parcel, silent)
    assert found.parts == {"cfis.war": (delivery.temporary_name("cfis.war", TOKEN), 12)}
    delivery.send(drop, BASE, parcel, found, TOKEN[::-1], silent)
    assert deliver(drop, parcel).complete


def test_a_file_put_there_meanwhile_is_not_overwritten(drop, parcel):
    drop.before_rename = lambda drop, new: drop.files.update({new: b"other"})
    with pytest.raises(DeliveryError, match="another content"):
        deliver(drop, parcel)
    assert drop.files[f"{ROOT}/CFIS002.xml"] == b"other"


def test_not_even_on_a_server_whose_rename_replaces(drop, parcel):
    drop.replaces = True
    drop.after_store = lambda drop, path: drop.files.update({f"{ROOT}/CFIS002.xml": b"other"})
    with pytest.raises(DeliveryError, match="another content"):
        deliver(drop, parcel)
    assert drop.files[f"{ROOT}/CFIS002.xml"] == b"other"


@pytest.mark.parametrize(
    "name", ["notes.txt", ".other.0123456789abcdef.part", ".cfis.war.0123.part", "cfis.war.part"]
)
def test_only_this_protocols_remains_of_this_bundle_are_touched(drop, parcel, name):
    left_behind(drop, CONTENT["cfis.war"][:5], name)
    found = deliver(drop, parcel)
    assert (found.parts, found.useless) == ({}, [])
    assert drop.files[f"{ROOT}/{name}"] == CONTENT["cfis.war"][:5]


def test_a_bundle_changed_after_it_was_verified_does_not_get_its_name(drop, parcel):
    parcel.sources["cfis.war"] = partial(pieces, CONTENT["cfis.war"] + b"late")
    with pytest.raises(DeliveryError, match=r"cfis\.war is not what its digest says") as caught:
        deliver(drop, parcel)
    assert caught.value.place == "/bundle"
    assert set(drop.files) == {f"{ROOT}/CFIS002.xml"}


def test_progress_counts_every_byte(drop, parcel):
    seen = []
    found = delivery.survey(drop, BASE, parcel, silent)
    delivery.send(drop, BASE, parcel, found, TOKEN, lambda *step: seen.append(step))
    assert ("sent", "cfis.war", 21, 21) in seen
    assert ("read back", "cfis.war", 21, 21) in seen
    assert ("sent", "MANIFEST.json", manifest_entry(parcel).size, manifest_entry(parcel).size) in seen
