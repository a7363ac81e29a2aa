# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks through ansible-runner; the only file that imports it.

Known faults that this file keeps away from the run: a slow event handler ends it (FAULTS E9),
a raising one tears it down (E10), a run that dies leaves no status (E7), ansible.cfg is not
found because ansible-runner changes the directory (T44), host keys are not checked unless it
is said, and the file ``command`` in its artifacts holds the whole environment.
"""

from __future__ import annotations

import os
import queue
import shlex
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ansible_runner

from relmgmt_runner.events import PLAY_START, step_of
from relmgmt_runner.ports import PlaybookCall, PlaybookEnd, Watch

IDENT = "ansible"


class RunnerPlaybooks:
    """``ports.Playbooks`` on ansible-runner."""

    def run(self, call: PlaybookCall, watch: Watch) -> PlaybookEnd:
        feed = EventFeed(watch)
        try:
            runner = ansible_runner.run(
                private_data_dir=str(call.private),
                ident=IDENT,
                project_dir=str(call.directory),
                playbook=call.playbook,
                cmdline=shlex.join(arguments(call)),
                extravars=dict(call.variables),
                envvars=environment(call),
                suppress_env_files=True,
                quiet=True,
                fact_cache_type="",
                event_handler=feed.put,
                status_handler=_forget_environment,
            )
            status, code, problem = str(runner.status), runner.rc, ""
        except Exception as error:
            # Whatever ansible-runner stumbles over says nothing of the hosts.
            status, code, problem = "unknown", None, f"ansible-runner: {type(error).__name__}: {error}"
        finally:
            feed.close()
        return PlaybookEnd(status, code, feed.started, problem or _last_words(call.private, feed.started))


class EventFeed:
    """Takes events from ansible-runner without ever holding it up, and hands the steps on.

    ``put`` only enqueues; a thread of its own calls ``watch``, whose exceptions are counted in
    ``raised`` and otherwise forgotten: looking on must not disturb the run.
    """

    def __init__(self, watch: Watch) -> None:
        self.started = False
        self.raised = 0
        self._watch = watch
        self._events: queue.SimpleQueue[Mapping[str, Any] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._hand_on, name="relmgmt-events", daemon=True)
        self._thread.start()

    def put(self, event: Mapping[str, Any]) -> bool:
        """ansible-runner's event handler; True keeps the event's file."""
        self.started = self.started or event.get("event") == PLAY_START
        self._events.put(event)
        return True

    def close(self) -> None:
        """Hand on what is left, then end the thread."""
        self._events.put(None)
        self._thread.join()

    def _hand_on(self) -> None:
        while (event := self._events.get()) is not None:
            try:
                step = step_of(event)
                if step is not None:
                    self._watch(step)
            except Exception:
                self.raised += 1


def arguments(call: PlaybookCall) -> list[str]:
    """ansible-playbook's arguments; a file named by ``-e @FILE`` is found from anywhere."""
    given: list[str] = []
    for inventory in call.inventories:
        given += ["-i", inventory]
    for value in call.extra:
        given += ["-e", "@" + os.path.abspath(value[1:]) if value.startswith("@") else value]
    return given + ["--check"] * call.check + ["--diff"] * call.diff


def environment(call: PlaybookCall) -> dict[str, str]:
    """What is added to the environment: the configuration, host key checking, this venv's commands."""
    commands = str(Path(sys.executable).parent)
    added = {
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "PATH": commands + os.pathsep + os.environ.get("PATH", os.defpath),
    }
    if call.config is not None:
        added["ANSIBLE_CONFIG"] = str(call.config)
    return added


def _forget_environment(status: Mapping[str, Any], runner_config: Any) -> None:
    """Remove ansible-runner's copy of the environment, which may hold secrets (invariant 11)."""
    if status.get("status") == "running":
        Path(runner_config.artifact_dir, "command").unlink(missing_ok=True)


def _last_words(private: Path, started: bool) -> str:
    """What ansible-playbook said when it never got to a play."""
    if started:
        return ""
    try:
        text = (private / "artifacts" / IDENT / "stdout").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return text.strip()[-2000:]
