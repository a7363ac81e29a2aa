# SPDX-License-Identifier: GPL-3.0-or-later
"""Run one module of the collection as a process of its own and read its answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
COLLECTIONS = ROOT / "collections"
MODULES = COLLECTIONS / "ansible_collections/relmgmt/release/plugins/modules"


class ModuleFailed(AssertionError):
    """The module ended with fail_json; ``result`` is what it said."""

    def __init__(self, name: str, result: dict[str, Any]) -> None:
        super().__init__(f"{name}: {result.get('msg')}")
        self.result = result


def run_module(
    name: str,
    args: dict[str, Any],
    check: bool = False,
    diff: bool = False,
    environment: dict[str, str] | None = None,
    within: Sequence[str] = (),
) -> dict[str, Any]:
    """The module's result; raises ModuleFailed if it failed, AssertionError if it crashed."""
    result = run_module_raw(name, args, check, diff, environment, within)
    if result.get("failed"):
        raise ModuleFailed(name, result)
    return result


def run_module_raw(
    name: str,
    args: dict[str, Any],
    check: bool = False,
    diff: bool = False,
    environment: dict[str, str] | None = None,
    within: Sequence[str] = (),
) -> dict[str, Any]:
    """The module's result, whatever it is. Arguments travel on standard input, as with Ansible.

    ``within``: a command that runs the one behind it, such as nsenter with its options.
    """
    internal = {"_ansible_check_mode": check, "_ansible_diff": diff, "_ansible_socket": None}
    process = subprocess.run(
        [*within, sys.executable, str(MODULES / f"{name}.py")],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": {**args, **internal}}),
        capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "PYTHONPATH": str(COLLECTIONS), "PYTHONDONTWRITEBYTECODE": "1",
             **(environment or {})},
    )
    try:
        return dict(json.loads(process.stdout))
    except ValueError:
        raise AssertionError(f"{name} gave no JSON:\n{process.stdout}\n{process.stderr}") from None
