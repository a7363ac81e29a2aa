# SPDX-License-Identifier: GPL-3.0-or-later
"""What travels to and from programs in M."""

from __future__ import annotations

from ansible_collections.relmgmt.release.plugins.module_utils._engines.gtm_program import escape, text_bytes, unescape


def test_text_for_the_m_program_has_no_character_that_it_could_mistake():
    raw = "".join(map(chr, range(256))) + "\udcff€"
    escaped = escape(text_bytes(raw))
    assert all(32 <= byte < 127 for byte in escaped)
    assert unescape(escaped.decode()) == raw
