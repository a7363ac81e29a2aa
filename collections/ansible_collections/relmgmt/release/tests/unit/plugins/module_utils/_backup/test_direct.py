# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and writing past the page cache, and where the file system refuses that."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._backup import direct
from ansible_collections.relmgmt.release.plugins.module_utils._backup.direct import BlockFile, aligned_buffer
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError

SIZE = 5 * 8192 + 77


def refuse_to_open(monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def opened(path: str, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_DIRECT:
            raise OSError(errno.EINVAL, "no direct I/O here")
        return real(path, flags, mode)

    monkeypatch.setattr(direct.os, "open", opened)


def refuse_to_move(monkeypatch: pytest.MonkeyPatch, number: int = errno.ENOTSUP) -> None:
    read, write = os.preadv, os.pwritev

    def refused(real: Callable[..., int]) -> Callable[..., int]:
        def move(descriptor: int, buffers: Sequence[memoryview], offset: int) -> int:
            if _is_direct(descriptor):
                raise OSError(number, os.strerror(number))
            return real(descriptor, buffers, offset)

        return move

    monkeypatch.setattr(direct.os, "preadv", refused(read))
    monkeypatch.setattr(direct.os, "pwritev", refused(write))


def _is_direct(descriptor: int) -> bool:
    info = Path(f"/proc/self/fdinfo/{descriptor}").read_text()
    flags = next(line for line in info.splitlines() if line.startswith("flags:"))
    return bool(int(flags.split()[1], 8) & os.O_DIRECT)


@pytest.mark.parametrize("refuse", [lambda _patch: None, refuse_to_open, refuse_to_move])
def test_what_is_written_is_read_whatever_the_file_system_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refuse: Callable[[pytest.MonkeyPatch], None]
) -> None:
    refuse(monkeypatch)
    content, path = os.urandom(SIZE), tmp_path / "d"
    buffer = aligned_buffer(SIZE)
    buffer[:SIZE] = content
    with BlockFile(str(path), os.O_RDWR | os.O_CREAT) as out:
        out.write(buffer[:SIZE], 0)
        out.sync()
    assert path.read_bytes() == content
    other = aligned_buffer(SIZE)
    with BlockFile(str(path)) as origin:
        assert origin.size == SIZE
        assert bytes(origin.read(other, 0, SIZE)) == content
        assert bytes(origin.read(other, 8192, SIZE - 8192)) == content[8192:]
        assert origin.peek(SIZE - 10, 100) == content[-10:]


def test_an_error_of_the_device_is_no_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "d").write_bytes(bytes(8192))
    refuse_to_move(monkeypatch, errno.EIO)
    with BlockFile(str(tmp_path / "d"), os.O_RDWR) as file:
        if not file.direct:
            pytest.skip("untested: this file system has no direct I/O")
        # The page cache may still hold what the device has lost.
        with pytest.raises(DatasetError, match="cannot be read: Input/output error"):
            file.read(aligned_buffer(8192), 0, 8192)
        with pytest.raises(DatasetError, match="cannot be written: Input/output error"):
            file.write(aligned_buffer(8192), 0)


def test_reading_leaves_no_pages_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_to_open(monkeypatch)
    dropped: list[tuple[int, int]] = []
    monkeypatch.setattr(direct.BlockFile, "drop", lambda _self, offset, length: dropped.append((offset, length)))
    (tmp_path / "d").write_bytes(bytes(8192))
    with BlockFile(str(tmp_path / "d")) as origin:
        assert not origin.direct
        origin.read(aligned_buffer(8192), 0, 8192)
    assert dropped == [(0, 8192), (0, 8192)]


def test_a_read_error_names_the_page_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "d"
    path.write_bytes(bytes(65536))

    def broken(_descriptor: int, _buffers: object, _offset: int) -> int:
        raise OSError(errno.EIO, "Input/output error")

    def one(_descriptor: int, length: int, offset: int) -> bytes:
        if offset == 12288:
            raise OSError(errno.EIO, "Input/output error")
        return bytes(length)

    monkeypatch.setattr(direct.os, "preadv", broken)
    monkeypatch.setattr(direct.os, "pread", one)
    with BlockFile(str(path)) as origin, pytest.raises(
        DatasetError, match=r"bytes 12288 to 16383 cannot be read: Input/output error"
    ) as caught:
        origin.read(aligned_buffer(65536), 0, 65536)
    assert caught.value.place == str(path)


def test_a_full_disk_names_file_and_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int, _buffers: object, _offset: int) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(direct.os, "pwritev", full)
    with BlockFile(str(tmp_path / "d"), os.O_RDWR | os.O_CREAT) as out, pytest.raises(
        DatasetError, match=r"bytes 8192 to 16383 cannot be written: No space left"
    ) as caught:
        out.write(aligned_buffer(8192), 8192)
    assert caught.value.place == str(tmp_path / "d")


def test_a_file_that_became_shorter_is_said(tmp_path: Path) -> None:
    path = tmp_path / "d"
    path.write_bytes(bytes(16384))
    with BlockFile(str(path)) as origin:
        os.truncate(path, 10000)
        with pytest.raises(DatasetError, match="ends at byte 10000 where 16384 are expected"):
            origin.read(aligned_buffer(16384), 0, 16384)


def test_a_missing_file_is_a_dataset_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be opened: No such file"):
        BlockFile(str(tmp_path / "no"))
