# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration changes of a release as values: what is read, what differs, what brings it back."""

from __future__ import annotations

import json
import pathlib

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.web_config import (
    TYPES,
    Setting,
    as_observed,
    differing,
    entries_digest,
    listing,
    option_key,
    settings_of,
    value_digests,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

SHA = "1" * 64


def one(inventory=None, **entry):
    return settings_of([entry], inventory or {})[0]


@pytest.mark.parametrize(
    "entry,setting",
    [
        ({"type": "variable", "name": "a.b", "value": "1"}, ("variable", "a.b", "1", "", "")),
        ({"type": "jvm_property", "name": "a", "value": True}, ("jvm_property", "a", "true", "", "")),
        ({"type": "variable", "name": "a", "from_inventory": "gw"}, ("variable", "a", "http://x", "", "")),
        ({"type": "jvm_option", "option": "-Xmx1g"}, ("jvm_option", "-Xmx", "-Xmx1g", "", "")),
        ({"type": "jvm_option", "option": "-Xmx1g", "state": "absent"}, ("jvm_option", "-Xmx", None, "", "")),
        ({"type": "fragment", "name": "ds", "file": "ds.xml", "sha256": SHA}, ("fragment", "ds", SHA, "ds.xml", "")),
        ({"type": "library", "name": "l", "state": "absent", "file": None}, ("library", "l", None, "", "")),
        (
            {"type": "resource", "name": "DataSource:CFIS", "attribute": "statementCacheSize", "value": 50},
            ("resource", "DataSource:CFIS", "50", "", "statementCacheSize"),
        ),
    ],
)
def test_entries_are_read(entry, setting):
    assert one({"gw": "http://x"}, **entry) == Setting(*setting)


@pytest.mark.parametrize(
    "entry,reason",
    [
        ({"type": "variable", "name": "a b", "value": "1"}, "not the name"),
        ({"type": "variable", "name": "", "value": "1"}, "not the name"),
        ({"type": "variable", "name": "a"}, "neither value nor"),
        ({"type": "variable", "name": "a", "value": "1", "from_inventory": "x"}, "or both"),
        ({"type": "variable", "name": "a", "from_inventory": "x"}, "no value 'x'"),
        ({"type": "variable", "name": "a", "value": "1\n2"}, "no single line"),
        ({"type": "variable", "name": "db.password", "value": "tiger"}, "a secret in plain text"),
        ({"type": "resource", "name": "JAASAuthData:cfis", "attribute": "password", "value": "x"}, "is a secret"),
        ({"type": "resource", "name": "JAASAuthData:cfis", "attribute": "password", "value": "{xor}x"}, "is a secret"),
        ({"type": "resource", "name": "J2C:a", "attribute": "trustPassword", "state": "absent"}, "is a secret"),
        ({"type": "jvm_option", "option": "Xmx1g"}, "not an option"),
        ({"type": "jvm_option", "option": "-Xmx1g\n-Xms1g"}, "not an option"),
        ({"type": "jvm_option", "option": "-Da=b"}, "is a property"),
        ({"type": "fragment", "name": "../x", "file": "x.xml", "sha256": SHA}, "not the name"),
        ({"type": "resource", "name": "DataSource:A", "value": "1"}, "an attribute is a resource's"),
        ({"type": "variable", "name": "a", "attribute": "b", "value": "1"}, "an attribute is a resource's"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_cure(entry, reason):
    with pytest.raises(InvalidInput, match=reason) as caught:
        one(**entry)
    assert caught.value.cure


def test_an_encoded_secret_or_a_reference_passes():
    """Invariant 11: what must not be seen is not in a release."""
    assert one(type="variable", name="db.password", value="{aes}AJk3").value == "{aes}AJk3"
    assert one(type="variable", name="db.password", value="${env.DB_PASSWORD}").value == "${env.DB_PASSWORD}"


def test_the_documents_schema_names_the_same_types():
    here = pathlib.Path(__file__).resolve()
    plugins = next(parent for parent in here.parents if parent.name == "tests").parent / "plugins"
    schema = json.loads((plugins / "plugin_utils/schemas/release.schema.json").read_text())
    assert tuple(schema["properties"]["configuration"]["items"]["properties"]["type"]["enum"]) == TYPES


def test_the_same_setting_twice_is_refused():
    with pytest.raises(InvalidInput, match="jvm_option -Xmx is named twice"):
        settings_of([{"type": "jvm_option", "option": f"-Xmx{size}"} for size in ("1g", "2g")], {})


@pytest.mark.parametrize(
    "options",
    [("-Xmx512m", "-Xmx1g"), ("-XX:+UseG1GC", "-XX:-UseG1GC"), ("-XX:MaxRAM=1g", "-XX:MaxRAM=2g")],
)
def test_options_of_which_one_wins_are_the_same_setting(options):
    assert len({option_key(option) for option in options}) == 1


@pytest.mark.parametrize(
    "options", [("-Xmx1g", "-Xms1g"), ("-javaagent:a.jar", "-javaagent:b.jar"), ("-XX:+A", "-XX:+B")]
)
def test_options_that_stand_beside_each_other_are_two(options):
    assert len({option_key(option) for option in options}) == 2


def test_what_differs_and_what_brings_it_back():
    settings = [Setting("variable", "a", "1"), Setting("variable", "b", "2"), Setting("library", "c", SHA, "c.jar")]
    observed = {"variable a": "1", "variable b": None, "library c": ""}
    assert differing(settings, observed) == settings[1:]
    prior = as_observed(settings, observed)
    assert [setting.value for setting in prior] == ["1", None, None]
    assert [setting.file for setting in prior] == ["", "", ""]
    assert listing(settings, observed) == "library c: sha256 \nvariable a: 1\n"


def test_the_approval_covers_every_value():
    entries = [{"type": "variable", "name": "a", "value": "1", "state": "present"}]
    assert entries_digest(entries) == entries_digest([{**entries[0], "option": None}])
    assert entries_digest(entries) != entries_digest([{**entries[0], "value": "2"}])


def test_the_ledger_remembers_digests_not_values():
    settings = [Setting("variable", "a", "1")]
    one_value = value_digests(settings, {"variable a": "1"})
    assert set(one_value) == {"variable a"}
    assert "1" != one_value["variable a"] != value_digests(settings, {"variable a": None})["variable a"]
