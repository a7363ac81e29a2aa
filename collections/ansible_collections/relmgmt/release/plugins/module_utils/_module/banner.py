# SPDX-License-Identifier: GPL-3.0-or-later
"""The banner that tells users of test mode: commands of the inventory, judged by their exit status."""

from __future__ import annotations

import time
from typing import Any, Mapping

from ansible_collections.relmgmt.release.plugins.module_utils._commands import run_detached
from ansible_collections.relmgmt.release.plugins.module_utils._errors import RelmgmtError

_SECONDS = 60
_CURE = "correct relmgmt_test_mode.banner"


def show_banner(banner: Mapping[str, Any], which: str) -> bool:
    """Run the command of ``on`` or ``off``; False if the inventory has none. Raises RelmgmtError if it fails."""
    command = (banner or {}).get(which) or []
    if not command:
        return False
    ended = run_detached(command, time.monotonic() + _SECONDS, _CURE)
    if ended.code != 0:
        how = "did not end in time" if ended.code is None else f"ended with {ended.code}"
        raise RelmgmtError(f"the command of the banner {how}", " ".join(command), _CURE, output=ended.output)
    return True
