# SPDX-License-Identifier: GPL-3.0-or-later
"""The loop of a session: requests come as files, answers go to standard output between markers.

One start of wsadmin serves a whole phase. A request is `request-N.json` in the session's own directory, there under
its name at once. The session ends when it is told to, when the directory is gone, and when nobody asks any more: then
whoever started it is gone too, and the file with the credentials is removed.
"""

import sys
import time

from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_jython.cell import LOOKING, Admin
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_jython.changes import CHANGING
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_jython.settings import SETTING
from ansible_collections.relmgmt.release.plugins.module_utils._appservers.was_jython.text import (
    CAUGHT,
    error_text,
    from_json,
    to_json,
)

# -- wsadmin --

PAUSE = 0.02  # seconds


def request(path):
    """The parameters in a file, nothing while there is none."""
    try:
        stream = open(path)
    except CAUGHT:
        return None
    text = stream.read()
    stream.close()
    return from_json(text)


def answer(admin, p):
    for operations in (LOOKING, CHANGING, SETTING):
        if p["operation_name"] in operations.keys():
            try:
                return {"result": operations[p["operation_name"]](admin, p)}
            except CAUGHT:
                return {"error": error_text()}
    return {"error": "no operation %s" % p["operation_name"]}


def say(marker, number, value):
    sys.stdout.write("\n%s:%d:begin\n%s\n%s:%d:end\n" % (marker, number, to_json(value), marker, number))
    sys.stdout.flush()


def serve(admin, directory):
    """Answer until told to end; returns 0 if nobody asked for `idle` seconds."""
    given = request("%s/parameters.json" % directory)
    number = 1
    asked = time.time()
    while time.time() - asked < given["idle"]:
        p = request("%s/request-%d.json" % (directory, number))
        if p is None:
            time.sleep(PAUSE)
        elif p["operation_name"] == "end":
            return 1
        else:
            say(given["marker"], number, answer(admin, p))
            number = number + 1
            asked = time.time()
    return 0


def main(app, config, control, task, directory, remove):
    if not serve(Admin(app, config, control, task), directory):
        remove("%s/soap.client.props" % directory)
