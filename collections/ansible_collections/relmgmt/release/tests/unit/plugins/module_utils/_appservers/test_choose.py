# SPDX-License-Identifier: GPL-3.0-or-later
"""The adapter of the application server: imported where it is made, or before a worker begins."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.choose import app_server
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

U = "ansible_collections.relmgmt.release.plugins"
LOADED = "import sys; print(*(n.rpartition('.')[2] for n in sys.modules if '._appservers.' in n))"


def loaded_after(code: str) -> set[str]:
    """Modules of the adapters that a fresh interpreter has imported after the code."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{LOADED}"], env={"PYTHONPATH": ":".join(sys.path)}, capture_output=True,
        text=True, check=True,
    )
    return set(done.stdout.split())


def test_a_host_without_a_cell_does_not_compile_what_speaks_to_one() -> None:
    options = {"server": "cfis", "install_dir": "/opt/wlp", "url": "http://127.0.0.1:1", "start_timeout": 1}
    code = f"from {U}.module_utils._appservers.choose import app_server; app_server({{'liberty': {options!r}}})"
    assert "liberty" in loaded_after(code)
    assert "was" not in loaded_after(code)


def test_t39_going_back_has_imported_every_adapter_before_its_worker_begins() -> None:
    """The worker outlives the file that its module came in."""
    code = (f"from {U}.modules import rollback\nrollback.AnsibleModule = lambda **options: None\n"
            "rollback.run_supervised = lambda *work: None\nrollback.main()")
    assert {"liberty", "liberty_server", "was", "was_options"} <= loaded_after(code)


def test_another_kind_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InvalidInput, match="tomcat") as caught:
        app_server({"kind": "tomcat", "tomcat": {}})
    assert "liberty or was" in str(caught.value)
