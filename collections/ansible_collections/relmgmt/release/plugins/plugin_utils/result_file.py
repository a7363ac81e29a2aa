# SPDX-License-Identifier: GPL-3.0-or-later
"""The result file a run leaves for its caller; a missing one means unknown."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.relmgmt.release.plugins.module_utils._files import write_durably

VERDICTS = (
    "done", "nothing_to_do", "checked", "phase_done", "rolled_back", "testing",
    "holding", "refused", "invalid", "restored", "differs", "unknown",
)


def write_result(task_vars: Mapping[str, Any], result: Mapping[str, Any]) -> None:
    """Write ``relmgmt_result_file`` when the caller asked for one.

    ``result``: change, release, verdict (one of VERDICTS), reasons, hosts.
    """
    path = task_vars.get("relmgmt_result_file")
    if not path:
        return
    nonce = task_vars.get("relmgmt_result_nonce", "")
    content = {"schema": 1, "nonce": str(nonce), **result}
    write_durably(os.fspath(str(path)), json.dumps(content, indent=2, default=str).encode(), 0o600)
