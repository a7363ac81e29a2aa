# SPDX-License-Identifier: GPL-3.0-or-later
"""Where test mode takes an instance or a server, its documentation is that of the modules which demand one."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
import yaml

from ansible_collections.relmgmt.release.plugins.doc_fragments import instance, places, websphere


def options(fragment: ModuleType) -> dict[str, Any]:
    return yaml.safe_load(fragment.ModuleDocFragment.DOCUMENTATION)["options"]


@pytest.mark.parametrize(("name", "demanding"), [("instance", instance), ("websphere", websphere)])
def test_but_for_being_required_the_option_reads_the_same(name: str, demanding: ModuleType) -> None:
    wanted = options(demanding)[name]
    given = options(places)[name]
    assert wanted.pop("required") is True
    assert "required" not in given
    assert given["suboptions"] == wanted["suboptions"]
    assert given["type"] == wanted["type"]
