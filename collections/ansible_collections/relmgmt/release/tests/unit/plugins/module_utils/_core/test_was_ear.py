# SPDX-License-Identifier: GPL-3.0-or-later
"""What an EAR says of itself: names, context root, virtual host, targets, and the digest of what was delivered."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.tree import Entry
from ansible_collections.relmgmt.release.plugins.module_utils._core.was_ear import (
    Note,
    cluster_target,
    content_digest,
    delivered_digest,
    documents,
    module_targets,
    read_context_root,
    read_note,
    read_virtual_host,
    render_descriptor,
    render_note,
    server_target,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError

PAGE, OTHER = Entry("index.html", "a" * 64, 0o644, 1), Entry("index.html", "b" * 64, 0o644, 1)


@pytest.mark.parametrize("context_root", ["/cfis", "/cfis/new", "/"])
def test_the_context_root_is_read_as_it_was_written(context_root):
    assert read_context_root(render_descriptor("cfis", context_root), "x") == context_root


def test_of_several_modules_no_context_root_is_guessed():
    two = b"<application><context-root>/a</context-root><context-root>/b</context-root></application>"
    assert read_context_root(two, "x") == ""


@pytest.mark.parametrize("document, host", [
    (b'<web-bnd xmlns="http://websphere.ibm.com/xml/ns/javaee"><virtual-host name="v"/></web-bnd>', "v"),
    (b'<b:WebAppBinding xmlns:b="webappbnd.xmi" virtualHostName="cfis_host"/>', "cfis_host"),
    (b"<web-bnd/>", ""),
])
def test_the_virtual_host_is_read_in_both_forms_of_bindings(document, host):
    assert read_virtual_host(document, "x") == host


@pytest.mark.parametrize("data", [b"<application", b'<!DOCTYPE a [<!ENTITY b "c">]><application>&b;</application>'])
def test_a_document_that_is_not_sound_is_an_error_with_its_place(data):
    with pytest.raises(AppServerError, match=r"\[/x\]"):
        read_context_root(data, "/x")


def test_what_the_product_writes_into_a_module_is_not_content():
    added = [Entry("META-INF/MANIFEST.MF", "c" * 64, 0o644, 1), Entry("WEB-INF/ibm-web-bnd.xml", "d" * 64, 0o644, 1)]
    directory = Entry("WEB-INF", "", 0o755, 0)
    assert content_digest([PAGE, *added, directory]) == content_digest([PAGE])
    assert content_digest([PAGE]) != content_digest([OTHER])
    assert content_digest([PAGE]) != content_digest([PAGE, Entry("WEB-INF/web.xml", "c" * 64, 0o644, 1)])


def test_an_archive_packed_anew_counts_as_delivered_only_with_its_content_unchanged():
    note = Note("1" * 64, content_digest([PAGE]))
    assert delivered_digest("2" * 64, content_digest([PAGE]), note) == "1" * 64
    assert delivered_digest("2" * 64, content_digest([OTHER]), note) == "2" * 64
    assert delivered_digest("2" * 64, content_digest([PAGE]), None) == "2" * 64


def test_a_note_is_read_as_it_was_written_and_anything_else_is_none():
    note = Note("1" * 64, "2" * 64)
    assert read_note(render_note(note)) == note
    for other in (b"", b"[]", b"{}", b"\xff"):
        assert read_note(other) is None


def test_documents_lie_where_the_product_keeps_them():
    found = documents("cell1", "cfis")
    assert found["ear"] == "cells/cell1/applications/cfis.ear/cfis.ear"
    assert found["descriptor"] == "cells/cell1/applications/cfis.ear/deployments/cfis/META-INF/application.xml"
    assert found["bindings_xmi"].endswith("/deployments/cfis/cfis.war/WEB-INF/ibm-web-bnd.xmi")


def test_targets_of_all_modules_are_collected():
    cluster, web = cluster_target("c", "cfis"), server_target("c", "dmz", "ihs")
    lines = [f"cfis#a.war+WEB-INF/web.xml#{cluster}+{web}", f"cfis#b.war+WEB-INF/web.xml#{cluster}"]
    assert module_targets(lines) == [cluster, web]
    assert module_targets([]) == []
