# SPDX-License-Identifier: GPL-3.0-or-later
"""Verify a release on a host: the pages show what they must, and nothing differs from the ledger."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.relmgmt.release.plugins.module_utils._core import completeness
from ansible_collections.relmgmt.release.plugins.plugin_utils.on_host import cycle_options, run_on_host

try:
    import jmespath
except ImportError:
    jmespath = None


class ActionModule(ActionBase):
    """Fetch the pages on the host and judge them on the controller."""

    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Failed with every reason when a check fails; otherwise the ledger says that it was verified."""
        del tmp
        known = task_vars or {}
        args = self._task.args
        found, result = self._drift(known, args.get("digests", []))
        if not result.get("failed") and not self._task.check_mode:
            page_found, result = self._pages(known, args)
            found += page_found
        if result.get("failed"):
            return result
        if found:
            return {"failed": True, "changed": False, "failures": found,
                    "msg": "the release is not complete:\n" + "\n".join(found)}
        return self._record(known)

    def _record(self, known: dict[str, Any]) -> dict[str, Any]:
        if (known.get("gate_cycle") or {}).get("leaving"):
            # Entered before the tests began; the receipt may have expired since.
            return {"changed": False, "failures": [], "msg": "complete"}
        noted = run_on_host(self, "receipt", {**cycle_options("receipt", known), "state": "verified"}, known)
        return noted if noted.get("failed") else {
            "changed": noted["changed"], "failures": [], "msg": "complete"}

    def _drift(
        self, known: dict[str, Any], digests: list[str]
    ) -> tuple[list[str], dict[str, Any]]:
        state = run_on_host(self, "release_info", cycle_options("release_info", known), known)
        if state.get("failed") or self._task.check_mode:
            return [], state
        found = [f"{row['component']} is not what was installed: {row['observed']}, not {row['expected']}"
                 for row in state["drift"]]
        current = {row["digest"] for row in state["current"].values()}
        found += [f"the package {digest[:12]}… is not current on this host"
                  for digest in digests if digest not in current]
        return found, state

    def _pages(
        self, known: dict[str, Any], args: dict[str, Any]
    ) -> tuple[list[str], dict[str, Any]]:
        checks = completeness.checks_at(args.get("checks", []), args["place"])
        base = str(args.get("url", "")).rstrip("/")
        if checks and not base and args["place"] == "servers" and known.get("relmgmt_websphere"):
            return [f"{checks[0]['name']}: there is no address to look at; give url in relmgmt_websphere"], {}
        if not checks or not base:
            return [], {}
        urls = sorted({base + check["path"] for check in checks})
        answer = run_on_host(self, "page_info", {"urls": urls, "timeout": args.get("timeout", 20)}, known)
        if answer.get("failed"):
            return [], answer
        found: list[str] = []
        for check in checks:
            url = base + check["path"]
            found += completeness.failures(check, url, answer["pages"][url], _search)
        return found, answer


def _search(expression: str, value: Any) -> Any:
    if jmespath is None:
        raise ValueError("jmespath is missing on the controller; make setup")
    try:
        return jmespath.search(expression, value)
    except jmespath.exceptions.JMESPathError as error:
        raise ValueError(str(error)) from error
