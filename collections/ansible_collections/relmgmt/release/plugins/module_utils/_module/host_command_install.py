# SPDX-License-Identifier: GPL-3.0-or-later
"""Building ``relmgmt-test-mode``: one file that holds every module it needs, made from the payload of this module.

It works when the controller, its upload and Ansible are gone, because Python reads modules out of the file itself.
"""

from __future__ import annotations

import io
import os
import sys
import zipfile
from typing import Dict, Iterator, Tuple

from ansible_collections.relmgmt.release.plugins.module_utils import _ledger
from ansible_collections.relmgmt.release.plugins.module_utils._errors import HostStateUnknown
from ansible_collections.relmgmt.release.plugins.module_utils._files import make_dirs, read_if_there, write_durably
from ansible_collections.relmgmt.release.plugins.module_utils._module import host_reserve
from ansible_collections.relmgmt.release.plugins.module_utils._module.test_mode_scene import command_of

MODE = 0o750
_PACKAGE = "ansible_collections/relmgmt/release/plugins/module_utils"
_ENTRY = "host_command"
_MAIN = """\
import sys
from ansible_collections.relmgmt.release.plugins.module_utils._module.{entry} import main
sys.exit(main({ledger!r}))
"""


def install(ledger: str, check_mode: bool = False) -> bool:
    """The command and the reserve are there, as this version makes them; True if they were not (or would be made)."""
    state_dir = os.path.dirname(ledger)
    path = command_of(state_dir)
    data = build(ledger)
    stale = read_if_there(path) != data
    if check_mode:
        return stale
    if stale:
        make_dirs(os.path.dirname(path), 0o750)
        write_durably(path, data, MODE)
    reserved = host_reserve.set_aside(state_dir)
    return stale or reserved


def build(ledger: str) -> bytes:
    """The file's bytes, the same for the same modules."""
    files = dict(_sources())
    if f"{_PACKAGE}/_module/{_ENTRY}.py" not in files:
        raise HostStateUnknown("the module's payload lacks the host command", _PACKAGE, "report this")
    for name in list(files):
        parts = name.split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            files.setdefault("/".join([*parts[:depth], "__init__.py"]), b"")
    files["__main__.py"] = _MAIN.format(entry=_ENTRY, ledger=ledger).encode()
    return f"#!{sys.executable or '/usr/bin/env python3'}\n".encode() + _zipped(files)


def _zipped(files: Dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name)  # of 1980, so that the bytes tell nothing but the modules
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o640 << 16
            archive.writestr(info, files[name])
    return target.getvalue()


def _sources() -> Iterator[Tuple[str, bytes]]:
    """Every module of module_utils that this process could import, by its path below the payload's root."""
    archive = getattr(getattr(_ledger, "__loader__", None), "archive", None)
    return _from_archive(str(archive)) if archive else _from_directory(os.path.dirname(str(_ledger.__file__)))


def _from_archive(path: str) -> Iterator[Tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.startswith(_PACKAGE + "/") and name.endswith(".py"):
                yield name, archive.read(name)


def _from_directory(root: str) -> Iterator[Tuple[str, bytes]]:
    for directory, _names, files in os.walk(root):
        for name in files:
            if name.endswith(".py"):
                path = os.path.join(directory, name)
                with open(path, "rb") as stream:
                    yield f"{_PACKAGE}/{os.path.relpath(path, root)}", stream.read()


def _packed() -> None:
    """Never called: what a module imports anywhere, Ansible packs into its payload (T39)."""
    from ansible_collections.relmgmt.release.plugins.module_utils._module import host_command  # noqa: F401
