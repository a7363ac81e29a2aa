# SPDX-License-Identifier: GPL-3.0-or-later
"""Durable writes: a final name never shows a part, and a crash leaves nothing for ever (invariant 8)."""

from __future__ import annotations

import errno
import os
import stat
import struct
import threading
from pathlib import Path

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils import _files
from ansible_collections.relmgmt.release.plugins.module_utils._files import (
    ASIDE,
    copy_durably,
    replace_durably,
    write_durably,
)


def test_a_file_is_written_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    for data in (b"a long first text", b"short"):
        write_durably(str(path), data, 0o640)
        assert path.read_bytes() == data
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [one.name for one in tmp_path.iterdir()] == ["state.json"]


def test_a_file_of_somebody_else_stays_his(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its readers are others than the one who writes it: the processes of a proxy."""
    path = tmp_path / "members.conf"
    path.write_bytes(b"old")
    path.chmod(0o640)
    owners: list[tuple[int, int]] = []
    monkeypatch.setattr(_files.os, "fchown", lambda descriptor, uid, gid: owners.append((uid, gid)))
    replace_durably(str(path), b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert owners == [(path.stat().st_uid, path.stat().st_gid)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_stays_his_on_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "members.conf"
    path.write_bytes(b"old")
    os.chown(path, 12345, 23456)
    replace_durably(str(path), b"new")
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 23456)


@pytest.mark.parametrize("mode,text", [(0o640, b"old"), (0o644, b"new")])
def test_an_owner_that_cannot_be_kept_matters_where_others_may_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, text: bytes
) -> None:
    path = tmp_path / "plugin-cfg.xml"
    path.write_bytes(b"old")
    path.chmod(mode)

    def refuse(descriptor: int, uid: int, gid: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(_files.os, "fchown", refuse)
    if text == b"new":
        replace_durably(str(path), b"new")
    else:
        with pytest.raises(PermissionError, match="owner and group cannot be kept"):
            replace_durably(str(path), b"new")
    assert path.read_bytes() == text
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


NOBODY = 0xFFFFFFFF
ACL = "system.posix_acl_access"
ONE_MORE_READER = struct.pack(
    "<I" + "HHI" * 5, 2, 1, 6, NOBODY, 2, 4, 12345, 4, 4, NOBODY, 16, 4, NOBODY, 32, 0, NOBODY
)


def given(path: Path, name: str, value: bytes) -> None:
    try:
        os.setxattr(path, name, value)
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise
        pytest.skip("this file system has no extended attributes")


def test_who_else_may_read_a_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "app.properties"
    path.write_bytes(b"old")
    given(path, ACL, ONE_MORE_READER)
    given(path, "user.origin", b"installer")
    mode = path.stat().st_mode
    replace_durably(str(path), b"new")
    assert path.read_bytes() == b"new"
    assert os.getxattr(path, ACL) == ONE_MORE_READER
    assert os.getxattr(path, "user.origin") == b"installer"
    assert path.stat().st_mode == mode


def test_nobody_comes_to_read_a_file_by_the_list_of_its_directory(tmp_path: Path) -> None:
    path = tmp_path / "app.properties"
    path.write_bytes(b"old")
    given(tmp_path, "system.posix_acl_default", ONE_MORE_READER)
    replace_durably(str(path), b"new")
    assert ACL not in os.listxattr(path)


@pytest.mark.parametrize("name,is_kept", [("security.selinux", True), (ACL, False)])
def test_a_label_that_cannot_be_kept_is_let_go_and_a_list_of_readers_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, is_kept: bool
) -> None:
    path = tmp_path / "app.properties"
    path.write_bytes(b"old")

    def refuse(*_arguments: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "listxattr", lambda where: [name] if where == str(path) else [])
    monkeypatch.setattr(os, "getxattr", lambda where, one: b"value")
    monkeypatch.setattr(os, "setxattr", refuse)
    if is_kept:
        replace_durably(str(path), b"new")
    else:
        with pytest.raises(PermissionError):
            replace_durably(str(path), b"new")
    assert path.read_bytes() == (b"new" if is_kept else b"old")
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_file_system_without_attributes_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lack(_where: object) -> list[str]:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(os, "listxattr", lack)
    path = tmp_path / "app.properties"
    path.write_bytes(b"old")
    replace_durably(str(path), b"new")
    assert path.read_bytes() == b"new"


def test_the_last_word_before_the_renaming_can_be_no(tmp_path: Path) -> None:
    path = tmp_path / "app.properties"
    path.write_bytes(b"old")

    def ready() -> None:
        aside = [one.read_bytes() for one in tmp_path.iterdir() if one != path]
        raise ValueError(f"{aside!r} instead of {path.read_bytes()!r}")

    with pytest.raises(ValueError, match=r"\[b'new'\] instead of b'old'"):
        replace_durably(str(path), b"new", ready)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_what_a_crash_left_aside_is_used_again(tmp_path: Path) -> None:
    left = tmp_path / f".CASE.m{ASIDE}"
    left.write_text("half of something much longer than what is to be written")
    write_durably(str(tmp_path / "CASE.m"), b"whole")
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == {"CASE.m": b"whole"}


def test_a_failure_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(b"old")
    with pytest.raises(FileNotFoundError):
        copy_durably(str(tmp_path / "missing"), str(path), 0o600)
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == {"state.json": b"old"}


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / f".state{ASIDE}").symlink_to(victim)
    with pytest.raises(OSError, match=os.strerror(40)):
        write_durably(str(tmp_path / "state"), b"x")
    assert victim.read_bytes() == b"precious"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make somebody else's file")
def test_what_somebody_else_put_there_is_not_written_to(tmp_path: Path) -> None:
    left = tmp_path / f".state{ASIDE}"
    left.write_bytes(b"")
    os.chown(left, 65534, 65534)
    with left.open("rb") as kept_open:
        write_durably(str(tmp_path / "state"), b"secret")
        assert kept_open.read() == b""
    assert (tmp_path / "state").stat().st_uid == 0


def test_many_writers_of_one_file_leave_one_of_their_texts(tmp_path: Path) -> None:
    path, texts = tmp_path / "state", [bytes([65 + number]) * (5000 * (number + 1)) for number in range(8)]
    seen: list[bytes] = []

    def write(text: bytes) -> None:
        for _round in range(10):
            write_durably(str(path), text)
            seen.append(path.read_bytes())

    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(seen) <= set(texts)
    assert [one.name for one in tmp_path.iterdir()] == ["state"]
