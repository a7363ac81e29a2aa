# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages come from the drop, by digest, into a private file of this host (A9, A13)."""

from __future__ import annotations

import errno
import os
import posixpath
import re
import shutil
import subprocess
import tempfile
from typing import Any, Dict, List

from ansible_collections.relmgmt.release.plugins.module_utils._core.drop_manifest import (
    DELIVER,
    MANIFEST_LIMIT,
    MANIFEST_NAME,
    DropEntry,
    check_bundle,
    check_file,
    check_sha256,
    drop_place,
    find_entry,
    read_manifest,
)
from ansible_collections.relmgmt.release.plugins.module_utils._errors import DeliveryError, InvalidInput
from ansible_collections.relmgmt.release.plugins.module_utils._files import sha256_file

_CHUNK = 1 << 20
_CONNECT_SECONDS = 20
_TRANSFER_SECONDS = 3600
# What sftp's batch language and its globbing would read as something else is refused, not quoted.
_PLAIN_PATH = re.compile(r"\A[A-Za-z0-9_./@+=, -]+\Z")
_PLAIN_NAME = re.compile(r"\A[A-Za-z0-9_][A-Za-z0-9_.:-]*\Z")


def fetch(drop: Dict[str, Any], bundle: str, file: str, sha256: str, into: str) -> str:
    """Bring one package from the drop into a private file (mode 0600) under the directory `into`.

    `drop` is the inventory's relmgmt_drop: method (path or sftp), path, and for sftp host, port, user,
    private_key, known_hosts. Returns the local path. The bytes are verified against `sha256` and against
    the drop's manifest; a delivery without a manifest is no delivery.
    """
    check_bundle(bundle)
    check_file(file)
    check_sha256(sha256, file)
    staging = tempfile.mkdtemp(prefix="drop-", dir=into)
    try:
        _bring(drop, drop_place(drop["path"], bundle, MANIFEST_NAME), os.path.join(staging, MANIFEST_NAME))
        entry = _delivered(drop, bundle, file, sha256, os.path.join(staging, MANIFEST_NAME))
        _check_space(staging, entry)
        target = os.path.join(staging, posixpath.basename(file))
        _bring(drop, drop_place(drop["path"], bundle, file), target)
        _verify(target, entry, _where(drop, drop_place(drop["path"], bundle, file)))
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return target


def _delivered(drop: Dict[str, Any], bundle: str, file: str, sha256: str, manifest: str) -> DropEntry:
    place = _where(drop, drop_place(drop["path"], bundle, MANIFEST_NAME))
    if not os.path.exists(manifest):
        raise DeliveryError("bundle %s has not been delivered: no %s" % (bundle, MANIFEST_NAME), place, DELIVER)
    with open(manifest, "rb") as stream:
        data = stream.read(MANIFEST_LIMIT + 1)
    return find_entry(read_manifest(data, bundle, place), file, sha256, place)


def _bring(drop: Dict[str, Any], remote: str, target: str) -> None:
    """Copy one file of the drop; a file that is not there leaves no target behind."""
    method = drop.get("method") or "path"
    if method == "sftp":
        _bring_by_sftp(drop, remote, target)
    elif method == "path":
        _bring_by_path(remote, target)
    else:
        raise InvalidInput("unknown method %r of the drop" % method, "relmgmt_drop", "use path or sftp")


def _bring_by_path(source: str, target: str) -> None:
    try:
        with open(source, "rb") as stream, open(target, "xb", opener=_private) as out:
            shutil.copyfileobj(stream, out, _CHUNK)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return
        raise DeliveryError("cannot be copied from the drop: %s" % error.strerror, source, DELIVER) from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _bring_by_sftp(drop: Dict[str, Any], remote: str, target: str) -> None:
    batch = "-get %s %s\n" % (_batch_word(remote), _batch_word(target))
    place = _where(drop, remote)
    try:
        done = subprocess.run(
            sftp_command(drop),
            input=batch.encode("utf-8"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_TRANSFER_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise DeliveryError("this host has no sftp command", place, "install the OpenSSH client") from error
    except subprocess.TimeoutExpired as error:
        raise DeliveryError("the transfer took more than %d s" % _TRANSFER_SECONDS, place, "check the drop") from error
    if done.returncode != 0:
        said = done.stdout.decode("utf-8", "replace").strip()[-500:]
        cure = "check relmgmt_drop: host, port, user, private_key and known_hosts, and that the server runs"
        raise DeliveryError("the drop cannot be reached over SFTP: %s" % said, place, cure)
    if os.path.exists(target):
        os.chmod(target, 0o600)


def sftp_command(drop: Dict[str, Any]) -> List[str]:
    """The sftp batch command of a drop: host keys are always checked, nothing is ever asked."""
    for key in ("host", "user", "private_key", "known_hosts"):
        if not drop.get(key):
            raise InvalidInput("the SFTP drop has no %s" % key, "relmgmt_drop", "add it to the inventory")
    host, user = str(drop["host"]), str(drop["user"])
    for word in (host, user):
        if not _PLAIN_NAME.match(word):
            raise InvalidInput("not a host or user name: %r" % word, "relmgmt_drop", "correct the inventory")
    options = {
        "BatchMode": "yes",
        "LogLevel": "ERROR",
        "StrictHostKeyChecking": "yes",
        "UserKnownHostsFile": '"%s"' % drop["known_hosts"],
        "GlobalKnownHostsFile": "none",
        "UpdateHostKeys": "no",
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "ConnectTimeout": str(_CONNECT_SECONDS),
        "ServerAliveInterval": "15",
        "ServerAliveCountMax": "4",
    }
    command = ["sftp", "-b", "-", "-P", str(drop.get("port") or 22), "-i", str(drop["private_key"])]
    for name in sorted(options):
        command += ["-o", "%s=%s" % (name, options[name])]
    return [*command, "%s@%s" % (user, "[%s]" % host if ":" in host else host)]


def _batch_word(path: str) -> str:
    if not _PLAIN_PATH.match(path):
        raise InvalidInput("a path that SFTP would not take literally: %r" % path, "", "use plain characters")
    return '"%s"' % path


def _where(drop: Dict[str, Any], path: str) -> str:
    if (drop.get("method") or "path") != "sftp":
        return path
    return "sftp://%s:%s%s" % (drop.get("host"), drop.get("port") or 22, path)


def _check_space(directory: str, entry: DropEntry) -> None:
    free = shutil.disk_usage(directory).free
    if free < entry.size:
        message = "no room for package %s: %d bytes needed, %d free" % (entry.file, entry.size, free)
        raise DeliveryError(message, directory, "free some space there")


def _verify(path: str, entry: DropEntry, place: str) -> None:
    if not os.path.exists(path):
        raise DeliveryError("package %s is named by the manifest but is not there" % entry.file, place, DELIVER)
    size = os.path.getsize(path)
    found = sha256_file(path) if size == entry.size else ""
    if found != entry.sha256:
        message = "package %s in the drop is not what was delivered (%d bytes)" % (entry.file, size)
        raise DeliveryError(message, place, DELIVER, expected=entry.sha256, found=found, size=size)
