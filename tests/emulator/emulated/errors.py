# SPDX-License-Identifier: GPL-3.0-or-later
"""What ends the normal course of a session: errors of the language, and ways out of it."""

from __future__ import annotations


class MError(Exception):
    """An error in the shape of FACTS 1.2: ``<NAME>label+n^RTN *data``.

    ``name`` is without angle brackets; ``data`` what stands behind it; ``why`` is for the
    emulator's own list of refusals and never shown in a session.
    """

    def __init__(self, name: str, data: str = "", why: str = "") -> None:
        super().__init__(name, data, why)
        self.name = name
        self.data = data
        self.why = why
        self.location: str | None = None

    def text(self) -> str:
        """``<UNDEFINED>start+2^RTN *x``; in direct mode there is no location."""
        place = self.location or ""
        return f"<{self.name}>{place}{' ' + self.data if self.data else ''}"


class SyntaxFault(MError):
    """Code that does not parse: where, and why in words for compile errors."""

    def __init__(self, message: str, position: int, line: int = 0, column: int = 0, source: str = "") -> None:
        super().__init__("SYNTAX", "", message)
        self.message = message
        self.position = position
        self.line = line
        self.column = column
        self.source = source


class ThrownObject(Exception):
    """An exception object on its way to a CATCH."""

    def __init__(self, thrown: object) -> None:
        super().__init__(thrown)
        self.thrown = thrown


class Halt(Exception):
    """The process ends: HALT, end of input, or Terminate with an exit status of one byte."""

    def __init__(self, status: int = 0) -> None:
        super().__init__(status)
        self.status = status & 255
