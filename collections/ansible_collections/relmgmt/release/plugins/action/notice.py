# SPDX-License-Identifier: GPL-3.0-or-later
"""Send a notice once: the host's ledger remembers it (options: modules/notice.py).

Looks into the ledger, sends, records. A crash between the last two sends the mail a second
time, under the same Message-ID. Whatever goes wrong is a warning: mail never fails a release.
"""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.relmgmt.release.plugins.module_utils._errors import RelmgmtError
from ansible_collections.relmgmt.release.plugins.module_utils._mail import compose, send
from ansible_collections.relmgmt.release.plugins.module_utils._module.mail_spec import MAIL_SPEC
from ansible_collections.relmgmt.release.plugins.plugin_utils.on_host import cycle_options, run_on_host

SPEC: dict[str, dict[str, Any]] = {
    "marker": {"type": "str", "required": True},
    "subject": {"type": "str", "required": True},
    "body": {"type": "str", "required": True},
    "mail": {"type": "dict", "required": True, "options": MAIL_SPEC},
    "change": {"type": "str"},
    "lease": {"type": "int"},
    "ledger": {"type": "path", "default": "/var/lib/relmgmt/ledger.db"},
    "phase": {"type": "str", "default": ""},
}
LEDGER = ("marker", "change", "lease", "ledger", "phase")


class ActionModule(ActionBase):
    """The mail goes out from the controller; the ledger is the task's host's."""

    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_diff = False

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        options = self.validate_argument_spec(argument_spec=SPEC)[1]
        of_cycle = cycle_options("notice", task_vars or {})
        options.update({key: of_cycle[key] for key in LEDGER if key in of_cycle and key not in self._task.args})
        result.update(changed=False, sent=False, refused=[])
        known = self._ledger("look", options, task_vars)
        if known.get("failed"):
            self._warn(options, f"not sent, its ledger cannot be read: {known.get('msg')}")
        elif not known["recorded"]:
            result.update(self._send(options, task_vars))
        return result

    def _send(self, options: dict[str, Any], task_vars: dict[str, Any] | None) -> dict[str, Any]:
        if self._task.check_mode:
            return {"changed": True}
        try:
            message = compose(options["mail"], options["subject"], options["body"], options["marker"])
            refused = send(options["mail"], message)
        except RelmgmtError as error:
            self._warn(options, str(error))
            return {"error": error.as_dict()}
        if refused:
            self._warn(options, f"the mail server refused {', '.join(refused)}; the others have it")
        noted = self._ledger("record", options, task_vars)
        if noted.get("failed"):
            self._warn(options, f"sent, but not recorded, the next run sends it again: {noted.get('msg')}")
        return {"changed": True, "sent": True, "refused": refused}

    def _ledger(
        self, mark: str, options: dict[str, Any], task_vars: dict[str, Any] | None
    ) -> dict[str, Any]:
        arguments = {key: options[key] for key in LEDGER if options[key] is not None}
        return run_on_host(self, "notice", {**arguments, "mark": mark}, task_vars or {})

    def _warn(self, options: dict[str, Any], text: str) -> None:
        Display().warning(f"notice {options['marker']}: {text}")
