# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON in what Jython 2.1, Jython 2.7 and Python 3 have in common: WebSphere's 2.1 has no module for it.

Objects, lists, texts and whole numbers; 1 and 0 for true and false, an empty text for nothing. Written as ASCII.
"""

import sys

#: in the script that is sent also what Java throws, which is no Exception of Jython's
CAUGHT = (Exception,)

# -- wsadmin --

ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
UNESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


def to_json(value):
    if value is None:
        return '""'
    if isinstance(value, type(1)):
        return str(int(value))
    if isinstance(value, type([])):
        return "[" + ", ".join([to_json(one) for one in value]) + "]"
    if isinstance(value, type({})):
        names = list(value.keys())
        names.sort()
        return "{" + ", ".join([to_json(name) + ": " + to_json(value[name]) for name in names]) + "}"
    return '"' + "".join([escaped(letter) for letter in text_of(value)]) + '"'


def text_of(value):
    """A text of Java's or Jython's as it is, what a Java object says of itself otherwise; never encoded."""
    try:
        return value + ""
    except CAUGHT:
        pass
    try:
        return value.toString()
    except CAUGHT:
        return str(value)


def escaped(letter):
    if letter in ESCAPES.keys():
        return ESCAPES[letter]
    code = ord(letter)
    if 32 <= code < 127:
        return letter
    if code < 65536:
        return "\\u%04x" % code
    code = code - 65536
    return "\\u%04x\\u%04x" % (55296 + (code >> 10), 56320 + (code & 1023))


class Reader:
    """Reads one JSON value that our own side wrote: ASCII, characters up to 255 only."""

    def __init__(self, text):
        self.text = text
        self.at = 0

    def value(self):
        letter = self.next()
        if letter == "{":
            return self.members()
        if letter == "[":
            return self.elements()
        if letter == '"':
            return self.letters()
        begin = self.at - 1
        while self.at < len(self.text) and self.text[self.at] in "0123456789":
            self.at = self.at + 1
        return int(self.text[begin : self.at])

    def next(self):
        """The next letter that is no space."""
        while self.text[self.at] in " \n":
            self.at = self.at + 1
        self.at = self.at + 1
        return self.text[self.at - 1]

    def elements(self):
        found = []
        letter = self.next()
        while letter != "]":
            if letter != ",":
                self.at = self.at - 1
            found.append(self.value())
            letter = self.next()
        return found

    def members(self):
        found = {}
        letter = self.next()
        while letter != "}":
            if letter == ",":
                letter = self.next()
            name = self.letters()
            self.next()
            found[name] = self.value()
            letter = self.next()
        return found

    def letters(self):
        found = []
        while self.text[self.at] != '"':
            letter = self.text[self.at]
            self.at = self.at + 1
            if letter == "\\":
                letter = self.unescaped()
            found.append(letter)
        self.at = self.at + 1
        return "".join(found)

    def unescaped(self):
        letter = self.text[self.at]
        self.at = self.at + 1
        if letter == "u":
            self.at = self.at + 4
            return chr(int(self.text[self.at - 4 : self.at], 16))
        return UNESCAPES.get(letter, letter)


def from_json(text):
    return Reader(text).value()


def lines_of(answer):
    """The lines of an answer, without empty ones: wsadmin separates names by the platform's line end."""
    found = [line.strip() for line in text_of(answer).split("\n")]
    return [line for line in found if line]


def error_text():
    """What the exception under way says, a Java one or our own."""
    return text_of(sys.exc_info()[1])
