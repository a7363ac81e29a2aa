# SPDX-License-Identifier: GPL-3.0-or-later
"""Telling by mail that test mode should be over, and nothing more: ports and fence stay (invariant 1)."""

from __future__ import annotations

import json
import os
import socket
from typing import Any, Dict, Mapping, Optional

from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode import DOCUMENT, lasts, moment, way_out
from ansible_collections.relmgmt.release.plugins.module_utils._core.test_mode_truth import overdue
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DeliveryError
from ansible_collections.relmgmt.release.plugins.module_utils._files import read_if_there
from ansible_collections.relmgmt.release.plugins.module_utils._ledger import Ledger
from ansible_collections.relmgmt.release.plugins.module_utils._ledger_view import LedgerView
from ansible_collections.relmgmt.release.plugins.module_utils._module.host_timer import directory_of

#: the ledger's note of what was told; a document of its own, so that it never writes over that of test mode
TOLD = "test_mode_overdue"


def tell(path: str, now: float, text: str) -> str:
    """Mail once that test mode is overdue; what was done, in a sentence. ``text``: the state as a table.

    Raises DeliveryError if nobody could be told; the timer tries again.
    """
    reader = LedgerView(path)
    try:
        document, told = reader.mode(DOCUMENT), reader.mode(TOLD)
    finally:
        reader.close()
    if document is None or not overdue(document, now):
        return "test mode is not overdue"
    entry = {"change": document["change"], "entered_at": document["entered_at"]}
    if told is not None and {key: told.get(key) for key in entry} == entry:
        return f"it was told at {moment(told['at'])} already"
    refused = _send(path, document, text)
    writer = Ledger(path)
    try:
        writer.set_mode(TOLD, {**entry, "at": now})
    finally:
        writer.close()
    return "told by mail" + (f", but not {', '.join(refused)}" if refused else "")


def is_waiting(path: str) -> bool:
    """Whether there is a test mode whose end time has to be kept."""
    if not os.path.exists(path):
        return False
    reader = LedgerView(path)
    try:
        return lasts(reader.mode(DOCUMENT))
    finally:
        reader.close()


def _send(path: str, document: Mapping[str, Any], text: str) -> Any:
    from ansible_collections.relmgmt.release.plugins.module_utils._mail import compose, send

    state_dir = os.path.dirname(path)
    mail = _options(state_dir)
    if mail is None:
        raise DeliveryError("no mail options were given on entering", directory_of(state_dir),
                            "tell the people of the escalation list yourself")
    host = socket.gethostname()
    body = (
        f"Test mode of {document['change']} ({document['environment']}) on {host} should have ended at "
        f"{moment(document['ends_at'])}.\nNothing was switched, and the fence stays as it is.\n\n"
        f"The way out: {way_out(str(document['change']), state_dir)}\n\n{text}"
    )
    marker = f"overdue {document['change']} {host} {document['entered_at']}"
    return send(mail, compose(mail, f"Test mode of {document['change']} is overdue on {host}", body, marker))


def _options(state_dir: str) -> Optional[Dict[str, Any]]:
    data = read_if_there(os.path.join(directory_of(state_dir), "mail.json"))
    return dict(json.loads(data)) if data else None
