# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of the editors of configuration files have in common."""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.relmgmt.release.plugins.module_utils._core.edit_file import Key, find, replace
from ansible_collections.relmgmt.release.plugins.module_utils._errors import InvalidInput

Replaced = Callable[..., bytes]
Properties = Callable[[bytes], "dict[str, str] | None"]

LOAD = """
import java.io.*;
import java.util.*;
public class Load {
    public static void main(String[] arguments) throws IOException {
        DataInputStream in = new DataInputStream(System.in);
        DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out));
        while (true) {
            byte[] data = new byte[in.readInt()];
            in.readFully(data);
            Properties found = new Properties();
            boolean sound = true;
            try {
                found.load(new ByteArrayInputStream(data));
            } catch (IllegalArgumentException error) {
                sound = false;
            }
            out.writeInt(sound ? found.size() : -1);
            if (!sound) found.clear();
            for (Map.Entry<Object, Object> one : found.entrySet()) {
                for (Object text : new Object[] {one.getKey(), one.getValue()}) {
                    byte[] bytes = ((String) text).getBytes("UTF-16BE");
                    out.writeInt(bytes.length);
                    out.write(bytes);
                }
            }
            out.flush();
        }
    }
}
"""


@pytest.fixture(scope="session")
def replaced() -> Replaced:
    """Replace a value, and hold the result against the span: nothing but its bytes may differ."""

    def run(data: bytes, form: str, key: Key, value: str, encoding: str = "") -> bytes:
        span = find(data, form, key, encoding, "F")
        assert span is not None
        after = replace(data, form, key, value, encoding, "F")
        assert after.startswith(data[: span.start])
        assert after.endswith(data[span.end :])
        assert len(after) >= span.start + len(data) - span.end
        found = find(after, form, key, encoding, "F")
        assert found is not None
        assert found.value == value
        assert replace(data, form, key, span.value, encoding, "F") == data
        return after

    return run


@pytest.fixture(scope="session")
def refused() -> Callable[..., str]:
    """The message of a value that cannot be found, or not be replaced by this one."""

    def run(data: bytes, form: str, key: Key, value: str = "5101", encoding: str = "") -> str:
        with pytest.raises(InvalidInput) as caught:
            replace(data, form, key, value, encoding, "/etc/FILE")
        assert caught.value.place.startswith("/etc/FILE")
        assert caught.value.cure
        return str(caught.value)

    return run


@pytest.fixture(scope="session")
def java_properties(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Properties]:
    """java.util.Properties itself; None for what it does not load."""
    java = shutil.which("java")
    if java is None:
        pytest.skip("there is no java here")
    source = Path(tmp_path_factory.mktemp("java")) / "Load.java"
    source.write_text(LOAD)
    process = subprocess.Popen([java, str(source)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    out = process.stdout

    def number() -> int:
        return int(struct.unpack(">i", out.read(4))[0])

    def load(data: bytes) -> dict[str, str] | None:
        assert process.stdin is not None
        process.stdin.write(struct.pack(">i", len(data)) + data)
        process.stdin.flush()
        count = number()
        texts = [out.read(number()).decode("utf-16-be", "surrogatepass") for _one in range(2 * count)]
        return None if count < 0 else dict(zip(texts[::2], texts[1::2], strict=True))

    yield load
    process.kill()
    with process:
        process.stdin.close()
