# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of wsadmin, in words as they have been seen (FACTS 6.1, 6.3)."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.was_answers import (
    ACCESS,
    CONFLICT,
    LOST,
    OTHER,
    TIMEOUT,
    Distribution,
    connection_trouble,
    distributions,
    error_kind,
)


@pytest.mark.parametrize("text, kind", [
    ("com.ibm.websphere.management.exception.ConnectorException: ADMC0009E: The system failed to make the call",
     TIMEOUT),
    ("[SOAPException: msg=Read timed out; targetException=java.net.SocketTimeoutException: …]", TIMEOUT),
    ("com.ibm.ws.sm.workspace.WorkSpaceException: save conflict", CONFLICT),
    ("javax.management.JMRuntimeException: ADMN0022E: Access is denied for the sync operation", ACCESS),
    ("com.ibm.websphere.management.exception.ConnectorNotAvailableException: ADMC0016E", LOST),
    ("WASX7280E: An application with name \"cfis\" does not exist.", OTHER),
])
def test_errors_are_told_apart_by_id_or_class(text, kind):
    assert error_kind(text) == kind


def test_the_status_of_each_node_is_read():
    """T10."""
    lines = [
        "WebSphere:cell=c,node=node1,distribution=true,expansion=notprocessing",
        "WebSphere:cell=c,node=node2,distribution=true,expansion=expanding",
        "WebSphere:cell=c,node=node3,distribution=unknown,expansion=unknown",
        "ADMA5072I: Distribution status check completed",
    ]
    found = distributions(lines)
    assert found["node1"] == Distribution("true", "notprocessing")
    assert {node: status.complete for node, status in found.items()} == {"node1": True, "node2": False, "node3": False}


def test_the_products_own_words_for_a_connection_that_failed():
    printed = 'WASX7023E: Error creating "SOAP" connection to host "h"; exception\nWASX7213I: This scripting client'
    assert connection_trouble(printed).startswith("WASX7023E: Error")
    assert "\n" not in connection_trouble(printed)
    assert connection_trouble("WASX7209I: Connected to process") == ""
