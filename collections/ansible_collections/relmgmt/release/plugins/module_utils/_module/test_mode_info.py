# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of ``test_mode_info``."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.relmgmt.release.plugins.module_utils._module.run import LEDGER_SPEC, Host, Outcome
from ansible_collections.relmgmt.release.plugins.module_utils._module.test_mode import PLACES_SPEC

TEST_MODE_INFO_SPEC: Dict[str, Any] = {"ledger": LEDGER_SPEC["ledger"], **PLACES_SPEC}


def look(host: Host) -> Outcome:
    """What is true of this host's interfaces."""
    raise NotImplementedError
