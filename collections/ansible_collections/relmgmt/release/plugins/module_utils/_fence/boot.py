# SPDX-License-Identifier: GPL-3.0-or-later
"""The fence after a reboot: a systemd unit puts it up before the network, and the application does not start without.

Files, all durable: the nft script below the host's state; the unit; for each unit in ``before`` a drop-in that
requires it; and one for nftables.service, whose start, reload and stop flush every table, ours included.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from typing import Any, Dict, List, Mapping, NamedTuple, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._backup.failpoints import failpoint
from ansible_collections.relmgmt.release.plugins.module_utils._core.fence import rules_in, script
from ansible_collections.relmgmt.release.plugins.module_utils._errors import FenceError, InvalidInput
from ansible_collections.relmgmt.release.plugins.module_utils._files import (
    fsync_dir,
    make_dirs,
    read_if_there,
    write_durably,
)

UNIT = "relmgmt-fence.service"
SYSTEMD, NONE = "systemd", "none"
LOST_BY_REBOOT = "a reboot loses the fence: nothing puts it up again (relmgmt_fence.boot.kind none)"
_DROP_IN = "relmgmt-fence.conf"
_WANTED_BY = "sysinit.target"
_FLUSHES = "nftables.service"
_UNIT_NAME = re.compile(r"[A-Za-z0-9:_.@-]{1,200}\.(service|target|socket|mount|path)\Z")
_SECONDS = 60
_OFFLINE = ("offline", "unknown", "")
_UNIT_TEXT = """\
# Written by relmgmt (module interface_fence), which removes it when test mode is left.
[Unit]
Description=Fence of relmgmt's test mode: no packet reaches a production endpoint
DefaultDependencies=no
Wants=network-pre.target
Before=network-pre.target shutdown.target
Conflicts=shutdown.target
After=systemd-modules-load.service nftables.service firewalld.service iptables.service ip6tables.service ufw.service
RequiresMountsFor={directory}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={command}
ExecReload={command}

[Install]
WantedBy={wanted_by}
"""
_REQUIRES_TEXT = """\
# Written by relmgmt: while test mode lasts, this does not start without its fence.
[Unit]
Requires={unit}
After={unit}
"""
_AGAIN_TEXT = """\
# Written by relmgmt: while test mode lasts, its fence stands again after this has flushed every table.
[Service]
ExecStartPost={command}
ExecReload={command}
ExecStopPost={command}
"""


class Boot(NamedTuple):
    """How the fence comes back: ``kind`` systemd or none (a reboot loses it). ``before``: units that need it."""

    kind: str
    unit_directory: str = "/etc/systemd/system"
    systemctl: str = "systemctl"
    before: Tuple[str, ...] = ()

    def as_dict(self) -> Dict[str, Any]:
        """As the ledger keeps it."""
        return {**self._asdict(), "before": list(self.before)}


def boot_of(options: Mapping[str, Any]) -> Boot:
    """From the module's option or the ledger's document; InvalidInput for what is no name of a unit."""
    given = {**Boot(NONE)._asdict(), **options}
    for name in given["before"]:
        if not _UNIT_NAME.match(name) or name in (UNIT, _FLUSHES):
            raise InvalidInput("%r is no unit of the application" % name, "relmgmt_fence.boot.before",
                               "name units such as cfis.service")
    return Boot(given["kind"], os.path.abspath(given["unit_directory"]), given["systemctl"],
                tuple(sorted(set(given["before"]))))


def script_path(state_dir: str) -> str:
    """Where the script lies that the unit loads."""
    return os.path.join(os.path.abspath(state_dir), "fence", "fence.nft")


def install(boot: Boot, state_dir: str, nft: str, text: str) -> None:
    """Make the fence come back; drop-ins of units that are no longer in ``before`` are for `remove_others`.

    `nft`: absolute path of the program. Raises FenceError where systemd does not run. The script is written for every
    kind: it is what puts the fence up by hand.
    """
    if boot.kind != NONE:
        _require_systemd(boot)
    make_dirs(os.path.dirname(script_path(state_dir)), 0o750)
    write_durably(script_path(state_dir), text.encode(), 0o600)
    failpoint("fence:script")
    if boot.kind == NONE:
        return
    for path, unit in _files(boot, state_dir, nft).items():
        make_dirs(os.path.dirname(path))
        write_durably(path, unit.encode())
        failpoint("fence:unit")
    _systemctl(boot, "daemon-reload")
    _systemctl(boot, "enable", UNIT)
    _sync_links(boot)
    failpoint("fence:enabled")


def remove_others(previous: Boot, boot: Boot) -> None:
    """Take away what `previous` has put there and `boot` does not need."""
    wanted = set(_paths(boot)) if boot.kind != NONE else set()
    stale = [path for path in _paths(previous) if path not in wanted]
    if previous.kind == NONE or not any(map(os.path.lexists, stale)):
        return
    if boot.kind == NONE or boot.unit_directory != previous.unit_directory:
        _remove_units(previous)
        return
    for path in stale:
        _unlink(path)
    _systemctl(boot, "daemon-reload")


def remove(boot: Boot, state_dir: str) -> List[str]:
    """Make the fence stay away after a reboot; what is not there is fine. Returns warnings.

    The drop-ins go first: stopping the unit would stop the application, which requires it.
    """
    told = _remove_units(boot) if boot.kind != NONE else []
    _unlink(script_path(state_dir))
    failpoint("fence:script-gone")
    return told


def installed(boot: Boot, state_dir: str, nft: str, text: str) -> List[str]:
    """What keeps the fence from coming back as this script after a reboot; an empty list: it will.

    LOST_BY_REBOOT is the first of kind none.
    """
    told = [] if boot.kind != NONE else [LOST_BY_REBOOT]
    wanted = {script_path(state_dir): text}
    if boot.kind != NONE:
        wanted.update(_files(boot, state_dir, nft))
        if not os.path.lexists(_link(boot)):
            told.append("%s is not enabled" % UNIT)
    return told + ["%s is not as it was written" % path for path, content in sorted(wanted.items())
                   if read_if_there(path) != content.encode()]


def lost_by_reboot(document: Mapping[str, Any], state_dir: str) -> List[str]:
    """What keeps the fence of the ledger's document from standing again after a reboot; an empty list: it will."""
    text = script(document["table"], rules_in(document))
    return installed(boot_of(document["boot"]), state_dir, document["nft"], text)


