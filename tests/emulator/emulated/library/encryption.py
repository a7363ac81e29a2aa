# SPDX-License-Identifier: GPL-3.0-or-later
"""$SYSTEM.Encryption: digests; old products have only MD5 and SHA-1 (FACTS 2.1)."""

from __future__ import annotations

import hashlib

from emulated.errors import MError
from emulated.layout import Settings
from emulated.library import status, streams
from emulated.machine import Machine
from emulated.registry import method
from emulated.values import Value, integer, text
from emulated.variables import Tree


def _bytes(value: Value) -> bytes:
    """Digests are of bytes: a wider character is an error."""
    try:
        return text(value).encode("latin-1")
    except UnicodeEncodeError as error:
        raise MError("WIDE CHAR") from error


def _digest(bits: Value, data: bytes) -> str:
    names = {160: "sha1", 224: "sha224", 256: "sha256", 384: "sha384", 512: "sha512"}
    if integer(bits) not in names:
        raise MError("ILLEGAL VALUE", why="length of a digest")
    return hashlib.new(names[integer(bits)], data).digest().decode("latin-1")


def _sha_exists(settings: Settings) -> bool:
    return settings.facts.sha_hash_exists


def _sha_stream_exists(settings: Settings) -> bool:
    return settings.facts.sha_hash_stream_exists


@method("%SYSTEM.Encryption", "SHAHash", "bitlength,text", when=_sha_exists)
def sha_hash(vm: Machine, bits: Value, data: Value) -> Value:
    return _digest(bits, _bytes(data))


@method("%SYSTEM.Encryption", "SHAHashStream", "bitlength,stream,&sc", when=_sha_stream_exists)
def sha_hash_stream(vm: Machine, bits: Value, stream: Value, found: Tree) -> Value:
    found.value = status.OK
    return _digest(bits, streams.content(stream).encode("utf-8", "surrogatepass"))


@method("%SYSTEM.Encryption", "SHA1Hash", "text")
def sha1_hash(vm: Machine, data: Value) -> Value:
    return _digest(160, _bytes(data))


@method("%SYSTEM.Encryption", "MD5Hash", "text")
def md5_hash(vm: Machine, data: Value) -> Value:
    return hashlib.md5(_bytes(data), usedforsecurity=False).digest().decode("latin-1")
