# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration changes of a release on one Liberty server: one override file, and a block of jvm.options."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Mapping, Sequence, Set

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_configuration import (
    configuration,
    monitoring,
)
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_intake import Intake, served
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_pending import require_known
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_server import LibertyServer
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_settings_view import (
    MARK,
    LibertySettingsView,
)
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_update import Updates, changed_file
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.port import RUNNING, STOPPED
from ansible_collections.relmgmt.release.plugins.module_utils._core import liberty_settings as layout
from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_config import DISABLED
from ansible_collections.relmgmt.release.plugins.module_utils._core.web_config import (
    FRAGMENT,
    LIBRARY,
    OF_JVM,
    PROPERTY,
    RESOURCE,
    VARIABLE,
    WITH_FILE,
    Setting,
    differing,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError
from ansible_collections.relmgmt.release.plugins.module_utils._files import (
    copy_durably,
    fsync_dir,
    make_dirs,
    read_if_there,
    sha256_file,
    write_durably,
)

_FILES, _RESTART = "files", "restart"
_LARGEST_FRAGMENT = 1 << 20
_CURE = "correct it in the release"


class LibertySettings(LibertySettingsView):
    """The settings of one server."""

    def __init__(self, server: LibertyServer, updates: Updates) -> None:
        super().__init__(server)
        self._updates = updates

    def check(self, settings: Sequence[Setting], files: Mapping[str, str]) -> None:
        for setting in settings:
            if setting.type == RESOURCE:
                cure = "write it as a fragment of server.xml"
                raise AppServerError("Liberty has no %s" % setting.key, self.place, cure)
            if setting.type == FRAGMENT and setting.value is not None:
                layout.check_fragment(_small(files[setting.key], setting.file), setting.file)
        if not os.path.exists(self.server.log):
            cure = "give relmgmt_websphere.liberty.log"
            raise AppServerError("nothing would tell that the configuration was taken in", self.server.log, cure)
        if _RESTART in self._words(settings):
            self._updates.require_restart("options of the JVM count from the server's next start on")
            self._require_no_common_options()
        else:
            self._updates.require(monitoring(self.server).configuration)

    def keep(self, settings: Sequence[Setting], directory: str) -> Dict[str, str]:
        files, kept = self._files(), {}
        for number, setting in enumerate(settings, 1):
            path = self._path(setting, files) if setting.type in WITH_FILE else None
            if path is not None and os.path.isfile(path):
                kept[setting.key] = "%03d-%s" % (number, os.path.basename(path))
                copy_durably(path, os.path.join(directory, kept[setting.key]))
        return kept

    def apply(self, settings: Sequence[Setting], files: Mapping[str, str]) -> Dict[str, Any]:
        """Write what differs, have the server take it in, remove files that nothing refers to any more."""
        observed = self.observe(settings)
        changed = differing(settings, observed.values)
        state = self.server.state()
        if not changed and not observed.pending:
            down = {"server": STOPPED} if state == STOPPED else {}
            return {"changed": False, "restarted": False, "errors": [], **down}
        words = self._words(changed)
        if self._lacking(settings, layout.read_options(self._options_text())):
            words.add(_RESTART)
        was_cut_off = bool(self._marks.of(MARK))
        if was_cut_off:
            changed = list(settings)
        with self._marks.until_in_force(MARK, words):
            wanted = self._wanted(changed, files)
            options = layout.render_options(self._options_text(), self._wanted_options(changed))
            if state != RUNNING:
                self._write(wanted, options)
                require_known(state, self.place)
                return {"server": STOPPED, "changed": True, "restarted": False, "errors": []}
            trigger = DISABLED if _RESTART in words else monitoring(self.server).configuration
            if was_cut_off and trigger != DISABLED:
                self._take_away(changed, trigger)
            seen = self._cut_over(changed, wanted, options, trigger)
        self._forget(wanted)
        return seen

    def _words(self, settings: Sequence[Setting]) -> Set[str]:
        """How these come into force: nothing but a new start brings options of the JVM in, or takes them away."""
        return {_FILES, *self._marks.of(MARK), *(_RESTART for one in settings if one.type in OF_JVM)}

    def _take_away(self, settings: Sequence[Setting], trigger: str) -> None:
        """After a change that was cut off: the same file again would change nothing for the server, and prove nothing
        of it. Others' settings stay in it."""
        intake, existed = Intake(self._updates, _CURE), os.path.exists(self._override)
        without = self._wanted([one._replace(value=None) for one in settings], {})
        if self._publish(self._override, layout.render(without, is_interim=True)):
            self._updates.announce(trigger, changed_file(self._override, existed))
            intake.wait()

    def _cut_over(
        self, changed: Sequence[Setting], wanted: layout.Files, options: str, trigger: str
    ) -> Dict[str, Any]:
        restart = trigger == DISABLED
        features = bool(self._features(changed, wanted) - self._features_in_force())
        intake = Intake(self._updates, _CURE, features, restart)
        existed, roots = os.path.exists(self._override), served(self.server)
        if self._write(wanted, options) or restart:
            self._updates.announce(trigger, changed_file(self._override, existed))
            if os.path.exists(self.server.log):
                intake.wait()
                intake.wait_for_applications(roots)
        watch = intake.watch
        return {"changed": True, "restarted": restart, "errors": watch.errors[:20], "message": watch.verdict.message}

    def _features(self, changed: Sequence[Setting], wanted: layout.Files) -> Set[str]:
        """What fragments ask for."""
        fragments = [self._path(one, wanted) for one in changed if one.type == FRAGMENT and one.value is not None]
        return {name for path in fragments if path for name in layout.features(_small(path, path), path)}

    def _features_in_force(self) -> Set[str]:
        """What the configuration asks for already: of these the server tells nothing new."""
        return {name for path, data in configuration(self.server) for name in layout.features(data, path)}

    # -- files ---------------------------------------------------------------------------

    def _wanted(self, changed: Sequence[Setting], files: Mapping[str, str]) -> layout.Files:
        """What the override file is to hold; files that it names are laid beside before anything refers to them."""
        held = self._files()
        variables, libraries, fragments = dict(held.variables), dict(held.libraries), dict(held.fragments)
        for one in changed:
            target = {VARIABLE: variables, LIBRARY: libraries, FRAGMENT: fragments}.get(one.type)
            if target is None:
                continue
            if one.value is None:
                target.pop(one.name, None)
            else:
                target[one.name] = one.value if one.type == VARIABLE else self._lay(one, files)
        return layout.Files(variables, libraries, fragments)

    def _lay(self, setting: Setting, files: Mapping[str, str]) -> str:
        name = (layout.library_file if setting.type == LIBRARY else layout.fragment_file)(
            setting.name, setting.value or ""
        )
        path = os.path.join(self._folder, name)
        if not os.path.isfile(path) or sha256_file(path) != setting.value:
            make_dirs(self._folder)
            copy_durably(files[setting.key], path, 0o644)
        return name

    def _wanted_options(self, changed: Sequence[Setting]) -> Dict[str, str]:
        options = layout.read_options(self._options_text())
        for one in changed:
            if one.type not in OF_JVM:
                continue
            if one.value is None:
                options.pop(one.key, None)
            else:
                options[one.key] = layout.property_option(one.name, one.value) if one.type == PROPERTY else one.value
        return options

    def _write(self, wanted: layout.Files, options: str) -> bool:
        """Returns whether the override file, which the server may watch, has changed."""
        data = options.encode("utf-8", "surrogateescape")
        self._publish(self._jvm_options, data)
        return self._publish(self._override, layout.render(wanted))

    def _publish(self, path: str, data: bytes) -> bool:
        """Write a file, or remove it where nothing is to be in it; returns whether anything changed."""
        before = read_if_there(path)
        if data == (before or b""):
            return False
        if data:
            make_dirs(os.path.dirname(path))
            write_durably(path, data)
        else:
            os.unlink(path)
            fsync_dir(os.path.dirname(path))
        return True

    def _forget(self, wanted: layout.Files) -> None:
        names: List[str] = os.listdir(self._folder) if os.path.isdir(self._folder) else []
        for name in set(names) - set(wanted.names):
            os.unlink(os.path.join(self._folder, name))

    def _require_no_common_options(self) -> None:
        """Liberty leaves etc/jvm.options out as soon as a server has options of its own."""
        shared = os.path.join(self.server.user_dir, "shared", "jvm.options")
        defaults = os.path.join(self.server.config_dir, "configDropins", "defaults", "jvm.options")
        own = os.path.join(self.server.config_dir, "jvm.options")
        common = os.path.join(self.server.install_dir, "etc", "jvm.options")
        if os.path.exists(common) and not any(map(os.path.exists, (shared, defaults, own, self._jvm_options))):
            message = "the server takes its options from the runtime's, which Liberty leaves out once it has its own"
            raise AppServerError(message, common, "copy them to %s" % own)


def _small(path: str, label: str) -> bytes:
    with open(path, "rb") as stream:
        data = stream.read(_LARGEST_FRAGMENT + 1)
    if len(data) > _LARGEST_FRAGMENT:
        raise AppServerError("the fragment is larger than %d bytes" % _LARGEST_FRAGMENT, label, "make it smaller")
    return data
