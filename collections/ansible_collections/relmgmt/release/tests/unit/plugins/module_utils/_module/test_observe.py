# SPDX-License-Identifier: GPL-3.0-or-later
"""What is seen of a component, and that looking carries nothing which changes a host."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible_collections.relmgmt.release.plugins.module_utils._core.tree import tree_digest
from ansible_collections.relmgmt.release.plugins.module_utils._module.observe import look
from ansible_collections.relmgmt.release.plugins.module_utils._tree import observe_tree

LIBERTY = {"liberty": {"server": "cfis", "install_dir": "/nonexistent", "url": "http://127.0.0.1:1"}}
WAS = {"kind": "was", "was": {"profile": "/nonexistent", "servers": [{"node": "n", "server": "s"}]}}
SETTING = {"type": "variable", "name": "a", "value": None}
WAR = {"kind": "war", "application": "cfis", "context_root": "/cfis"}
EVERY_KIND = [
    {**WAR, "websphere": LIBERTY}, {**WAR, "websphere": WAS},
    {"kind": "configuration", "websphere": LIBERTY, "settings": [SETTING]},
    {"kind": "configuration", "websphere": WAS, "settings": [SETTING]},
    {"kind": "static", "document_root": "/nonexistent"},
    {"kind": "cache_items", "instance": {"name": "A", "engine": "gtm"}, "names": ["A.MAC"]},
    {"kind": "cache_items", "instance": {"name": "A", "engine": "iris"}, "names": ["A.MAC"]},
]
VIEWS = {
    "liberty_view", "liberty_settings_view", "was_view", "was_settings_view", "_docroot_view", "gtm_engine_view",
    "iris_engine_view", "_ledger_view", "_worker_view",
}
CHANGING = {
    "liberty", "liberty_dropins", "liberty_rest", "liberty_start", "liberty_update", "was",
    "was_rollout", "_docroot", "_drop", "gtm_engine", "gtm_storage", "iris_engine", "iris_storage", "_ledger",
    "_worker", "run", "cycle", "static_content", "cache_package_undo",
}


def row(recipe: dict[str, Any]) -> dict[str, Any]:
    return {"component": "x", "digest": "d", "detail": {"observe": recipe}}


def test_looking_imports_views_and_nothing_that_changes_a_host() -> None:
    """A managed host compiles what a module imports, anew in every call, and is asked in every run."""
    package = "ansible_collections.relmgmt.release.plugins"
    code = (
        f"from {package}.modules import release_info\n"
        f"from {package}.module_utils._module.observe import look\n"
        f"look({[row(recipe) for recipe in EVERY_KIND]!r})\n"
        "import sys; print(*(n.rpartition('.')[2] for n in sys.modules if '.release.plugins.module_utils.' in n))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, capture_output=True,
        text=True, check=True,
    )
    imported = set(done.stdout.split())
    assert imported >= VIEWS
    assert not imported & CHANGING


def test_what_is_not_there_and_what_cannot_be_seen_is_drift() -> None:
    absent, hidden = row(EVERY_KIND[0]), row({**WAR, "websphere": {"kind": "tomcat"}})
    drift, notes = look([absent, hidden, {"component": "y", "digest": "d", "detail": {}}])
    assert drift[0]["observed"] is None
    assert str(drift[1]["observed"]).startswith("unknown: no adapter for 'tomcat'")
    assert (len(drift), notes) == (2, [])


def test_the_tree_that_is_served_is_seen(tmp_path: Path) -> None:
    content = tmp_path / "releases" / "a"
    content.mkdir(parents=True)
    (content / "index.html").write_text("x")
    (tmp_path / "current").symlink_to("releases/a")
    recipe = {"kind": "static", "document_root": str(tmp_path), "digest": tree_digest(observe_tree(str(content)))}
    assert look([row(recipe)]) == ([], [])
    (content / "index.html").write_text("y")
    assert look([row(recipe)])[0][0]["component"] == "x"
