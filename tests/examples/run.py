#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs each example and checks what it does, as a client would see it.

usage: tests/examples/run.py FOLDER [NAME...]   FOLDER holds example_echo and the others
"""

import asyncio
import contextlib
import hashlib
import os
import re
import signal
import socket
import sys
import tempfile
from pathlib import Path

import websockets

PATIENCE_S = 30


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def wait_until_up(port, process):
    for _ in range(PATIENCE_S * 100):
        assert process.returncode is None, f"ended with {process.returncode}"
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.01)
    raise AssertionError("does not listen")


async def refused(url, **options):
    """The status with which the server refuses an upgrade."""
    try:
        async with websockets.connect(url, **options):
            return 101
    except websockets.InvalidStatusCode as error:
        return error.status_code


async def check_echo(url, _process, _path):
    async with websockets.connect(url + "/echo", max_size=None) as client:
        for message in ["hello", "", "čaj ☕", b"\x00\xff", os.urandom(1 << 20), "x" * 100_000]:
            await client.send(message)
            assert await client.recv() == message
    assert await refused(url + "/nowhere") == 404


async def check_chat(url, _process, _path):
    assert await refused(url + "/chat/tea") == 400
    async with websockets.connect(url + "/chat/tea?name=ann") as ann, \
            websockets.connect(url + "/chat/coffee?name=cid") as cid:
        assert await ann.recv() == "* ann came in"
        assert await cid.recv() == "* cid came in"
        async with websockets.connect(url + "/chat/tea?name=b%20b") as bob:
            assert await bob.recv() == await ann.recv() == "* b b came in"
            await ann.send("milk?")
            assert await bob.recv() == await ann.recv() == "ann: milk?"
        assert await ann.recv() == "* b b left"
        await cid.send("alone")  # the first thing that cid hears: other rooms stay out
        assert await cid.recv() == "cid: alone"


async def check_broadcast(url, _process, _path):
    async with websockets.connect(url + "/ticks") as one, websockets.connect(url + "/ticks") as two:
        for client in (one, two):
            ticks = [int((await client.recv()).removeprefix("tick ")) for _ in range(4)]
            assert ticks == list(range(ticks[0], ticks[0] + 4)), ticks


async def check_typed_state(url, _process, _path):
    url += "/basket"
    assert await refused(url) == 401
    async with websockets.connect(url, extra_headers={"Cookie": "a=b; user=ann"}) as ann, \
            websockets.connect(url, extra_headers={"Cookie": "user=bob"}) as bob:
        for client, item, reply in [(ann, "tea", "ann: tea=1"), (bob, "tea", "bob: tea=1"),
                                    (ann, "tea", "ann: tea=2"), (ann, "cup", "ann: cup=1 tea=2")]:
            await client.send(item)
            assert await client.recv() == reply


def peak_memory_bytes(process):
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


async def check_stream_file(url, process, path):
    content = path.read_bytes()
    # Without compression and with: pieces go through both.
    for compression in (None, "deflate"):
        options = {"max_size": None, "max_queue": 1, "compression": compression}
        async with websockets.connect(url + "/download", **options) as client:
            assert hashlib.sha256(await client.recv()).digest() == hashlib.sha256(content).digest()
        async with websockets.connect(url + "/upload", **options) as client:
            await client.send(content[at:at + 100_000] for at in range(0, len(content), 100_000))
            assert await client.recv() == f"stored {len(content)} bytes"
        assert Path(f"{path}.upload").read_bytes() == content
    if "SANITIZED" not in os.environ:
        assert peak_memory_bytes(process) < len(content) / 2, peak_memory_bytes(process)


async def run(folder, name):
    port = free_port()
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "file.bin"
        if name == "stream_file":
            path.write_bytes(os.urandom(48 << 20))
        process = await asyncio.create_subprocess_exec(
            str(folder / f"example_{name}"), f"127.0.0.1:{port}", str(path))
        try:
            await wait_until_up(port, process)
            check = globals()[f"check_{name}"]
            await asyncio.wait_for(check(f"ws://127.0.0.1:{port}", process, path), PATIENCE_S * 3)
            process.send_signal(signal.SIGTERM)
            status = await asyncio.wait_for(process.wait(), PATIENCE_S)
            assert status == 0, f"ended with {status} after SIGTERM"
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


def main():
    folder = Path(sys.argv[1])
    names = sys.argv[2:] or ["echo", "chat", "broadcast", "typed_state", "stream_file"]
    failed = 0
    for name in names:
        try:
            asyncio.run(run(folder, name))
            print(f"passed: {name}")
        except Exception as error:  # pylint: disable=broad-except # any is the result
            failed += 1
            print(f"FAILED: {name}: {type(error).__name__}: {error}")
    print(f"{len(names) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
