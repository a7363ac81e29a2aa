# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that hold a release's settings on Liberty."""

from __future__ import annotations

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.liberty_settings import (
    Files,
    check_fragment,
    features,
    fragment_file,
    library_file,
    read,
    read_options,
    render,
    render_options,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import RelmgmtError

SHA = "0123456789ab" + "0" * 52


def test_what_is_rendered_is_read_back():
    files = Files(
        {"a.b": 'x"<&${y}'}, {"common": library_file("common", SHA)}, {"data-source": fragment_file("data-source", SHA)}
    )
    data = render(files)
    assert read(data, "x") == files
    assert files.names == ["common-0123456789ab.jar", "data-source-0123456789ab.xml"]
    assert b'<include location="${server.config.dir}/relmgmt/data-source-0123456789ab.xml"/>' in data


def test_an_empty_file_is_no_file():
    assert render(Files({}, {}, {})) == b""
    assert read(b"", "x") == Files({}, {}, {})


def test_an_include_by_hand_is_told():
    with pytest.raises(RelmgmtError, match=r"includes other\.xml"):
        read(b'<server><include location="other.xml"/></server>', "x")


@pytest.mark.parametrize(
    "text,reason",
    [
        ("<server", "not sound XML"),
        ("<!DOCTYPE a><server/>", "document type"),
        ("<other/>", "the root is <other>"),
        ('<server><webApplication location="a.war"/></server>', "defines an application"),
        ('<server><include location="http://x/y.xml"/></server>', "includes another file"),
    ],
)
def test_a_fragment_is_whole_and_defines_no_application(text, reason):
    with pytest.raises(RelmgmtError, match=reason) as caught:
        check_fragment(text.encode(), "ds.xml")
    assert caught.value.place == "ds.xml"
    assert caught.value.cure


def test_a_sound_fragment_passes_and_its_features_are_seen():
    plain = b"<server><httpSession invalidationTimeout='30m'/></server>"
    check_fragment(plain, "x")
    assert features(plain, "x") == []
    asking = b"<server><featureManager><feature> JNDI-1.0</feature><feature/></featureManager></server>"
    assert features(asking, "x") == ["jndi-1.0", ""]


def test_options_of_releases_stand_in_a_block_of_their_own_and_last():
    by_hand = "# ours\n-Xmx512m\n\n-verbose:gc\n"
    options = {"jvm_option -Xmx": "-Xmx1g", "jvm_property a": "-Da=b=c"}
    text = render_options(by_hand, options)
    assert text.startswith(by_hand)
    assert text.index("-Xmx1g") > text.index("-Xmx512m")
    assert read_options(text) == options
    assert render_options(text, options) == text
    assert render_options(text, {}) == by_hand
    assert read_options(by_hand) == {}
