# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings in nodes of globals: all of a host's are written in one transaction of its engine."""

from __future__ import annotations

from typing import Dict, List, Mapping, Optional, Sequence

from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import SettingPlace
from ansible_collections.relmgmt.release.plugins.module_utils._core.items import GlobalChange, Node, Path
from ansible_collections.relmgmt.release.plugins.module_utils._engines.choose import open_engine
from ansible_collections.relmgmt.release.plugins.module_utils._interfaces.port import Context, Places, Written


class GlobalPlaces(Places):
    """Nodes of an instance's globals. M code reads a node when it needs it, so nothing is ever pending."""

    def __init__(self, settings: Sequence[SettingPlace], context: Context) -> None:
        super().__init__(settings, context)
        self._engine = open_engine(context.instance or {})
        for name in self._names():
            self._engine.check_global_name(name)
        self._seen: Optional[Dict[str, Optional[str]]] = None

    def read(self) -> Dict[str, Optional[str]]:
        found: Dict[str, Optional[str]] = {}
        for name in self._names():
            ours = [one for one in self.settings if one.options["global"] == name]
            nodes = self._engine.read_nodes(name, [_path(one) for one in ours])
            values = {node.subscripts: node.value for node in nodes}
            found.update({one.key: values.get(_path(one)) for one in ours})
        self._seen = found
        return dict(found)

    def write(self, values: Mapping[str, Optional[str]]) -> Written:
        """Nothing is written if any of these nodes is another one than when it was read."""
        seen = self.read() if self._seen is None else self._seen
        if all(seen[key] == value for key, value in values.items()):
            return Written()
        written = self._engine.write_globals(
            [change for name in self._names() for change in self._change(name, seen, values)]
        )
        self._seen = {**seen, **values}
        return Written(written.pids)

    def _change(
        self, name: str, seen: Mapping[str, Optional[str]], values: Mapping[str, Optional[str]]
    ) -> List[GlobalChange]:
        """What is to happen to one global; what stays is looked at all the same."""
        ours = [one for one in self.settings if one.options["global"] == name and one.key in values]
        if not ours:
            return []
        expected: Dict[Path, Optional[str]] = {_path(one): seen[one.key] for one in ours}
        wanted = {_path(one): values[one.key] for one in ours if values[one.key] != seen[one.key]}
        sets = tuple(Node(path, value) for path, value in wanted.items() if value is not None)
        removes = tuple(path for path, value in wanted.items() if value is None)
        return [GlobalChange(name, sets, removes, expected)]

    def _names(self) -> List[str]:
        return list(dict.fromkeys(one.options["global"] for one in self.settings))


def _path(setting: SettingPlace) -> Path:
    return tuple(setting.options["subscripts"])
