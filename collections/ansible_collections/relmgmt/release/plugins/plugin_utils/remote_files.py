# SPDX-License-Identifier: GPL-3.0-or-later
"""The port to a drop's file system; ``sftp_drop.py`` is its adapter, ``delivery.py`` speaks through it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

CHUNK = 1 << 18

Progress = Callable[[str, str, int, int], None]
"""Called with verb (``sent`` or ``read back``), file, bytes so far, bytes in all."""


class RemoteFiles(Protocol):
    """The drop's file system; every failure is a DeliveryError that names the place."""

    def place(self, path: str) -> str:
        """The path as messages name it."""

    def size(self, path: str) -> int | None:
        """Size in bytes of a regular file; None when nothing has that name."""

    def free(self, directory: str) -> int | None:
        """Bytes that may still be written below a directory; None when the server does not say."""

    def chunks(self, path: str, start: int = 0) -> Iterator[bytes]:
        """The content of a file from byte ``start`` on."""

    def names(self, directory: str) -> list[str]:
        """The names in a directory; none when there is no such directory."""

    def make_directory(self, path: str) -> None:
        """Create a directory; one that is there already is fine. Its parent must exist."""

    def store(self, path: str, chunks: Iterable[bytes], start: int = 0) -> None:
        """Create a file that must not exist yet, and sync it where the server can.

        ``start`` > 0: go on at that byte of a file that is there. Returns once the server has
        said yes to every byte.
        """

    def rename(self, old: str, new: str) -> None:
        """Give a file another name; fails when something has that name already."""

    def remove(self, path: str) -> None:
        """Remove a file; one that is gone already is fine."""
