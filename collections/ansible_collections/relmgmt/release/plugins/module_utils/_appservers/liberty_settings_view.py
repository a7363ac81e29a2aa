# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration changes of a release on one Liberty server, as they stand."""

from __future__ import annotations

import os
from typing import Mapping, Optional, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_pending import Pending
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_server import LibertyServer
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.port import RUNNING
from ansible_collections.relmgmt.release.plugins.module_utils._core import liberty_settings as layout
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_config import (
    LIBRARY,
    OF_JVM,
    PROPERTY,
    VARIABLE,
    Observed,
    Setting,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown
from ansible_collections.relmgmt.release.plugins.module_utils._files import read_if_there, sha256_file

MARK = "@configuration"  # @ is in no application's name


class LibertySettingsView:
    """The settings of one server, looked at."""

    def __init__(self, server: LibertyServer) -> None:
        self.server = server
        self.place = "server %s" % server.name
        self._marks = Pending(server.config_dir)
        self._override = os.path.join(server.overrides, layout.OVERRIDE)
        self._folder = os.path.join(server.config_dir, layout.FOLDER)
        self._jvm_options = os.path.join(server.overrides, "jvm.options")

    def observe(self, settings: Sequence[Setting]) -> Observed:
        files, options = self._files(), layout.read_options(self._options_text())
        values = {setting.key: self._value(setting, files, options) for setting in settings}
        pending = self._lacking(settings, options)
        if not pending and self._marks.of(MARK):
            pending = "the server was not seen to take in what was written last"
        return Observed(values, pending)

    def _value(self, setting: Setting, files: layout.Files, options: Mapping[str, str]) -> Optional[str]:
        if setting.type == VARIABLE:
            return files.variables.get(setting.name)
        if setting.type in OF_JVM:
            option = options.get(setting.key)
            return layout.property_value(option) if option and setting.type == PROPERTY else option
        path = self._path(setting, files)
        if path is None:
            return None
        return sha256_file(path) if os.path.isfile(path) else ""

    def _path(self, setting: Setting, files: layout.Files) -> Optional[str]:
        """Where the file of a library or fragment lies, None when there is no such setting."""
        names = files.libraries if setting.type == LIBRARY else files.fragments
        name = names.get(setting.name)
        return None if name is None else os.path.join(self._folder, name)

    def _lacking(self, settings: Sequence[Setting], options: Mapping[str, str]) -> str:
        """Options count from the next start of the process on: is this one older than they are?"""
        wanted = [options[one.key] for one in settings if one.type in OF_JVM and one.key in options]
        if not wanted or self.server.state() != RUNNING:
            return ""
        running = self.server.jvm_options()
        if running is None:
            cure = "run as the user who starts the server, with its own bin/server"
            raise HostStateUnknown("the options of the server's process cannot be seen", self.place, cure)
        missing = [option for option in wanted if option not in running]
        return "the server runs without %s" % ", ".join(missing) if missing else ""

    def _files(self) -> layout.Files:
        return layout.read(read_if_there(self._override) or b"", self._override)

    def _options_text(self) -> str:
        return (read_if_there(self._jvm_options) or b"").decode("utf-8", "surrogateescape")
