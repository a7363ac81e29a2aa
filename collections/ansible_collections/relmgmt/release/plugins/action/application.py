# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of every module that works on a managed host; the others' are links to this one."""

from __future__ import annotations

from ansible_collections.relmgmt.release.plugins.plugin_utils.on_host import ActionModule

__all__ = ["ActionModule"]
