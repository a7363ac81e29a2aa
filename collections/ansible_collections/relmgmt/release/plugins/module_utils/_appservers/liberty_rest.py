# SPDX-License-Identifier: GPL-3.0-or-later
"""Liberty's restConnector: tell a server whose update trigger is "mbean" which of its files have changed."""

from __future__ import annotations

import base64
import http.client
import json
import os
import ssl
import stat
from typing import Any, Dict, List, NamedTuple, Optional, Sequence
from urllib.parse import quote, urlsplit

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.liberty_server import Admin
from ansible_collections.relmgmt.release.plugins.module_utils._errors import AppServerError, InvalidInput

_MBEAN = "WebSphere:service=com.ibm.ws.kernel.filemonitor.FileNotificationMBean"
_PATH = "/IBMJMXConnectorREST/mbeans/%s/operations/notifyFileChanges" % quote(_MBEAN, safe="")
_COLLECTION = "java.util.Collection"
_SECONDS = 60  # the call returns when the server has taken the change in
_OK = 200
_ANSWER_LIMIT = 1 << 16
_PLACE = "relmgmt_websphere.liberty.admin"


class Changed(NamedTuple):
    """Absolute paths of files that were made, rewritten, removed."""

    created: Sequence[str] = ()
    modified: Sequence[str] = ()
    deleted: Sequence[str] = ()


def notify(admin: Admin, changed: Changed) -> None:
    """Call FileNotificationMBean; raises AppServerError with the server's answer unless that is 200."""
    connection = _connection(admin)
    text = json.dumps({"params": [_list(paths) for paths in changed], "signature": [_COLLECTION] * len(changed)})
    headers = {"Content-Type": "application/json", "Authorization": _authorization(admin), "Connection": "close"}
    try:
        connection.request("POST", _PATH, text.encode("utf-8"), headers)
        answer = connection.getresponse()
        said = answer.read(_ANSWER_LIMIT).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        cure = "see that restConnector-2.0 is on, and url and ca_file are right"
        raise AppServerError("the server's restConnector does not answer: %s" % error, admin.url, cure) from error
    finally:
        connection.close()
    if answer.status != _OK:
        cure = "see that %s has the administrator role and the password file is the current one" % admin.user
        raise AppServerError("the restConnector answered with status %d" % answer.status, admin.url, cure, output=said)


def _list(paths: Sequence[str]) -> Dict[str, Any]:
    items: List[str] = ["java.lang.String"] * len(paths)
    return {"value": list(paths), "type": {"className": "java.util.ArrayList", "items": items}}


def _connection(admin: Admin) -> http.client.HTTPSConnection:
    parts = urlsplit(admin.url)
    if parts.scheme != "https" or not parts.hostname:
        raise InvalidInput("not an HTTPS address: %r" % admin.url, _PLACE, "give https://HOST:PORT")
    ca_file: Optional[str] = admin.ca_file or None
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        message = "the certificates cannot be read: %s" % error
        raise InvalidInput(message, admin.ca_file, "correct relmgmt_websphere.liberty.admin.ca_file") from error
    # Certificates that Liberty signs itself lack extensions that newer Pythons insist upon.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=_SECONDS, context=context)


def _authorization(admin: Admin) -> str:
    """The password goes from its file into the request's header and nowhere else (invariant 11)."""
    try:
        with open(admin.password_file, "rb") as stream:
            mode = os.fstat(stream.fileno()).st_mode
            password = stream.readline(4096).rstrip(b"\r\n")
    except OSError as error:
        message = "the administrator's password cannot be read: %s" % error.strerror
        raise InvalidInput(message, admin.password_file, "put it there, mode 0600") from error
    if stat.S_IMODE(mode) & 0o077:
        cure = "chmod 600 %s" % admin.password_file
        raise InvalidInput("others may read the password file", admin.password_file, cure)
    word = base64.b64encode(admin.user.encode("utf-8") + b":" + password)
    return "Basic " + word.decode("ascii")
