# SPDX-License-Identifier: GPL-3.0-or-later
"""plugin-cfg.xml as a deployment manager generates it."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.plugin_cfg import (
    Transport,
    members,
    read_cluster,
    refresh_interval,
    with_server,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

TEXT = """\
<?xml version="1.0" encoding="ISO-8859-1"?><!--HTTP server plugin config file for the cell-->
<Config ASDisableNagle="false" RefreshInterval="5" IgnoreAffinityRequests="true">
   <Log LogLevel="Error" Name="/opt/IBM/Plugins/logs/web1/http_plugin.log"/>
   <VirtualHostGroup Name="default_host">
      <VirtualHost Name="*:80"/>
   </VirtualHostGroup>
   <ServerCluster CloneSeparatorChange="false" LoadBalance="Round Robin" Name="cfis">
      <Server CloneID="1aa" ConnectTimeout="5" LoadBalanceWeight="2" Name="node1_app1">
         <Transport Hostname="app1.example.com" Port="9080" Protocol="http"/>
         <Transport Hostname="app1.example.com" Port="9443" Protocol="https">
            <Property Name="keyring" Value="/opt/IBM/plugin-key.kdb"/>
         </Transport>
      </Server>
      <Server CloneID='1bb' LoadBalanceWeight='2' Name='node2_app2'>
         <Transport Hostname="app2.example.com" Port="9080" Protocol="http"/>
      </Server>
      <Server CloneID="1cc" LoadBalanceWeight="0" Name="node3_app3">
         <Transport Hostname="app3.example.com" Port="9080" Protocol="http"/>
      </Server>
      <PrimaryServers>
         <Server Name="node1_app1"/>
         <Server Name="node2_app2"/>
         <Server Name="node3_app3"/>
      </PrimaryServers>
   </ServerCluster>
   <ServerCluster Name="other">
      <Server Name="node1_app1"><Transport Hostname="elsewhere" Port="1"/></Server>
      <PrimaryServers><Server Name="node1_app1"/></PrimaryServers>
   </ServerCluster>
</Config>
"""
PLACE = "plugin-cfg.xml"


def states(text: str, cluster: str = "cfis") -> dict[str, str]:
    return {name: member.state for name, member in members(read_cluster(text, cluster, PLACE)).items()}


def primary(text: str) -> list[list[str]]:
    """The lists as an XML parser sees them, which is what the plug-in does."""
    lists = ElementTree.fromstring(text.encode("latin-1")).iter("PrimaryServers")
    return [[server.attrib["Name"] for server in each.iter("Server")] for each in lists]


def test_what_is_read() -> None:
    cluster = read_cluster(TEXT, "cfis", PLACE)
    assert states(TEXT) == {"node1_app1": "serving", "node2_app2": "serving", "node3_app3": "closing"}
    assert cluster.transports["node1_app1"] == Transport("app1.example.com", 9080)
    assert cluster.clones["node2_app2"] == "1bb"
    assert refresh_interval(TEXT) == 5
    assert refresh_interval("<Config><Log/></Config>") == 60
    assert refresh_interval('<Config RefreshInterval="-1">') == -1


def test_out_and_in_again_byte_for_byte() -> None:
    out = with_server(TEXT, "cfis", "node1_app1", True, PLACE)
    assert states(out) == {"node1_app1": "drained", "node2_app2": "serving", "node3_app3": "closing"}
    assert primary(out) == [["node2_app2", "node3_app3"], ["node1_app1"]], "the other cluster is left alone"
    assert with_server(out, "cfis", "node1_app1", True, PLACE) == out
    both = with_server(out, "cfis", "node2_app2", True, PLACE)
    assert primary(both) == [["node3_app3"], ["node1_app1"]]
    one = with_server(both, "cfis", "node1_app1", False, PLACE)
    assert with_server(one, "cfis", "node2_app2", False, PLACE) == TEXT
    assert with_server(TEXT, "cfis", "node1_app1", False, PLACE) == TEXT


def test_one_that_somebody_else_has_taken_out_comes_last() -> None:
    gone = TEXT.replace('         <Server Name="node1_app1"/>\n', "", 1)
    assert states(gone)["node1_app1"] == "drained"
    back = with_server(gone, "cfis", "node1_app1", False, PLACE)
    assert primary(back)[0] == ["node2_app2", "node3_app3", "node1_app1"]
    commented = TEXT.replace('<Server Name="node1_app1"/>', '<!--<Server Name="node1_app1"/>-->', 1)
    assert states(commented)["node1_app1"] == "drained"


@pytest.mark.parametrize(
    "text,cluster,message",
    [
        (TEXT, "none", "no ServerCluster none"),
        ("", "cfis", "no ServerCluster cfis"),
        (TEXT.replace("PrimaryServers", "Unknown"), "cfis", "no list PrimaryServers"),
    ],
)
def test_a_file_that_cannot_be_changed_is_refused(text: str, cluster: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        with_server(text, cluster, "node1_app1", False, PLACE)
