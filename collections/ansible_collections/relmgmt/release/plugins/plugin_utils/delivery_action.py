# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions ``deliver`` and ``deliver_prior`` share: a parcel is put into a drop, and that is told."""

from __future__ import annotations

import getpass
import os
import posixpath
import secrets
import socket
from datetime import datetime, timezone
from typing import Any, ClassVar

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.relmgmt.release.plugins.module_utils._core.drop_manifest import MANIFEST_NAME
from ansible_collections.relmgmt.release.plugins.module_utils._errors import RelmgmtError
from ansible_collections.relmgmt.release.plugins.plugin_utils.delivery import Survey, require_room, send, survey
from ansible_collections.relmgmt.release.plugins.plugin_utils.delivery_receipt import (
    keep_receipt,
    receipt_of,
    receipt_path,
)
from ansible_collections.relmgmt.release.plugins.plugin_utils.parcel import Parcel
from ansible_collections.relmgmt.release.plugins.plugin_utils.remote_files import Progress
from ansible_collections.relmgmt.release.plugins.plugin_utils.result_file import write_result
from ansible_collections.relmgmt.release.plugins.plugin_utils.sftp_drop import SftpFiles, open_drop

BIG = 8 << 20  # bytes from which on a file's progress is worth a line
OPTIONS: dict[str, dict[str, Any]] = {
    "change": {"type": "str", "default": ""},
    "record_root": {"type": "path"},
    "timeout": {"type": "int", "default": 30},
}


class DeliveryAction(ActionBase):  # type: ignore[misc]
    """Runs on the controller; no connection to the host of the task is made."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _supports_diff = True
    spec: ClassVar[dict[str, dict[str, Any]]] = {}
    _touched = False  # whether a drop is not what it was, however this ends

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        options = self.validate_argument_spec(argument_spec=self.spec)[1]
        known = task_vars or {}
        try:
            result.update(self.deliver(options, known))
        except RelmgmtError as error:
            result.update(failed=True, changed=self._touched, msg=str(error), error=error.as_dict())
        self.tell(result, known)
        return result

    def deliver(self, options: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        """The action's own work; returns its result, raises RelmgmtError."""
        raise NotImplementedError

    def tell(self, result: dict[str, Any], task_vars: dict[str, Any]) -> None:
        """The result file: what failed to arrive is not visible in the drop, the manifest comes last."""
        good = "checked" if self._task.check_mode else "done" if result["changed"] else "nothing_to_do"
        failed = bool(result.get("failed"))
        cycle = task_vars.get("deliver_cycle") or {}
        write_result(task_vars, {
            "change": cycle.get("change", ""), "release": cycle.get("release", ""), "hosts": {},
            "verdict": "restored" if failed else good, "reasons": [result["msg"]] if failed else [],
        })

    def put(self, parcel: Parcel, drop: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        """Let the parcel lie whole in the drop; returns what was found, sent and read back, with a diff."""
        base, progress = drop["path"], shown(Display())
        with open_drop(drop, options["timeout"]) as remote:
            found = survey(remote, base, parcel, progress)
            require_room(remote, base, parcel, found)
            whole = found.complete
            if not whole and not self._task.check_mode:
                try:
                    send(remote, base, parcel, found, secrets.token_hex(8), progress)
                finally:
                    self._touched = self._touched or remote.touched
                whole = True
            result = _record(parcel, found, remote.place(posixpath.join(base, parcel.folder)))
            receipt = self._receipt(parcel, remote, result["place"], options) if whole else {}
        return {**result, **receipt, "changed": result["changed"] or receipt.get("changed", False),
                **self._difference(parcel, found, result["place"])}

    def _receipt(
        self, parcel: Parcel, remote: SftpFiles, place: str, options: dict[str, Any]
    ) -> dict[str, Any]:
        who = f"{getpass.getuser()}@{socket.gethostname()}"
        receipt = receipt_of(parcel, options["change"], place, remote.server, datetime.now(timezone.utc), who)
        if not options["record_root"]:
            return {"receipt": receipt}
        root = os.path.abspath(options["record_root"])
        written = keep_receipt(root, receipt, bool(self._task.check_mode))
        return {"receipt": receipt, "receipt_path": receipt_path(root, receipt), "changed": written}

    def _difference(self, parcel: Parcel, found: Survey, place: str) -> dict[str, Any]:
        if not self._task.diff:
            return {}
        remains = [f"{part.name} (the first {part.size} bytes of {name})\n" for name, part in found.parts.items()]
        remains += [f"{name} (remains of a delivery)\n" for name in found.useless]
        return {
            "diff": {
                "before_header": place,
                "after_header": place,
                "before": _listing(parcel, found.kept) + "".join(remains),
                "after": _listing(parcel, found.kept + found.missing),
            }
        }


def shown(display: Display) -> Progress:
    """A line for each tenth of a big file."""
    tenths: dict[tuple[str, str], int] = {}

    def show(verb: str, name: str, done: int, size: int) -> None:
        tenth = done * 10 // size if size else 10
        if size >= BIG and tenths.get((verb, name)) != tenth:
            tenths[verb, name] = tenth
            display.display(f"deliver: {name}: {tenth * 10} % {verb} ({done >> 20} of {size >> 20} MiB)")

    return show


def _record(parcel: Parcel, found: Survey, place: str) -> dict[str, Any]:
    return {
        "changed": not found.complete,
        "bundle": parcel.folder,
        "place": place,
        "sent": found.missing,
        "kept": found.kept,
        "resumed": [{"file": name, "bytes": part.size} for name, part in found.parts.items()],
        "removed": found.useless,
    }


def _listing(parcel: Parcel, names: list[str]) -> str:
    lines = [
        f"{name} {parcel.entries[name].size} bytes sha256 {parcel.entries[name].sha256}\n"
        for name in sorted(names)
        if name in parcel.entries
    ]
    return "".join(lines) + (f"{MANIFEST_NAME}\n" if MANIFEST_NAME in names else "")
