# SPDX-License-Identifier: GPL-3.0-or-later
"""The call that freezes a Caché or IRIS instance, as its own version takes it (FACTS 3.1)."""

from __future__ import annotations

from typing import List, Tuple

OWN_LIMIT = "WDSuspendLimit"
# LogFile, Text, SwitchJournalFile, TimeOut, Hibernate, Verbose, ExternalFreezeTimeOut. The last is
# the instance's default, said aloud: the seconds after which it makes users wait as well.
ARGUMENTS = ("", "", "1", "10", "0", "0", "600")


def freeze_call(formal_spec: str, limit: int) -> Tuple[str, bool]:
    """The class call, and whether the instance itself ends the freeze after ``limit`` seconds.

    ``formal_spec``: of the instance's own method, ``LogFile:%String="",Text:%String="",...``. Its
    dead-man switch is an argument that older versions do not have.
    """
    names = argument_names(formal_spec)
    arguments = list(ARGUMENTS)
    has_limit = OWN_LIMIT in names
    if has_limit:
        at = names.index(OWN_LIMIT)
        arguments += [""] * (at - len(arguments)) + [str(limit)]
    return f"##class(Backup.General).ExternalFreeze({','.join(arguments)})", has_limit


def argument_names(formal_spec: str) -> List[str]:
    """The names in a FormalSpec, in order; a comma in a default value parts nothing."""
    names, quoted, word = [], False, ""
    for character in formal_spec + ",":
        if character == '"':
            quoted = not quoted
        if character == "," and not quoted:
            names.append(word.partition(":")[0].partition("=")[0].strip().lstrip("&*"))
            word = ""
        else:
            word += character
    return [name for name in names if name]
