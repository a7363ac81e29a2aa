# SPDX-License-Identifier: GPL-3.0-or-later
"""The option of the interfaces: what the spec lets through the core reads, and the documentation says the same."""

from __future__ import annotations

import copy

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.relmgmt.release.plugins.doc_fragments.interfaces import ModuleDocFragment
from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import interfaces_of
from ansible_collections.relmgmt.release.plugins.module_utils._core.place_options import OPTIONS, PLACES, QUEUES
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput
from ansible_collections.relmgmt.release.plugins.module_utils._module.interface_spec import INTERFACES_SPEC

#: every option of every kind once
COMPLETE = {
    "name": "CATS", "direction": "outbound",
    "production": {"host": "cats.example.org", "port": 5100, "addresses": ["192.0.2.1"]},
    "test": {"host": "cats-test.example.org", "port": "5101"},
    "settings": [
        {"hosts": "databases", "place": "global_node", "global": "^CFISCFG", "subscripts": ["interface", 1]},
        {"hosts": "all", "place": "file", "path": "/etc/a", "format": "ini", "section": "s", "key": "k",
         "encoding": "latin-1", "reload": ["/bin/a"], "in_force": ["/bin/b"], "value": "{host}:{port}"},
        {"hosts": "all", "place": "file", "path": "/etc/b", "format": "yaml", "key": ["a", 0]},
        {"hosts": "web", "place": "liberty", "type": "variable", "name": "cats.port"},
        {"hosts": "web", "place": "websphere", "type": "resource", "name": "DataSource:a", "attribute": "b"},
        {"hosts": "databases", "place": "production_setting", "production": "P", "item": "I", "target": "Host",
         "setting": "Port"},
        {"hosts": "databases", "place": "default_setting", "production": "P", "item": "I", "host_class": "H",
         "setting": "Port"},
        {"hosts": "all", "place": "command", "command": ["/bin/c", "x"]},
    ],
    "queue": {"hosts": "databases", "place": "interoperability_queue", "item": "I"},
}  # fmt: skip


def validated(*interfaces):
    result = ArgumentSpecValidator(INTERFACES_SPEC).validate({"interfaces": list(interfaces)})
    return result.validated_parameters["interfaces"], result.error_messages


def test_what_the_inventory_says_comes_through_the_spec_unchanged():
    found, errors = validated(copy.deepcopy(COMPLETE))
    assert errors == []
    assert interfaces_of(found) == interfaces_of([COMPLETE])
    places = {one["place"] for one in COMPLETE["settings"]}
    assert places == set(PLACES)
    given = {name for one in [*COMPLETE["settings"], COMPLETE["queue"]] for name in one}
    assert given - {"hosts", "place", "value"} == set(OPTIONS)


@pytest.mark.parametrize("kind", sorted(PLACES))
def test_every_option_of_every_kind_is_known_to_the_core(kind):
    """An option that the spec knows and a kind has not is refused, not ignored."""
    setting = next(one for one in COMPLETE["settings"] if one["place"] == kind)
    own = {*PLACES[kind].required, *PLACES[kind].optional}
    for name in set(OPTIONS) - own:
        other = next((one[name] for one in COMPLETE["settings"] if name in one), "x")
        with pytest.raises(InvalidInput, match=f"of kind {kind} has no option '{name}'"):
            interfaces_of(validated({**COMPLETE, "settings": [{**setting, name: other}]})[0])


@pytest.mark.parametrize(
    "change,said",
    [
        ({"hold": False}, "hold"),
        ({"settings": [{**COMPLETE["settings"][0], "subscript": ["x"]}]}, "subscript"),
        ({"settings": [{**COMPLETE["settings"][0], "place": "registry"}]}, "registry"),
        ({"direction": "both"}, "both"),
        ({"queue": {"hosts": "a", "place": "file"}}, "file"),
        ({"production": {"host": "a", "port": 1, "adresses": []}}, "adresses"),
    ],
)
def test_typing_errors_are_refused_by_the_spec(change, said):
    _found, errors = validated({**copy.deepcopy(COMPLETE), **change})
    assert said in " ".join(errors)


def test_no_interfaces_are_none():
    assert ArgumentSpecValidator(INTERFACES_SPEC).validate({}).validated_parameters == {"interfaces": []}


def test_the_documentation_says_the_same():
    documented = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    assert _said(documented, "suboptions") == _said(INTERFACES_SPEC, "options")


def _said(options, below):
    facts = ("type", "elements", "required", "choices", "default", "aliases")
    return {
        name: {
            **{fact: one[fact] for fact in facts if one.get(fact) is not None},
            "options": _said(one.get(below, {}), below),
        }
        for name, one in options.items()
    }


def test_kinds_of_places_and_queues_are_those_of_the_core():
    interface = INTERFACES_SPEC["interfaces"]["options"]
    assert interface["settings"]["options"]["place"]["choices"] == sorted(PLACES)
    assert interface["queue"]["options"]["place"]["choices"] == sorted(QUEUES)
