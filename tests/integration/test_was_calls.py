# SPDX-License-Identifier: GPL-3.0-or-later
"""Every call of wsadmin's objects that the script makes exists, with that many arguments, in wsadmin-type-hints.

So do the calls that the emulated cell answers: it must not be more obliging than the real one. The package tells the
arguments of AdminConfig and of part of AdminControl; of AdminApp and AdminTask it tells the names.
"""

from __future__ import annotations

import ast
import inspect

import pytest
from emulated_cell.admin import OBJECTS
from type_hints import hints

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_session import script

NAMES = {"app": "AdminApp", "config": "AdminConfig", "control": "AdminControl", "task": "AdminTask"}


def calls() -> list[tuple[str, str, int]]:
    """Object, method and number of arguments of each call below `admin`."""
    found = set()
    for node in ast.walk(ast.parse(script("/x"))):
        method = node.func if isinstance(node, ast.Call) else None
        if isinstance(method, ast.Attribute) and isinstance(method.value, ast.Attribute) and method.value.attr in NAMES:
            found.add((NAMES[method.value.attr], method.attr, len(node.args)))
    return sorted(found)


@pytest.mark.parametrize("name, method, count", calls())
def test_the_call_exists_with_that_many_arguments(name, method, count):
    inspect.signature(getattr(hints(name), method)).bind(*range(count))
    inspect.signature(getattr(OBJECTS[name], method)).bind(None, *range(count))


def test_the_script_calls_upon_all_four():
    assert {name for name, _method, _count in calls()} == set(NAMES.values())


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_the_emulated_cell_has_no_command_of_its_own(name):
    own = [method for method in vars(OBJECTS[name]) if not method.startswith("_")]
    assert [method for method in own if not hasattr(hints(name), method)] == []
