# SPDX-License-Identifier: GPL-3.0-or-later
"""The program in a set that makes a plain file of blocks by hand: without Ansible, without this collection.

It is a text here, so that it travels to the host with the modules. Its second line is the
SHA-256 of what follows, so that a flipped bit in it is found like any other.
"""

from __future__ import annotations

import hashlib
import os

from ansible_collections.relmgmt.release.plugins.module_utils._backup.changed import OTHER_COPY
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DatasetError
from ansible_collections.relmgmt.release.plugins.module_utils._files import write_durably

NAME = "assemble.py"
_START = b"#!/usr/bin/env python3\n# sha256 of the lines below: "
_BODY = '''\
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the plain file of a dataset out of this backup set and the one it builds on.

    python3 assemble.py DEFAULT.dat /target/DEFAULT.dat

Every block is compared with its digest; the target appears only when all of them are right.
"""

import hashlib
import json
import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
MANY = 256
DIGESTS = {
    "sha256/128": lambda block: hashlib.sha256(block).digest()[:16],
    "blake2b/128": lambda block: hashlib.blake2b(block, digest_size=16).digest(),
}


def fail(message):
    sys.exit("assemble.py: " + message)


def read_manifest(directory):
    place = os.path.join(directory, "manifest.json")
    with open(place, "rb") as stream:
        data = stream.read()
    try:
        values = json.loads(data.decode("utf-8"))
        said = values.pop("root_digest")
    except (ValueError, KeyError, AttributeError) as error:
        fail("%s: the manifest cannot be read: %s" % (place, error))
    text = (json.dumps(values, indent=1, sort_keys=True) + "\\n").encode()
    if hashlib.sha256(text).hexdigest() != said:
        fail(place + ": the manifest was changed after it was written")
    return values, said


def find(values, name, directory):
    for one in values["datasets"]:
        if name in (one["file"], one["name"]):
            return one
    names = ", ".join(one["file"] for one in values["datasets"])
    return fail("%s holds no %s, but %s" % (directory, name, names))


def source_of(values, copy):
    """The plain file that the blocks lie on, or the dataset's own."""
    if copy["stored"] == "plain":
        return os.path.join(HERE, copy["file"])
    directory = os.path.normpath(os.path.join(HERE, values["base"]["path"]))
    base, said = read_manifest(directory)
    if said != values["base"]["root_digest"]:
        fail(directory + ": this is not the set that this one builds on")
    return os.path.join(directory, find(base, copy["name"], directory)["file"])


def check_digests(path, copy):
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for part in iter(lambda: stream.read(1 << 20), b""):
            digest.update(part)
    digest.update(b"%d" % copy["size"])
    if digest.hexdigest() != copy["root"]:
        fail(path + ": the digests are not those of the manifest")


def copy_whole(source, out, copy):
    step = MANY * copy["block_size"]
    left = copy["size"]
    with open(source, "rb") as stream:
        while left:
            part = stream.read(min(step, left))
            if not part:
                break
            out.write(part)
            left -= len(part)


def put_blocks(copy, out):
    path, step = os.path.join(HERE, copy["file"]), copy["block_size"]
    with open(path + ".index", "rb") as index, open(path + ".blocks", "rb") as blocks:
        for entry in iter(lambda: index.read(8), b""):
            if len(entry) != 8:
                fail(path + ".index: it is cut short")
            (number,) = struct.unpack("<Q", entry)
            start, block = number * step, blocks.read(step)
            if start >= copy["size"] or len(block) != step:
                fail(path + ".index: block %d is not in the dataset or its content is missing" % number)
            out.seek(start)
            out.write(block[:copy["size"] - start])


def check_blocks(out, digests, copy):
    step, number = copy["block_size"], 0
    digest_of = DIGESTS[copy["algorithm"]]
    out.seek(0)
    with open(digests, "rb") as known:
        for chunk in iter(lambda: out.read(MANY * step), b""):
            expected = known.read(MANY * 16)
            for at in range(0, len(chunk), step):
                if digest_of(chunk[at:at + step]) != expected[at // step * 16:][:16]:
                    fail("block %d (from byte %d) is not what its digest says" % (number, number * step))
                number += 1
    if out.tell() != copy["size"]:
        fail("the file has %d bytes, the manifest says %d" % (out.tell(), copy["size"]))


def give_back(target, copy):
    os.chmod(target, copy["mode"])
    if os.geteuid() == 0:
        os.chown(target, copy["uid"], copy["gid"])


def sync_directory(path):
    descriptor = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def assemble(name, target):
    if os.path.lexists(target):
        fail(target + " exists; move it away first")
    values, _said = read_manifest(HERE)
    copy = find(values, name, HERE)
    digests, source, aside = os.path.join(HERE, copy["digests"]), source_of(values, copy), target + ".part"
    check_digests(digests, copy)
    try:
        with open(aside, "wb+") as out:
            copy_whole(source, out, copy)
            if copy["stored"] != "plain":
                put_blocks(copy, out)
            out.flush()
            os.fsync(out.fileno())
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(out.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            check_blocks(out, digests, copy)
        give_back(aside, copy)
        os.rename(aside, target)
        sync_directory(target)
    finally:
        if os.path.exists(aside):
            os.unlink(aside)
    print("%s: %d bytes, every block is what its digest says" % (target, copy["size"]))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        fail("usage: python3 assemble.py DATASET TARGET")
    try:
        assemble(sys.argv[1], sys.argv[2])
    except (OSError, ValueError, KeyError, TypeError) as error:
        fail("%s: %s" % (type(error).__name__, error))
'''


def write_script(directory: str) -> None:
    """Put the program into a set, executable."""
    body = _BODY.encode()
    digest = hashlib.sha256(body).hexdigest().encode()
    write_durably(os.path.join(directory, NAME), _START + digest + b"\n" + body, 0o755)


def check_script(directory: str) -> None:
    """The program in a set is what was written, by whichever version of this collection."""
    place = os.path.join(directory, NAME)
    try:
        with open(place, "rb") as stream:
            found = stream.read(1 << 20)
    except OSError as error:
        raise DatasetError(
            f"the program that puts the blocks together cannot be read: {error.strerror}", place=place, cure=OTHER_COPY
        ) from error
    digest, _line, body = found[len(_START):].partition(b"\n")
    if not found.startswith(_START) or hashlib.sha256(body).hexdigest().encode() != digest:
        raise DatasetError("the program that puts the blocks together was changed", place=place, cure=OTHER_COPY)
