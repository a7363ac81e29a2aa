# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams: characters in memory or in a file (FACTS 2.1: ExportToStream, LoadStream)."""

from __future__ import annotations

import os

from emulated.errors import MError
from emulated.library import status
from emulated.machine import Machine
from emulated.registry import BASES, method
from emulated.values import Oref, Value, integer, text
from emulated.variables import Tree

_KINDS = ("%Stream.GlobalCharacter", "%Stream.GlobalBinary", "%Stream.TmpCharacter", "%Stream.TmpBinary",
          "%Stream.FileCharacter", "%Stream.FileBinary", "%FileCharacterStream", "%FileBinaryStream",
          "%GlobalCharacterStream")


class Stream(Oref):
    """What was written so far; of a file stream, what its file holds."""

    def __init__(self, class_name: str) -> None:
        super().__init__()
        self.class_name = class_name
        self.content = ""
        self.at = 0
        self.filename = ""
        self.encoding = "latin-1" if "Binary" in class_name else "utf-8"
        self.terminator = "\r\n" if "File" not in class_name else "\n"

    def get_property(self, name: str) -> Value:
        if name == "Size":
            return len(self.content)
        if name == "AtEnd":
            return int(self.at >= len(self.content))
        if name == "Filename":
            return self.filename
        if name == "LineTerminator":
            return self.terminator
        if name == "TranslateTable":
            return "UTF8" if self.encoding == "utf-8" else "RAW"
        raise MError("PROPERTY DOES NOT EXIST", f"*{name},{self.class_name}")

    def set_property(self, name: str, value: Value) -> None:
        if name == "Filename":
            link(self, text(value))
        elif name == "LineTerminator":
            self.terminator = text(value)
        elif name == "TranslateTable":
            self.encoding = "utf-8" if text(value).upper() == "UTF8" else "latin-1"
        else:
            raise MError("PROPERTY DOES NOT EXIST", f"*{name},{self.class_name}")


def new_stream(class_name: str) -> Stream:
    return Stream(class_name)


def content(stream: object) -> str:
    """Everything that a stream holds; <INVALID OREF> if it is none."""
    if not isinstance(stream, Stream):
        raise MError("INVALID OREF")
    return stream.content


def put(stream: object, written: str) -> None:
    if not isinstance(stream, Stream):
        raise MError("INVALID OREF")
    stream.content += written


def link(this: Stream, filename: str) -> Value:
    this.filename = filename
    try:
        with open(filename, "rb") as file:
            this.content = file.read().decode(this.encoding, "surrogateescape")
    except FileNotFoundError:
        this.content = ""
    except OSError:
        return status.error(5005, filename)
    this.at = 0
    return status.OK


def _new(class_name: str) -> None:
    @method(class_name, "%New")
    def make(vm: Machine) -> Value:
        return Stream(class_name)


for _each in _KINDS:
    _new(_each)
    BASES[_each] = "%Stream.Object"


@method("%Stream.Object", "Write", "data=", instance=True)
def write(vm: Machine, this: Stream, data: Value) -> Value:
    this.content += text(data)
    return status.OK


@method("%Stream.Object", "WriteLine", "data=", instance=True)
def write_line(vm: Machine, this: Stream, data: Value) -> Value:
    this.content += text(data) + this.terminator
    return status.OK


@method("%Stream.Object", "Read", "&len,&sc", instance=True)
def read(vm: Machine, this: Stream, length: Tree, found: Tree) -> Value:
    count = integer(length.value) if length.value not in (None, "") else 32000
    chunk = this.content[this.at : this.at + count]
    this.at += len(chunk)
    found.value = status.OK
    return chunk


@method("%Stream.Object", "ReadLine", "&len,&sc", instance=True)
def read_line(vm: Machine, this: Stream, length: Tree, found: Tree) -> Value:
    end = this.content.find(this.terminator, this.at)
    found.value = status.OK
    if end < 0:
        chunk, this.at = this.content[this.at :], len(this.content)
        return chunk
    chunk, this.at = this.content[this.at : end], end + len(this.terminator)
    return chunk


@method("%Stream.Object", "Rewind", instance=True)
def rewind(vm: Machine, this: Stream) -> Value:
    this.at = 0
    return status.OK


@method("%Stream.Object", "Clear", instance=True)
def clear(vm: Machine, this: Stream) -> Value:
    this.content, this.at = "", 0
    return status.OK


@method("%Stream.Object", "LinkToFile", "filename", instance=True)
def link_to_file(vm: Machine, this: Stream, filename: Value) -> Value:
    return link(this, text(filename))


@method("%Stream.Object", "%Save", instance=True)
def save(vm: Machine, this: Stream) -> Value:
    """A file stream's file is there under its name once it is saved."""
    if not this.filename:
        return status.OK
    try:
        with open(this.filename + ".new", "wb") as file:
            file.write(this.content.encode(this.encoding, "surrogateescape"))
        os.replace(this.filename + ".new", this.filename)
    except (OSError, UnicodeEncodeError):
        return status.error(5005, this.filename)
    return status.OK


@method("%Stream.Object", "CopyFrom", "source", instance=True)
def copy_from(vm: Machine, this: Stream, source: Value) -> Value:
    this.content = content(source)
    return status.OK
