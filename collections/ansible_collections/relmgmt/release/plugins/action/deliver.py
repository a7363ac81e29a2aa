# SPDX-License-Identifier: GPL-3.0-or-later
"""Deliver a bundle's packages from the controller to the SFTP drop (options: modules/deliver.py)."""

from __future__ import annotations

import posixpath
import secrets
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.relmgmt.release.plugins.module_utils._core.drop_manifest import MANIFEST_NAME
from ansible_collections.relmgmt.release.plugins.module_utils._errors import RelmgmtError
from ansible_collections.relmgmt.release.plugins.plugin_utils.bundle import load_bundle
from ansible_collections.relmgmt.release.plugins.plugin_utils.delivery import (
    Parcel,
    Progress,
    Survey,
    parcel_of,
    send,
    survey,
)
from ansible_collections.relmgmt.release.plugins.plugin_utils.result_file import write_result
from ansible_collections.relmgmt.release.plugins.plugin_utils.sftp_drop import open_drop

BIG = 8 << 20  # bytes from which on a file's progress is worth a line
SPEC: dict[str, dict[str, Any]] = {
    "bundle": {"type": "path", "required": True},
    "drop": {
        "type": "dict",
        "required": True,
        "options": {
            "method": {"type": "str", "choices": ["path", "sftp"], "default": "sftp"},
            "host": {"type": "str", "required": True},
            "port": {"type": "int", "default": 22},
            "user": {"type": "str", "required": True},
            "private_key": {"type": "path", "required": True, "no_log": False},
            "known_hosts": {"type": "path", "required": True},
            "path": {"type": "str", "required": True},
        },
    },
    "timeout": {"type": "int", "default": 30},
}


class ActionModule(ActionBase):
    """Runs on the controller; no connection to the host of the task is made."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_diff = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        options = self.validate_argument_spec(argument_spec=SPEC)[1]
        try:
            result.update(self._deliver(options))
        except RelmgmtError as error:
            result.update(failed=True, changed=False, msg=str(error), error=error.as_dict())
        self._tell(result, task_vars or {})
        return result

    def _tell(self, result: dict[str, Any], task_vars: dict[str, Any]) -> None:
        """The result file: what failed to arrive is not visible in the drop, the manifest comes last."""
        good = "checked" if self._task.check_mode else "done" if result["changed"] else "nothing_to_do"
        failed = bool(result.get("failed"))
        cycle = task_vars.get("deliver_cycle") or {}
        write_result(task_vars, {
            "change": cycle.get("change", ""), "release": cycle.get("release", ""), "hosts": {},
            "verdict": "restored" if failed else good, "reasons": [result["msg"]] if failed else [],
        })

    def _deliver(self, options: dict[str, Any]) -> dict[str, Any]:
        parcel = parcel_of(load_bundle(self._loader.path_dwim(options["bundle"])))
        base, progress = options["drop"]["path"], _shown(Display())
        with open_drop(options["drop"], options["timeout"]) as remote:
            found = survey(remote, base, parcel, progress)
            if not found.complete and not self._task.check_mode:
                send(remote, base, parcel, found, secrets.token_hex(8), progress)
            place = remote.place(posixpath.join(base, parcel.folder))
        return {**_record(parcel, found, place), **self._difference(parcel, found, place)}

    def _difference(self, parcel: Parcel, found: Survey, place: str) -> dict[str, Any]:
        if not self._task.diff:
            return {}
        return {
            "diff": {
                "before_header": place,
                "after_header": place,
                "before": _listing(parcel, found.kept) + "".join(f"{n} (partial)\n" for n in found.partial),
                "after": _listing(parcel, found.kept + found.missing),
            }
        }


def _record(parcel: Parcel, found: Survey, place: str) -> dict[str, Any]:
    return {
        "changed": not found.complete,
        "bundle": parcel.folder,
        "place": place,
        "sent": found.missing,
        "kept": found.kept,
        "removed": found.partial,
    }


def _listing(parcel: Parcel, names: list[str]) -> str:
    lines = [
        f"{name} {parcel.entries[name].size} bytes sha256 {parcel.entries[name].sha256}\n"
        for name in sorted(names)
        if name in parcel.entries
    ]
    return "".join(lines) + (f"{MANIFEST_NAME}\n" if MANIFEST_NAME in names else "")


def _shown(display: Display) -> Progress:
    """A line for each tenth of a big file."""
    tenths: dict[tuple[str, str], int] = {}

    def show(verb: str, name: str, done: int, size: int) -> None:
        tenth = done * 10 // size if size else 10
        if size >= BIG and tenths.get((verb, name)) != tenth:
            tenths[verb, name] = tenth
            display.display(f"deliver: {name}: {tenth * 10} % {verb} ({done >> 20} of {size >> 20} MiB)")

    return show
