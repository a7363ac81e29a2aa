# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules whose work goes on in a worker on the host: asked again until it has ended, its progress shown.

A connection that is lost, or a module that is killed, meanwhile does not touch the worker: the module is
asked again, under the same call, before the host counts as unreachable.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.utils.display import Display

from ansible_collections.relmgmt.release.plugins.module_utils._core.progress import Line, ended_in_words, in_words

#: modules that take the option ``worker``
SUPERVISED = frozenset(["backup_retention", "backup_set", "proxy_member", "restore", "rollback"])
WAIT = 10  # seconds that one call of the module waits on the host, and so between two lines of progress
WAIT_VERBOSE = 5
AFTER_NO_ANSWER = (1.0,)  # seconds before the module is asked again, if it never answered
AFTER_LOST = (2.0, 8.0, 20.0)  # the same, if it has answered before

Execute = Callable[[dict[str, Any]], dict[str, Any]]


def supervise(execute: Execute, args: Mapping[str, Any], show: Callable[[Mapping[str, Any]], None],
              reset: Callable[[], None], wait: int = WAIT,
              sleep: Callable[[float], None] = time.sleep) -> dict[str, Any]:
    """The module's result once its worker has ended.

    ``execute`` runs the module once and raises AnsibleConnectionFailure if the connection is lost; ``reset``
    renews it; ``show`` is handed what is in progress.
    """
    asked = {**args, "worker": {"call": secrets.token_hex(8), "wait": wait}}
    pauses: tuple[float, ...] = AFTER_NO_ANSWER
    while True:
        result = _persist(execute, asked, reset, pauses, sleep)
        if "in_progress" not in result:
            return result
        pauses = AFTER_LOST
        show(result["in_progress"])


def _persist(execute: Execute, args: dict[str, Any], reset: Callable[[], None], pauses: tuple[float, ...],
             sleep: Callable[[float], None]) -> dict[str, Any]:
    """One answer of the module; after each pause it is asked once more, then what is wrong is handed on."""
    for pause in pauses:
        try:
            result = execute(dict(args))
        except AnsibleConnectionFailure:
            with suppress(AnsibleError):
                reset()
        else:
            if not _was_cut_off(result):
                return result
        sleep(pause)
    return execute(dict(args))


def _was_cut_off(result: Mapping[str, Any]) -> bool:
    """The module died without an answer: all that Ansible has is what it left on its standard output."""
    return bool(result.get("failed")) and "module_stdout" in result


class Watch:
    """Shows what is in progress on one host, a line at a time."""

    def __init__(self, host: str, module: str, display: Display) -> None:
        self._host = host
        self._module = module
        self._display = display
        self._ended = 0.0

    def show(self, seen: Mapping[str, Any]) -> None:
        """One line for what goes on; with -v one too for every phase that has ended since."""
        other = seen.get("waits_for")
        if other:
            self._say(f"waits until {other['module']} of {other['change']} has ended: {in_words(other['progress'])}")
            return
        progress = seen["progress"]
        if self._display.verbosity:
            self._show_ended(progress)
        self._say(in_words(progress))

    def _show_ended(self, progress: Mapping[str, Any]) -> None:
        for one in progress.get("ended", []):
            if one["until"] > self._ended:
                self._ended = one["until"]
                self._say(ended_in_words(one))

    def _say(self, text: str) -> None:
        self._display.display(str(Line(self._host, self._module, text)))
