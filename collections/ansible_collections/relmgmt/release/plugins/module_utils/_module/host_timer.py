# SPDX-License-Identifier: GPL-3.0-or-later
"""The timer that keeps the end time of test mode, on the host itself.

What it starts escalates by mail and changes nothing else: neither ports nor fence (invariant 1).
"""

from __future__ import annotations

import datetime
import fcntl
import hashlib
import json
import os
import sys
import time
from contextlib import suppress
from typing import Any, Dict, Mapping

from ansible_collections.relmgmt.release.plugins.module_utils._commands import run_detached
from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown, RelmgmtError
from ansible_collections.relmgmt.release.plugins.module_utils._files import make_dirs, write_durably
from ansible_collections.relmgmt.release.plugins.module_utils._module.run import Host
from ansible_collections.relmgmt.release.plugins.module_utils._module.test_mode_scene import command_of

SYSTEMD, PROCESS, NONE = "systemd", "process", "none"
_BOOTED = "/run/systemd/system"
_CURE = "correct relmgmt_test_mode.timer"
_SECONDS = 60
_DEFAULT = {"kind": "auto", "unit_directory": "/etc/systemd/system", "systemctl": "systemctl"}
_SERVICE = """\
[Unit]
Description=Test mode of relmgmt should be over: tell by mail

[Service]
ExecStart={python} {command} overdue
Restart=on-failure
RestartSec=300
"""
_TIMER = """\
[Unit]
Description=The end time of test mode of relmgmt

[Timer]
OnCalendar={moment}
Persistent=true
AccuracySec=1s

[Install]
WantedBy=timers.target
"""


def directory_of(state_dir: str) -> str:
    """Where mail options and lock of the timer lie; nobody else can enter."""
    return os.path.join(state_dir, "test-mode")


def start(host: Host, document: Mapping[str, Any]) -> Dict[str, Any]:
    """Keep the mail options and start the timer; how it is kept: kind, and of systemd its unit.

    A document that has a timer already gets the same again.
    """
    make_dirs(directory_of(host.state_dir), 0o700)
    mail = host.params.get("mail")
    if mail:
        write_durably(os.path.join(directory_of(host.state_dir), "mail.json"), json.dumps(mail).encode(), 0o600)
    timer = {**_DEFAULT, **(document.get("timer") or host.params.get("timer") or {})}
    if timer["kind"] == NONE or not document["ends_at"]:
        return {"kind": NONE}
    if timer["kind"] == PROCESS or (timer["kind"] == "auto" and not _has_systemd()):
        return _start_process(host.state_dir)
    try:
        return _start_unit(host.state_dir, timer, document["ends_at"])
    except RelmgmtError:
        if timer["kind"] == SYSTEMD:
            raise
        return _start_process(host.state_dir)


def runs(state_dir: str, document: Mapping[str, Any]) -> bool:
    """Whether the timer that the document names is there; True if it names none."""
    timer = document.get("timer") or {"kind": NONE}
    if timer["kind"] == PROCESS:
        return is_held(state_dir) or _has_told(document)
    if timer["kind"] == SYSTEMD:
        return _systemctl(timer, "is-active", "--quiet", timer["unit"], required=False) or _has_told(document)
    return True


def _has_told(document: Mapping[str, Any]) -> bool:
    """A timer that has passed need not run any more."""
    return bool(document["ends_at"] and time.time() >= document["ends_at"])


def stop(state_dir: str, document: Mapping[str, Any]) -> None:
    """Take the timer away, and the mail options with it. A process of ours sees the ledger and ends by itself."""
    timer = document.get("timer") or {"kind": NONE}
    if timer["kind"] == SYSTEMD:
        _systemctl(timer, "disable", "--now", timer["unit"], required=False)
        for suffix in (".timer", ".service"):
            with suppress(FileNotFoundError):
                os.unlink(os.path.join(timer["unit_directory"], timer["unit"].rpartition(".")[0] + suffix))
        _systemctl(timer, "daemon-reload", required=False)
    with suppress(FileNotFoundError):
        os.unlink(os.path.join(directory_of(state_dir), "mail.json"))


# -- systemd -------------------------------------------------------------------------------------


def _has_systemd() -> bool:
    return os.geteuid() == 0 and os.path.isdir(_BOOTED)


def _start_unit(state_dir: str, timer: Mapping[str, Any], ends_at: float) -> Dict[str, Any]:
    stem = "relmgmt-test-mode-" + hashlib.sha256(state_dir.encode()).hexdigest()[:8]
    moment = datetime.datetime.fromtimestamp(ends_at, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    texts = {
        ".service": _SERVICE.format(python=sys.executable, command=command_of(state_dir)),
        ".timer": _TIMER.format(moment=moment),
    }
    for suffix, text in texts.items():
        write_durably(os.path.join(timer["unit_directory"], stem + suffix), text.encode())
    _systemctl(timer, "daemon-reload")
    _systemctl(timer, "enable", "--now", stem + ".timer")
    return {"kind": SYSTEMD, "unit": stem + ".timer", "unit_directory": timer["unit_directory"],
            "systemctl": timer["systemctl"]}


def _systemctl(timer: Mapping[str, Any], *words: str, required: bool = True) -> bool:
    command = [timer["systemctl"], *words]
    try:
        ended = run_detached(command, time.monotonic() + _SECONDS, _CURE)
    except (RelmgmtError, OSError):
        if required:
            raise
        return False
    if ended.code != 0 and required:
        raise HostStateUnknown(f"systemd does not take the timer: {ended.output.strip()}", " ".join(command), _CURE)
    return ended.code == 0


# -- a process of its own ------------------------------------------------------------------------


def is_held(state_dir: str) -> bool:
    """Whether a process waits for the end time: it holds the lock for as long as it lives."""
    try:
        descriptor = os.open(_lock(state_dir), os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def hold(state_dir: str) -> bool:
    """Be the process that waits, until it and what it forks have ended; False if another one is."""
    make_dirs(directory_of(state_dir), 0o700)
    descriptor = os.open(_lock(state_dir), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    return True


def _lock(state_dir: str) -> str:
    return os.path.join(directory_of(state_dir), "timer.lock")


def _start_process(state_dir: str) -> Dict[str, Any]:
    command = [sys.executable, command_of(state_dir), "wait"]
    ended = run_detached(command, time.monotonic() + _SECONDS, _CURE)
    if ended.code != 0:
        raise HostStateUnknown(f"the process that waits for the end time did not start: {ended.output}",
                               " ".join(command), "see what it says")
    return {"kind": PROCESS}
