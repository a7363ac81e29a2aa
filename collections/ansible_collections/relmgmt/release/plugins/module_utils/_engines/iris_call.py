# SPDX-License-Identifier: GPL-3.0-or-later
"""Running code of the application in a session of a Caché or IRIS instance, as a post-install step does.

The entry's name has been checked letter by letter; arguments travel as data. The call is the
last line of the session: what the code reads is at its end, and what it kills is needed no more.
"""

from __future__ import annotations

from typing import List

from ansible_collections.relmgmt.release.plugins.module_utils._core.objectscript import Script, text_of
from ansible_collections.relmgmt.release.plugins.module_utils._core.steps import parse_entry
from ansible_collections.relmgmt.release.plugins.module_utils._engines.iris_terminal import IrisTerminal, Said
from ansible_collections.relmgmt.release.plugins.module_utils._engines.port import Called
from ansible_collections.relmgmt.release.plugins.module_utils._errors import EngineError


def call(terminal: IrisTerminal, entry: str, arguments: List[str], timeout: float) -> Called:
    """The value of ``$$LABEL^ROUTINE`` and of a class method, or what ``LABEL^ROUTINE`` writes."""
    named = parse_entry(entry)
    script = terminal.script()
    for number, one in enumerate(arguments, 1):
        script.text(f"rmA({number})", one)
    passed = ",".join(f"rmA({number})" for number in range(1, len(arguments) + 1))
    target = f"##class({named.routine}).{named.label}" if named.kind == "class" else f"{named.label}^{named.routine}"
    if named.function:
        code = f"set rmV={'' if named.kind == 'class' else '$$'}{target}({passed})"
    else:
        # An empty list would be refused by a label that has none.
        code = f"do {target}" + (f"({passed})" if passed else "")
    script.call_last(code, named.function)
    said = _talk(terminal, script, entry, timeout)
    if not named.function:
        return Called(said.between.rstrip("\r\n"), said.pid)
    codes = [int(code) for code in said.first("VA")[0].split(".") if code]
    return Called(text_of(codes, terminal.options.encoding), said.pid)


def _talk(terminal: IrisTerminal, script: Script, entry: str, timeout: float) -> Said:
    try:
        return terminal.talk(script, deadline=timeout)
    except EngineError as error:
        raise EngineError(
            f"{entry}: {error.message}", place="a step of the release",
            cure=error.cure or "end the entry with QUIT, not HALT, and let it read nothing", **error.detail,
        ) from error
