# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives on disk: bounds hold while bytes are read, permissions are kept (T20)."""

from __future__ import annotations

import io
import os
import struct
import zipfile

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._archive import (
    Ownership,
    extract,
    read_entries,
)
from ansible_collections.relmgmt.release.plugins.module_utils._core.archive import Limits
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput
from ansible_collections.relmgmt.release.plugins.module_utils._tree import observe_tree

LIMITS = Limits(size=1 << 20)


def build(path, members, modes=None):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
            info.external_attr = (modes or {}).get(name, 0) << 16  # only now: writestr would replace a 0
    return str(path)


def unpack(path, into, ownership=Ownership(), limits=LIMITS):  # noqa: B008
    os.mkdir(into)
    return extract(path, str(into), limits, ownership)


def test_permissions_are_kept_whatever_the_umask(tmp_path):
    """T20."""
    modes = {"bin/run.sh": 0o100750, "index.html": 0o100604}
    path = build(tmp_path / "a.zip", {"bin/run.sh": b"#!", "index.html": b"x", "plain": b""}, modes)
    before = os.umask(0o077)
    try:
        wanted = unpack(path, tmp_path / "out")
    finally:
        os.umask(before)
    found = {entry.path: entry.mode for entry in observe_tree(str(tmp_path / "out"))}
    assert found == {"bin": 0o755, "bin/run.sh": 0o750, "index.html": 0o604, "plain": 0o644}
    assert observe_tree(str(tmp_path / "out")) == wanted == read_entries(path, LIMITS)


def test_a_wanted_mode_replaces_those_of_the_archive(tmp_path):
    path = build(tmp_path / "a.zip", {"a/b": b"x"}, {"a/b": 0o100600})
    wanted = unpack(path, tmp_path / "out", Ownership(mode=0o640))
    assert {entry.path: entry.mode for entry in observe_tree(str(tmp_path / "out"))} == {"a": 0o750, "a/b": 0o640}
    assert wanted == read_entries(path, LIMITS, mode=0o640)


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil"])
def test_nothing_is_written_when_the_listing_is_refused(tmp_path, name):
    path = build(tmp_path / "a.zip", {"good": b"x", name: b"evil"})
    with pytest.raises(InvalidInput, match="evil"):
        unpack(path, tmp_path / "out")
    assert os.listdir(tmp_path / "out") == []
    assert sorted(os.listdir(tmp_path)) == ["a.zip", "out"]


def test_a_nul_in_a_name_is_seen_although_zipfile_hides_it(tmp_path):
    path = build(tmp_path / "a.zip", {"good.txtXevil": b"x"})
    data = (tmp_path / "a.zip").read_bytes().replace(b"good.txtXevil", b"good.txt\0evil")
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(InvalidInput, match="NUL"):
        read_entries(path, LIMITS)


def test_a_bomb_is_refused_by_its_listing(tmp_path):
    path = build(tmp_path / "a.zip", {"bomb": b"\0" * (8 << 20)})
    with pytest.raises(InvalidInput, match="bomb"):
        read_entries(path, Limits())
    with pytest.raises(InvalidInput, match="more than 1048576"):
        read_entries(path, LIMITS)


def lie_about_size(path, true_size, told):
    """Both headers say `told` bytes; the packed data hold more."""
    with open(path, "rb") as stream:
        data = stream.read()
    with open(path, "wb") as stream:
        stream.write(data.replace(struct.pack("<L", true_size), struct.pack("<L", told)))


def test_a_listing_that_lies_about_sizes_is_found_out_while_reading(tmp_path):
    path = build(tmp_path / "a.zip", {"liar": bytes(range(256)) * 300})
    lie_about_size(path, 256 * 300, 77)
    with pytest.raises(InvalidInput, match=r"a\.zip"):
        unpack(path, tmp_path / "out")
    assert sum(os.path.getsize(tmp_path / "out" / name) for name in os.listdir(tmp_path / "out")) <= 77


def test_more_bytes_than_declared_are_never_taken(tmp_path, monkeypatch):
    """Whatever the zipfile of this host's Python lets through."""
    path = build(tmp_path / "a.zip", {"liar": b"x" * 10})
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda self, name: io.BytesIO(b"x" * 11))
    with pytest.raises(InvalidInput, match="'liar' unpacks to more"):
        unpack(path, tmp_path / "out")
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda self, name: io.BytesIO(b"x" * 9))
    with pytest.raises(InvalidInput, match="'liar' is shorter"):
        read_entries(path, LIMITS)


def test_damaged_content_and_no_archive_at_all_are_refused(tmp_path):
    path = build(tmp_path / "a.zip", {"index.html": os.urandom(2000)})
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[300] ^= 0xFF
    (tmp_path / "a.zip").write_bytes(bytes(data))
    with pytest.raises(InvalidInput, match="not a sound ZIP"):
        read_entries(path, LIMITS)
    (tmp_path / "a.zip").write_text("not a zip")
    with pytest.raises(InvalidInput, match="not a sound ZIP"):
        read_entries(path, LIMITS, "cfis.war")
