# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings in configuration files: one value is replaced where it stands, every other byte stays.

A file is written once for all its settings, aside and then renamed, with its owner, mode and extended attributes. A
symbolic link stays one: what it leads to is replaced. A file of several names (hard links) is refused, because only
the one name would lead to the new file.
"""

from __future__ import annotations

import os
import re
import stat
import time
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils._commands import run_detached
from ansible_collections.relmgmt.release.plugins.module_utils._core.edit_file import Key, find, replace
from ansible_collections.relmgmt.release.plugins.module_utils._core.edit_text import LARGEST
from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import SettingPlace
from ansible_collections.relmgmt.release.plugins.module_utils._errors import (
    HostStateUnknown,
    InvalidInput,
    RelmgmtError,
)
from ansible_collections.relmgmt.release.plugins.module_utils._files import replace_durably
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.command import converse
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.port import Context, Places, Written

SECONDS = 120.0
_OCTAL = re.compile(rb"\\([0-7]{3})")
_TAIL = 500  # characters of what a command says that a message carries


class _Change(NamedTuple):
    """What a file is to become; equal bytes: it is not written."""

    path: str
    before: bytes
    after: bytes


class FilePlaces(Places):
    """Settings of interfaces in files of this host, whatever their formats."""

    def __init__(self, settings: Sequence[SettingPlace], context: Context, seconds: float = SECONDS) -> None:
        super().__init__(settings, context)
        self._seconds = seconds
        self._seen: Dict[str, Optional[str]] = {}

    def read(self) -> Dict[str, Optional[str]]:
        """The values as they stand; None too where there is no file."""
        self._seen = self._values()
        return dict(self._seen)

    def check(self, values: Mapping[str, Optional[str]]) -> None:
        """Refuse what could not be written: a value that is not there, a file of several names or of another owner."""
        for change in self._changes(values):
            if change.before != change.after:
                _require_replaceable(change.path)

    def write(self, values: Mapping[str, Optional[str]]) -> Written:
        """All files are looked at before the first is written.

        The commands that make running processes read them again run also when nothing had to be written: a run that
        was cut off may have written without them.
        """
        changes = [one for one in self._changes(values) if one.before != one.after]
        for change in changes:
            _require_replaceable(change.path)
        for change in changes:
            _write(change)
        self._seen.update(values)
        reloads = [one.options["reload"] for one in self.settings if one.key in values and one.options.get("reload")]
        for command in dict.fromkeys(map(tuple, reloads)):
            self._reload(command)
        return Written()

    def pending(self) -> str:
        """Which running processes go by another value than the file's, as far as `in_force` tells of them.

        A command that prints nothing tells that nothing runs by it.
        """
        asked = [one for one in self.settings if one.options.get("in_force")]
        values = self._values() if asked else {}
        return "; ".join(filter(None, (self._difference(one, values[one.key]) for one in asked)))

    # -- files -------------------------------------------------------------------------------------

    def _values(self) -> Dict[str, Optional[str]]:
        data: Dict[str, Optional[bytes]] = {}
        found: Dict[str, Optional[str]] = {}
        for one in self.settings:
            path = _path(one)
            if path not in data:
                data[path] = _contents(path)
            found[one.key] = _value(one, data[path])
        return found

    def _changes(self, values: Mapping[str, Optional[str]]) -> List[_Change]:
        """Nothing is touched; raises what makes a change impossible."""
        by_path: Dict[str, List[SettingPlace]] = {}
        for one in self.settings:
            if one.key in values:
                by_path.setdefault(_path(one), []).append(one)
        return [change for path, ours in by_path.items() for change in self._change(path, ours, values)]

    def _change(
        self, path: str, ours: Sequence[SettingPlace], values: Mapping[str, Optional[str]]
    ) -> List[_Change]:
        before = _contents(path)
        if before is None:
            if any(values[one.key] is not None for one in ours):
                cure = "create it with the value of production, or take the setting out of the inventory"
                raise InvalidInput("there is no such file", ours[0].options["path"], cure)
            return []
        after = before
        for one in ours:
            self._require_as_seen(one, before, values[one.key])
            after = replace(after, *_arguments(one, values[one.key]))
        return [_Change(path, before, after)]

    def _require_as_seen(self, setting: SettingPlace, data: bytes, value: Optional[str]) -> None:
        now = _value(setting, data)
        if now not in (value, self._seen.get(setting.key, now)):
            message = "%s changed between looking and writing; it was not written" % setting.key
            raise RelmgmtError(message, setting.options["path"], "find out who changes it, then run again")

    # -- processes that read them ------------------------------------------------------------------

    def _reload(self, command: Tuple[str, ...]) -> None:
        cure = "correct the option `reload` of the interfaces"
        ended = run_detached(command, time.monotonic() + self._seconds, cure)
        if ended.code != 0:
            how = "did not end within %g s" % self._seconds if ended.code is None else "ended with %d" % ended.code
            message = "the files are written, but what makes processes read them %s; it said: %s" % (
                how, ended.output[-_TAIL:].strip()
            )
            raise HostStateUnknown(message, " ".join(command), "see to it that it works, then run again")

    def _difference(self, setting: SettingPlace, value: Optional[str]) -> str:
        command = setting.options["in_force"]
        try:
            answer = converse(command, b"", self._seconds)
        except OSError as error:
            return "%s: `%s` cannot be run: %s" % (setting.key, " ".join(command), error.strerror)
        if answer.code != 0:
            return "%s: `%s` tells nothing: %s" % (setting.key, " ".join(command), answer.error[-_TAIL:] or answer.code)
        runs = answer.out.decode("utf-8", "replace").strip()
        if runs in ("", value):
            return ""
        return "%s: %.200r runs, %.200r stands in the file" % (setting.key, runs, value)


def _path(setting: SettingPlace) -> str:
    """The file itself, where symbolic links lead to."""
    return os.path.realpath(str(setting.options["path"]))


def _arguments(setting: SettingPlace, value: Optional[str]) -> Tuple[str, Key, Optional[str], str, str]:
    options = setting.options
    return options["format"], _key(setting), value, options.get("encoding") or "", options["path"]


def _key(setting: SettingPlace) -> Key:
    return Key(setting.options["key"], setting.options.get("section") or "")


def _value(setting: SettingPlace, data: Optional[bytes]) -> Optional[str]:
    if data is None:
        return None
    form, key, _value, encoding, path = _arguments(setting, None)
    span = find(data, form, key, encoding, path)
    return None if span is None else span.value


def _contents(path: str) -> Optional[bytes]:
    """The whole file, None when there is none; never waits for a pipe or a device."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise InvalidInput("it is no regular file", path, "give the path of a configuration file")
            with os.fdopen(descriptor, "rb", closefd=False) as stream:
                data = stream.read(LARGEST + 1)
        finally:
            os.close(descriptor)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        message = "it cannot be read: %s" % error.strerror
        raise HostStateUnknown(message, path, "run as a user who may read it") from error
    if len(data) > LARGEST:
        raise InvalidInput("it is larger than %d MiB" % (LARGEST >> 20), path, "give the file of the settings")
    return data


