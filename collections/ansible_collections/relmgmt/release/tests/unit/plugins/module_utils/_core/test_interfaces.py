# SPDX-License-Identifier: GPL-3.0-or-later
"""External interfaces as the inventory lists them: what they say, and what is refused (A8, invariant 1)."""

from __future__ import annotations

import copy
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.relmgmt.release.plugins.module_utils._core.interfaces import (
    ABSENT,
    OTHER,
    PRODUCTION,
    TEST,
    Endpoint,
    SettingPlace,
    interfaces_of,
    meaning,
    queues_here,
    require_apart,
    settings_here,
    unknown_hosts,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

NODE = {"hosts": "databases", "place": "global_node", "global": "^CFISCFG", "subscripts": ["interface", "CATS", "port"]}
FILE = {"hosts": "databases", "place": "file", "path": "/etc/cats", "format": "properties", "key": "cats.port"}


def document(name="CATS", direction="outbound", production=5100, test=5101, settings=(NODE,), **more):
    """One entry of the inventory; an endpoint given as a number is a port at the interface's own host."""
    ends = {
        mode: {"host": f"{name}{suffix}.example.org".lower(), "port": end} if isinstance(end, int) else end
        for mode, suffix, end in (("production", "", production), ("test", "-test", test))
    }
    return {"name": name, "direction": direction, **ends, "settings": [dict(one) for one in settings], **more}


def inbound(name, production, test, **more):
    node = {**NODE, "subscripts": [name]}
    ends = [{"host": end[0], "port": end[1]} for end in (production, test)]
    return document(name, "inbound", *ends, settings=(node,), **more)


def setting(**options):
    return interfaces_of([document(settings=(options,))])[0].settings[0]


def refused(*documents):
    with pytest.raises(InvalidInput) as caught:
        interfaces_of(list(documents))
    assert caught.value.cure
    return str(caught.value)


# -- what is read --------------------------------------------------------------------------------


def test_an_interface_is_read_with_what_it_leaves_out():
    (found,) = interfaces_of([document(queue=None, protocol=None)])
    place = SettingPlace(
        "CATS", "databases", "global_node",
        {"global": "^CFISCFG", "subscripts": ["interface", "CATS", "port"]}, "5100", "5101",
    )
    assert found == (
        "CATS", "outbound", "tcp", Endpoint("cats.example.org", 5100), Endpoint("cats-test.example.org", 5101),
        (place,), None,
    )
    assert place.key == "CATS global_node ^CFISCFG(interface,CATS,port)"


def test_what_an_argument_spec_fills_in_with_none_is_not_there():
    spec = dict.fromkeys(("path", "format", "key", "command", "attribute"))
    queue = {"hosts": "databases", "place": "command", "command": ["/bin/q"], "item": None}
    bare, filled = document(queue=queue), document(settings=({**NODE, **spec},), queue=queue)
    filled["production"]["addresses"] = []
    assert interfaces_of([bare]) == interfaces_of([filled])


@pytest.mark.parametrize(
    "value,production,test",
    [
        (None, "5100", "5101"),
        ("{host}:{port}", "cats.example.org:5100", "cats-test.example.org:5101"),
        ("tcp://{host}/{user}/${x}/{{port}}", "tcp://cats.example.org/{user}/${x}/{5100}",
         "tcp://cats-test.example.org/{user}/${x}/{5101}"),
    ],
)
def test_host_and_port_are_put_in_and_nothing_else_is_special(value, production, test):
    found = setting(**NODE, value=value)
    assert (found.production, found.test) == (production, test)


@pytest.mark.parametrize(
    "options,key",
    [
        ({"place": "global_node", "global": "^%ZX", "subscripts": []}, "CATS global_node ^%ZX"),
        ({"place": "global_node", "global": "^A", "subscripts": ["a,b", 'c"', 1]},
         'CATS global_node ^A("a,b","c""",1)'),
        (FILE, "CATS file /etc/cats#cats.port"),
        ({**FILE, "format": "ini", "section": "s", "key": "k"}, "CATS file /etc/cats#[s]k"),
        ({**FILE, "format": "json", "key": ["a/b", 0, "~"]}, "CATS file /etc/cats#/a~1b/0/~0"),
        ({**FILE, "format": "services", "key": "cats/tcp"}, "CATS file /etc/cats#cats/tcp"),
        ({"place": "liberty", "type": "variable", "name": "cats.port"}, "CATS liberty variable cats.port"),
        ({"place": "liberty", "type": "server_xml", "name": "server/jms/@port"},
         "CATS liberty server_xml server/jms/@port"),
        ({"place": "websphere", "type": "resource", "name": "J2CConnectionFactory:x", "attribute": "port"},
         "CATS websphere resource J2CConnectionFactory:x port"),
        ({"place": "production_setting", "production": "P", "item": "a|b", "target": "Host", "setting": "Port"},
         "CATS production_setting P||a\\|b||Host||Port"),
        ({"place": "default_setting", "production": "*", "item": "*", "host_class": "C", "setting": "Port"},
         "CATS default_setting *||*||C||Port"),
        ({"place": "command", "command": ["/opt/x", "a b", "it's"]},
         "CATS command /opt/x 'a b' 'it'\"'\"'s'"),
    ],
)  # fmt: skip
def test_a_key_says_interface_and_place(options, key):
    found = setting(**{"hosts": "databases", **options})
    assert found.key == key
    assert f"{found.interface} {found.where}" == key


PATHS = st.lists(st.text("ab,\"()1", min_size=1, max_size=4), max_size=3)


@given(st.lists(PATHS, min_size=2, max_size=4, unique_by=tuple))
def test_different_nodes_have_different_keys(paths):
    settings = [{**NODE, "subscripts": path} for path in paths]
    (found,) = interfaces_of([document(settings=settings)])
    assert len({one.key for one in found.settings}) == len(paths)


def test_a_host_holds_the_settings_of_its_groups_each_once():
    twice = [FILE, {**FILE, "hosts": "web"}]
    other = document("MEDS", settings=[{**NODE, "subscripts": ["M"]}])
    found = interfaces_of([document(settings=[NODE, *twice]), other])
    assert [one.kind for one in settings_here(found, ["web", "web1"])] == ["file"]
    assert [one.interface for one in settings_here(found, ["databases", "web"])] == ["CATS", "CATS", "MEDS"]
    assert settings_here(found, []) == []


def test_every_host_holds_what_all_hold():
    queue = {"hosts": "all", "place": "command", "command": ["/q"]}
    found = interfaces_of([document(settings=[{**FILE, "hosts": "all"}], queue=queue)])
    assert len(settings_here(found, ["web1", "web"])) == len(queues_here(found, ["web1"])) == 1


def test_groups_that_the_inventory_does_not_have_are_told():
    queue = {"hosts": "quees", "place": "command", "command": ["/q"]}
    settings = [NODE, {**FILE, "hosts": "databasse"}, {**FILE, "hosts": "all", "key": "x"}]
    found = interfaces_of([document(settings=settings, queue=queue)])
    assert unknown_hosts(found, ["databases", "web", "db1"]) == ["databasse", "quees"]
    assert unknown_hosts(found, ["databases", "databasse", "quees"]) == []


def test_two_groups_of_a_host_may_not_want_different_things_of_one_place():
    settings = [FILE, {**FILE, "hosts": "web", "value": "{host}:{port}"}]
    found = interfaces_of([document(settings=settings)])
    assert len(settings_here(found, ["web"])) == 1
    with pytest.raises(InvalidInput, match=r"/etc/cats#cats\.port holds a setting of CATS too"):
        settings_here(found, ["web", "databases"])


def test_a_host_is_asked_about_the_queues_of_its_groups():
    queue = {"hosts": "databases", "place": "interoperability_queue", "item": "CATS out"}
    found = interfaces_of([document(queue=queue)])
    assert queues_here(found, {"databases"}) == [found[0].queue]
    assert queues_here(found, {"web"}) == []
    assert found[0].queue.options == {"item": "CATS out"}


def test_a_value_means_a_mode():
    place = setting(**NODE)
    values = ("5100", "5101", "", "05100", None)
    assert [meaning(place, one) for one in values] == [PRODUCTION, TEST, OTHER, OTHER, ABSENT]


# -- what is refused -----------------------------------------------------------------------------


def without(given, *names):
    return {name: value for name, value in given.items() if name not in names}


@pytest.mark.parametrize(
    "wrong,said",
    [
        (["x"], "entry 1 is no mapping"),
        ([document("")], "relmgmt_interfaces.name"),
        ([document("a b")], "relmgmt_interfaces.name"),
        ([without(document(), "direction")], r"direction is missing \[interface CATS.direction"),
        ([document(direction="both")], r"'both' is none \[interface CATS.direction"),
        ([document(protocol="sctp")], r"interface CATS.protocol\].*tcp or udp"),
        ([document(hold=False)], "there is no option 'hold'"),
        ([document(settings=())], r"no setting is listed \[interface CATS.settings"),
        ([without(document(), "settings")], "interface CATS.settings"),
        ([without(document(), "test")], r"the test endpoint is missing \[interface CATS.test"),
        ([document(settings=(NODE, without(NODE, "hosts")))], r"interface CATS.settings\[1\].hosts"),
        ([document(settings=({**NODE, "hosts": ""},))], r"interface CATS.settings\[0\].hosts"),
        ([document(settings=({**NODE, "hosts": ["a"]},))], r"interface CATS.settings\[0\].hosts"),
        ([document(settings=(without(NODE, "place"),))], r"interface CATS.settings\[0\].place"),
        ([document(settings=({**NODE, "place": "registry"},))], r"no place 'registry' here.*settings\[0\].place"),
        ([document(settings=({**NODE, "vaule": "x"},))], r"has no option 'vaule' \[interface CATS.settings\[0\].vaule"),
        ([document(settings=({**NODE, "key": "x"},))], r"global_node has no option 'key'"),
        ([document(settings=(without(NODE, "global"),))], r"global is missing \[interface CATS.settings\[0\]"),
        ([document(settings=({**NODE, "global": "CFISCFG"},))], r"settings\[0\].global"),
        ([document(settings=({**NODE, "subscripts": "x"},))], r"settings\[0\].subscripts"),
        ([document(settings=({**NODE, "subscripts": [""]},))], r"it is empty.*settings\[0\].subscripts"),
        ([document(settings=({**NODE, "subscripts": ["a\nb"]},))], r"settings\[0\].subscripts"),
        ([document(settings=({**NODE, "value": "51"},))], r"is '51' in production and in test.*settings\[0\].value"),
        ([document(settings=({**NODE, "value": 5},))], r"settings\[0\].value"),
        ([document(production=1, test={"host": "t", "port": 1})], r"is '1' in production and in test"),
        ([document(settings=({**FILE, "path": "etc/x"},))], r"settings\[0\].path"),
        ([document(settings=({**FILE, "path": "/etc/../x"},))], r"settings\[0\].path"),
        ([document(settings=({**FILE, "format": "toml"},))], r"settings\[0\].format"),
        ([document(settings=({**FILE, "key": ["a"]},))], r"settings\[0\].key"),
        ([document(settings=({**FILE, "format": "yaml"},))], r"settings\[0\].key"),
        ([document(settings=({**FILE, "format": "yaml", "key": []},))], r"settings\[0\].key"),
        ([document(settings=({**FILE, "format": "yaml", "key": [True]},))], r"settings\[0\].key"),
        ([document(settings=({**FILE, "format": "ini"},))], r"settings\[0\].section"),
        ([document(settings=({**FILE, "section": "x"},))], r"settings\[0\].section"),
        ([document(settings=({**FILE, "format": "services"},))], r"settings\[0\].key"),
        ([document(settings=({**FILE, "reload": []},))], r"settings\[0\].reload"),
        ([document(settings=({"hosts": "a", "place": "command", "command": ["x"]},))], r"settings\[0\].command"),
        ([document(settings=({"hosts": "a", "place": "liberty", "type": "jvm_option", "name": "x"},))], r"\[0\].type"),
        ([document(settings=({"hosts": "a", "place": "liberty", "type": "variable", "name": "a/b"},))], r"\[0\].name"),
        ([document(settings=({"hosts": "a", "place": "liberty", "type": "server_xml", "name": "a'b"},))], r"\[0\]\]"),
        ([document(settings=({"hosts": "a", "place": "websphere", "type": "variable", "name": "-"},))], r"\[0\]\]"),
        ([document(settings=({"hosts": "a", "place": "websphere", "type": "resource", "name": "A:b"},))], "attribute"),
        ([document(settings=({"hosts": "a", "place": "websphere", "type": "resource", "name": "A:b",
                              "attribute": "password"},))], "secret"),
        ([document(queue={"hosts": "a", "place": "file", "path": "/x"})], "interface CATS.queue.place"),
        ([document(queue={"hosts": "a", "place": "command"})], r"command is missing \[interface CATS.queue\]"),
        ([document(queue={"place": "command", "command": ["/x"]})], "interface CATS.queue.hosts"),
        ([document(queue="x")], r"no mapping \[interface CATS.queue"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_by_interface_and_option(wrong, said):
    text = refused(*wrong)
    assert re.search(said, text), text


def test_a_list_is_wanted():
    with pytest.raises(InvalidInput, match="no list"):
        interfaces_of({"name": "CATS"})  # type: ignore[arg-type]


@pytest.mark.parametrize("port", [0, 65536, -1, True, 5100.0, "5100x", "", "٣", None, [1]])
def test_a_port_is_a_number_from_1_to_65535(port):
    assert "interface CATS.production.port" in refused(document(production={"host": "a", "port": port}))


@pytest.mark.parametrize("port", [1, 65535, "5100"])
def test_the_least_and_the_greatest_port(port):
    (found,) = interfaces_of([document(production={"host": "a", "port": port})])
    assert found.production.port == int(port)


@pytest.mark.parametrize("host", ["", "a b", "[::1]", "a..b", "-a", "a" * 254, "a/b", "x;y", None, 1])
def test_a_host_is_a_name_or_an_address(host):
    assert "interface CATS.test" in refused(document(test={"host": host, "port": 1}))


@pytest.mark.parametrize("host", ["cats", "cats.example.org.", "192.0.2.1", "2001:db8::1", "a_b", "localhost"])
def test_hosts(host):
    (found,) = interfaces_of([document(test={"host": host, "port": 1})])
    assert found.test.host == host


def test_addresses_are_addresses():
    given = document(production={"host": "a", "port": 1, "addresses": ["192.0.2.1", "::1"]})
    assert interfaces_of([given])[0].production.addresses == ("192.0.2.1", "::1")
    for wrong in (["cats"], "192.0.2.1", [5]):
        given["production"]["addresses"] = wrong
        assert "interface CATS.production.addresses" in refused(given)
    assert "interface CATS.production" in refused(document(production={"host": "a", "port": 1, "address": "::1"}))


def test_nobody_connects_to_every_address():
    for host in ("0.0.0.0", "::"):
        assert "interface CATS.test" in refused(document(test={"host": host, "port": 1}))


def test_the_older_name_of_hosts_is_read_and_what_yaml_makes_of_it_is_told():
    rest = without(NODE, "hosts")
    older = interfaces_of([document(settings=({**rest, "on": "databases"},))])
    both = interfaces_of([document(settings=({**NODE, "on": "databases"},))])
    assert older == both == interfaces_of([document()])
    assert "is no group or host" in refused(document(settings=({**NODE, "on": "web"},)))
    for key in (True, "true"):
        assert "YAML takes `on` for a truth value" in refused(document(settings=({**rest, key: "databases"},)))


def test_names_differ():
    other = document("Cats", settings=({**NODE, "subscripts": ["x"]},))
    assert "interface Cats is there twice" in refused(document(), other)
    assert "interface CATS is there twice" in refused(document(), document())


def test_a_place_holds_one_setting():
    assert "^CFISCFG(interface,CATS,port) holds a setting of CATS too" in refused(document(), document("MEDS"))
    assert "interface CATS.settings" in refused(document(settings=(NODE, {**NODE, "value": "{host}:{port}"})))


# -- a test endpoint is nobody's production endpoint ---------------------------------------------


def other_production(**end):
    return document("MEDS", production=end, settings=({**NODE, "subscripts": ["MEDS"]},))


@pytest.mark.parametrize(
    "test,production",
    [
        ({"host": "MEDS.example.org", "port": 1}, {"host": "meds.example.org.", "port": 1}),
        ({"host": "192.0.2.1", "port": 1}, {"host": "meds", "port": 1, "addresses": ["192.0.2.1"]}),
        ({"host": "x", "port": 1, "addresses": ["::ffff:192.0.2.1"]}, {"host": "192.0.2.1", "port": 1}),
        ({"host": "2001:DB8:0::1", "port": 1}, {"host": "2001:db8::1", "port": 1}),
        ({"host": "x", "port": 1, "addresses": ["192.0.2.9", "192.0.2.1"]},
         {"host": "y", "port": 1, "addresses": ["192.0.2.1"]}),
        ({"host": "localhost", "port": 1}, {"host": "127.0.0.1", "port": 1}),
    ],
)
def test_a_test_endpoint_is_no_production_endpoint(test, production):
    said = refused(document(test=test), other_production(**production))
    assert "is MEDS's production endpoint" in said
    assert "[interface CATS.test]" in said
    # whichever comes first, and whatever is spoken there
    refused({**other_production(**production), "protocol": "udp"}, document(test=test))
    interfaces_of([document(test={**test, "port": 2}), other_production(**production)])


def test_an_interface_may_not_test_against_its_own_production():
    said = refused(document(production=5100, test={"host": "CATS.example.org", "port": 5100}))
    assert "is its own production endpoint" in said


@pytest.mark.parametrize("wildcard", ["0.0.0.0", "::"])
def test_listening_everywhere_is_listening_at_each_address(wildcard):
    everywhere, one_address = (wildcard, 7000), ("192.0.2.1", 7000)
    refused(inbound("A", everywhere, (wildcard, 7001)), inbound("B", ("192.0.2.1", 7002), one_address))
    refused(inbound("A", one_address, ("192.0.2.1", 7001)), inbound("B", (wildcard, 7002), everywhere))
    refused(inbound("A", everywhere, ("192.0.2.1", 7000)))
    interfaces_of([inbound("A", everywhere, (wildcard, 7001))])


def test_listening_everywhere_is_not_connecting_there():
    ours = inbound("A", ("0.0.0.0", 7000), ("0.0.0.0", 7001))
    interfaces_of([ours, document(test={"host": "cats-test", "port": 7000})])
    refused(ours, document(test={"host": "localhost", "port": 7000}))
    # nor the other way round: testers' senders would come to where we listen for them, not to production
    interfaces_of([ours, document(production={"host": "cats", "port": 7001})])
    refused(ours, document(production={"host": "127.0.0.1", "port": 7001}))


def test_two_names_of_one_host_are_told_once_they_are_resolved():
    found = interfaces_of([document(production=5100, test=5100, settings=({**NODE, "value": "{host}"},))])
    apart = {"cats.example.org": ["192.0.2.1", "::1"], "cats-test.example.org": ["192.0.2.2"]}
    require_apart(found, apart)
    require_apart(found, {})
    with pytest.raises(InvalidInput, match=r"cats-test\.example\.org:5100 is its own production endpoint"):
        require_apart(found, {**apart, "cats-test.example.org": ["192.0.2.2", "0:0::1"]})


HOSTS = st.sampled_from(["a", "A", "b", "192.0.2.1", "0.0.0.0", "::", "localhost", "::1"])
ENDS = st.tuples(HOSTS, st.integers(1, 3))


@given(st.lists(st.tuples(ENDS, ENDS), min_size=1, max_size=4))
def test_no_accepted_list_tests_against_production(ends):
    documents = [inbound(f"I{at}", *pair) for at, pair in enumerate(ends)]
    try:
        found = interfaces_of(copy.deepcopy(documents))
    except InvalidInput:
        return
    for one in found:
        for other in found:
            hosts = {one.test.host.lower(), other.production.host.lower()}
            same_host = len(hosts) == 1 or hosts & {"0.0.0.0", "::"}
            assert not (same_host and one.test.port == other.production.port)
