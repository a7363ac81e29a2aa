# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-runner's events as steps. Events are telemetry: they are shown, nothing is decided by them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.relmgmt.release.plugins.module_utils._core.progress import parse_line
from relmgmt_runner.ports import Step

PLAY_START = "playbook_on_play_start"
HOST_STATES = {
    "runner_on_ok": "ok",
    "runner_on_failed": "failed",
    "runner_on_unreachable": "unreachable",
    "runner_on_skipped": "skipped",
}


def step_of(event: Mapping[str, Any]) -> Step | None:
    """The step that an event tells of; None for one that is not shown."""
    kind, data = event.get("event"), event.get("event_data") or {}
    play, task = _text(data.get("play") or data.get("name")), _text(data.get("task"))
    if kind == PLAY_START:
        return Step("play", play)
    if kind in ("playbook_on_task_start", "playbook_on_handler_task_start"):
        return Step("task", play, task)
    if kind == "verbose":
        line = parse_line(_text(event.get("stdout")))
        return line and Step("progress", "", line.module, line.host, message=line.text)
    if kind in HOST_STATES:
        result = data.get("res")
        result = result if isinstance(result, Mapping) else {}
        state = _state(HOST_STATES[kind], data, result)
        message = _text(result.get("msg")) if state in ("failed", "ignored", "unreachable") else ""
        return Step("host", play, task, _text(data.get("host")), state, message)
    return None


def _state(state: str, data: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    if state == "failed" and data.get("ignore_errors"):
        return "ignored"
    return "changed" if state == "ok" and result.get("changed") is True else state


def _text(value: Any) -> str:
    return "" if value is None else str(value)