def left_over(boot: Boot, state_dir: str) -> List[str]:
    """Files of the fence that are there."""
    paths = [script_path(state_dir), *(_paths(boot) if boot.kind != NONE else ())]
    return [path for path in paths if os.path.lexists(path)]


# -- files ---------------------------------------------------------------------------------------


def _files(boot: Boot, state_dir: str, nft: str) -> Dict[str, str]:
    """Every unit file by path; the unit comes last but for its drop-ins, which name it."""
    path = script_path(state_dir)
    command = "%s -f %s" % (_quoted(nft), _quoted(path))
    unit = _UNIT_TEXT.format(command=command, directory=_quoted(os.path.dirname(path)), wanted_by=_WANTED_BY)
    again = _AGAIN_TEXT.format(command=command)
    return {
        os.path.join(boot.unit_directory, UNIT): unit,
        _drop_in(boot, _FLUSHES): again,
        **{_drop_in(boot, name): _REQUIRES_TEXT.format(unit=UNIT) for name in boot.before},
    }


def _paths(boot: Boot) -> List[str]:
    """Every path, in the order of removal: drop-ins, the link, the unit."""
    return [*(_drop_in(boot, name) for name in (*boot.before, _FLUSHES)), _link(boot),
            os.path.join(boot.unit_directory, UNIT)]


def _drop_in(boot: Boot, name: str) -> str:
    return os.path.join(boot.unit_directory, name + ".d", _DROP_IN)


def _link(boot: Boot) -> str:
    return os.path.join(boot.unit_directory, _WANTED_BY + ".wants", UNIT)


def _quoted(text: str) -> str:
    """As a word of a unit file."""
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")


def _unlink(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
        fsync_dir(os.path.dirname(path))
    if path.endswith(_DROP_IN):
        with contextlib.suppress(OSError):  # somebody else's drop-ins are there
            os.rmdir(os.path.dirname(path))


def _sync_links(boot: Boot) -> None:
    """What systemctl has linked is durable, in a directory that it may have made."""
    if not os.path.lexists(_link(boot)):
        raise FenceError(
            "systemctl enable has not linked %s" % UNIT, _link(boot),
            "give the directory that systemd reads as relmgmt_fence.boot.unit_directory",
        )
    fsync_dir(os.path.dirname(_link(boot)))
    fsync_dir(boot.unit_directory)


# -- systemd -------------------------------------------------------------------------------------


def _remove_units(boot: Boot) -> List[str]:
    """Without a systemd that runs or answers too: going back is never refused (invariant 14)."""
    *drop_ins, link, unit = _paths(boot)
    told: List[str] = []
    for path in drop_ins:
        _unlink(path)
        failpoint("fence:drop-in-gone")
    known = os.path.lexists(unit) or os.path.lexists(link)
    if known and runs(boot):
        for words in (("daemon-reload",), ("stop", UNIT), ("disable", UNIT)):
            told += _try(boot, *words)
    for path in (link, unit):
        _unlink(path)
        failpoint("fence:unit-gone")
    if known and runs(boot):
        told += _try(boot, "daemon-reload")
    return told


def runs(boot: Boot) -> bool:
    """Whether systemd runs this host."""
    try:
        return _called(boot, "is-system-running").stdout.strip() not in _OFFLINE
    except FenceError:
        return False


def _require_systemd(boot: Boot) -> None:
    if not runs(boot):
        raise FenceError(
            "systemd does not run this host, so nothing would put the fence up after a reboot", boot.systemctl,
            "set relmgmt_fence.boot.kind to none if that is accepted, or put the fence up where systemd runs",
        )


def _try(boot: Boot, *words: str) -> List[str]:
    try:
        _systemctl(boot, *words)
    except FenceError as error:
        return [str(error)]
    return []


def _systemctl(boot: Boot, *words: str) -> None:
    ended = _called(boot, *words)
    if ended.returncode:
        said = (ended.stderr.strip() or ended.stdout.strip() or "status %d" % ended.returncode)[-1000:]
        raise FenceError("systemctl %s: %s" % (" ".join(words), said), boot.systemctl,
                         "run it as root (become: true); see journalctl")


def _called(boot: Boot, *words: str) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            [boot.systemctl, "--no-ask-password", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", timeout=_SECONDS, check=False, env={**os.environ, "LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired as error:
        raise FenceError("systemctl %s does not end" % " ".join(words), boot.systemctl, "see systemctl list-jobs") \
            from error
    except OSError as error:
        raise FenceError("systemctl cannot be run: %s" % error.strerror, boot.systemctl,
                         "give its path, or set relmgmt_fence.boot.kind to none") from error