def _require_replaceable(path: str) -> None:
    names = os.stat(path).st_nlink
    if names > 1:
        cure = "make it a file of its own: cp -p FILE FILE.new && mv FILE.new FILE; or use symbolic links"
        message = "the file has %d names (hard links), and only this one would get the new value" % names
        raise RelmgmtError(message, path, cure)
    if _is_mount(path):
        raise RelmgmtError("a file is mounted here, so it cannot be replaced", path, "mount its directory instead")
    if not os.access(os.path.dirname(path), os.W_OK | os.X_OK):
        raise RelmgmtError("its directory cannot be written to", path, "run as a user who may")


def _is_mount(path: str) -> bool:
    """os.path.ismount does not see a file of the same file system that is mounted."""
    with open("/proc/self/mountinfo", "rb") as stream:
        points = [line.split()[4] for line in stream]
    return os.fsencode(path) in (_OCTAL.sub(lambda found: bytes([int(found[1], 8)]), point) for point in points)


def _write(change: _Change) -> None:
    def require_unchanged() -> None:
        if _contents(change.path) != change.before:
            message = "the file was changed by another while it was written; it was left to the other"
            raise RelmgmtError(message, change.path, "find out who changes it, then run again")

    try:
        replace_durably(change.path, change.after, require_unchanged)
    except OSError as error:
        message = "it cannot be replaced: %s" % error.strerror
        raise RelmgmtError(message, change.path, "see to it that it can be written, then run again") from error
