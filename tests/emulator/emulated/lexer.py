# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters of code: names, numbers, strings, spaces and comments."""

from __future__ import annotations

import re

from emulated.errors import SyntaxFault

#: Letters, and letters and digits; written as what they are not, since sets of all characters beyond ASCII are slow.
_LETTER = r"[^\x00-@\[-`{-\x7f]"
_ALPHANUMERIC = r"[^\x00-/:-@\[-`{-\x7f]"
_NAME = re.compile(rf"%?{_LETTER}{_ALPHANUMERIC}*|%")
_DOTTED = re.compile(rf"%?{_LETTER}{_ALPHANUMERIC}*(?:\.(?:%|{_ALPHANUMERIC})+)*")
_GLOBAL = re.compile(rf"%?{_LETTER}{_ALPHANUMERIC}*(?:\.{_ALPHANUMERIC}+)*|%")
_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[Ee][+-]?\d+)?")
_STRING = re.compile(r'"(?:[^"\n]|"")*"')


class Lexer:
    """A position in a text, and what can be taken from there."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0

    # -- looking ---------------------------------------------------------------------

    def peek(self, count: int = 1) -> str:
        return self.source[self.at : self.at + count]

    def starts(self, written: str) -> bool:
        """Whether this stands here, in any case."""
        return self.source[self.at : self.at + len(written)].lower() == written

    def at_end_of_line(self) -> bool:
        return self.at >= len(self.source) or self.source[self.at] == "\n"

    # -- taking ----------------------------------------------------------------------

    def accept(self, written: str) -> bool:
        """Take this if it stands here, in any case."""
        if not self.starts(written):
            return False
        self.at += len(written)
        return True

    def require(self, written: str) -> None:
        if not self.accept(written):
            self.fault(f"Expected {written}")

    def take(self, pattern: re.Pattern[str]) -> str:
        """What matches here, "" if nothing does."""
        match = pattern.match(self.source, self.at)
        if match is None:
            return ""
        self.at = match.end()
        return match.group()

    def name(self) -> str:
        """A name of a variable, label or routine without dots, or ""."""
        return self.take(_NAME)

    def required_name(self) -> str:
        found = self.name()
        if not found:
            self.fault("Expected a name")
        return found

    def dotted(self) -> str:
        """A name of a class or routine, or ""."""
        return self.take(_DOTTED)

    def global_name(self) -> str:
        return self.take(_GLOBAL)

    def number(self) -> str:
        return self.take(_NUMBER)

    def string(self) -> str | None:
        """The value of a string literal, None if there is none here."""
        if self.peek() != '"':
            return None
        found = self.take(_STRING)
        if not found:
            self.fault("Expected \"")
        return found[1:-1].replace('""', '"')

    def skip_spaces(self) -> None:
        while self.at < len(self.source) and self.source[self.at] in " \t":
            self.at += 1

    def skip_line(self) -> str:
        """What is left of this line; the line end stays."""
        end = self.source.find("\n", self.at)
        end = len(self.source) if end < 0 else end
        rest, self.at = self.source[self.at : end], end
        return rest

    def skip_blank(self) -> None:
        """Spaces, line ends and comments, as between the commands of a block."""
        while True:
            while self.at < len(self.source) and self.source[self.at] in " \t\r\n":
                self.at += 1
            if not self.skip_comment():
                return

    def skip_comment(self) -> bool:
        """A comment if one begins here; a line comment ends before its line end."""
        if self.peek() == ";" or self.peek(2) in ("//", "#;") or self.peek(3) == "##;":
            self.skip_line()
            return True
        if self.peek(2) == "/*":
            end = self.source.find("*/", self.at)
            if end < 0:
                self.fault("Expected */")
            self.at = end + 2
            return True
        return False

    def fault(self, message: str, at: int | None = None) -> None:
        """Say where the text is wrong."""
        place = min(self.at if at is None else at, len(self.source))
        line = self.source.count("\n", 0, place)
        start = self.source.rfind("\n", 0, place) + 1
        end = self.source.find("\n", place)
        written = self.source[start : len(self.source) if end < 0 else end]
        raise SyntaxFault(message, place, line, place - start, written)
