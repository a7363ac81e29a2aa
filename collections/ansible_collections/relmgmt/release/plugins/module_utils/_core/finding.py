# SPDX-License-Identifier: GPL-3.0-or-later
"""What is found wrong or unwise about a package."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, NamedTuple

ERROR, WARNING = "error", "warning"


class Finding(NamedTuple):
    """``item`` and ``line`` 0 where the finding is about the whole file. ``rule``: its short name."""

    level: str
    rule: str
    item: str
    line: int
    message: str
    cure: str
    file: str = ""

    def __str__(self) -> str:
        place = f"{self.file} line {self.line}" if self.line else self.file
        named = f"{self.item} " if self.item else ""
        return f"{named}({place}) {self.message}" if named else f"{place}: {self.message}"

    def as_dict(self) -> Dict[str, Any]:
        """The finding as JSON-able values."""
        return dict(self._asdict())


def errors(findings: Iterable[Finding]) -> List[Finding]:
    """Those for which the package is refused."""
    return [finding for finding in findings if finding.level == ERROR]
