# SPDX-License-Identifier: GPL-3.0-or-later
"""How far long work has come, in bytes."""

from __future__ import annotations


class Progress:
    """Told by long work what it does and how far it is; this one forgets it. Thread safe."""

    def begin(self, what: str, total: int) -> None:
        """A piece of work of ``total`` bytes begins."""

    def add(self, count: int) -> None:
        """``count`` bytes more are done."""


SILENT = Progress()
