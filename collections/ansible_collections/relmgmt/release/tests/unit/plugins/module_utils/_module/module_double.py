# SPDX-License-Identifier: GPL-3.0-or-later
"""A double of AnsibleModule that has no more than the collection uses of it."""

from __future__ import annotations

from typing import Any


class Exit(Exception):
    """How a module left: failed or not, and its result."""

    def __init__(self, failed: bool, result: dict[str, Any]) -> None:
        super().__init__(str(result))
        self.failed = failed
        self.result = result


class ModuleDouble:
    """Parameters in, an Exit out."""

    def __init__(self, check_mode: bool = False, **params: Any) -> None:
        self.params: dict[str, Any] = {"change": None, "lease": None, "phase": "", **params}
        self.check_mode = check_mode
        self.tmpdir = "/nonexistent"
        self._diff = True
        self.warnings: list[str] = []

    def warn(self, warning: str) -> None:
        self.warnings.append(warning)

    def exit_json(self, **result: Any) -> None:
        raise Exit(False, result)

    def fail_json(self, msg: str, **result: Any) -> None:
        raise Exit(True, {"msg": msg, **result})
