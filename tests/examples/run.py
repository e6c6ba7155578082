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
import subprocess
import sys
import tempfile
from pathlib import Path

import websockets

PATIENCE_S = 30
SERVERS = ["echo", "chat", "broadcast", "typed_state", "stream_file"]
CLIENTS = ["client", "reconnecting_client", "blocking_script", "coroutine_chat", "asio_client",
           "epoll_client", "mtls_pair"]


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


@contextlib.asynccontextmanager
async def running(folder, name, *arguments):
    """An example's process, with pipes; killed at the end where it still runs."""
    process = await asyncio.create_subprocess_exec(
        str(folder / f"example_{name}"), *map(str, arguments), stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@contextlib.asynccontextmanager
async def serving(folder, name, path="", *arguments):
    """The URL of an example that serves."""
    port = free_port()
    async with running(folder, name, f"127.0.0.1:{port}", *arguments) as process:
        await wait_until_up(port, process)
        yield f"ws://127.0.0.1:{port}{path}"


async def told(process, text):
    """The next line of its output in which `text` stands."""
    while True:
        line = (await process.stdout.readline()).decode()
        assert line, f"ended without '{text}': {(await process.stderr.read()).decode()}"
        if text in line:
            return line.strip()


async def output_of(folder, name, *arguments, status=0):
    async with running(folder, name, *arguments) as process:
        out, err = await process.communicate()
        assert process.returncode == status, (process.returncode, out, err)
        return out.decode() if status == 0 else err.decode()


async def check_client(folder):
    async with serving(folder, "echo", "/echo") as url:
        async with running(folder, "client", url) as client:
            for line in ["one", "čaj ☕"]:
                client.stdin.write(line.encode() + b"\n")
                assert await told(client, "") == line
            client.stdin.close()
            assert await client.wait() == 0
    async with running(folder, "client", url) as client:
        error = (await client.stderr.readline()).decode()
        assert "connection refused" in error, error
        client.stdin.close()
        assert await client.wait() == 1


async def check_reconnecting_client(folder):
    port = free_port()
    got = asyncio.Queue()

    async def serve(socket):
        await got.put(f"attempt {socket.request_headers['X-Attempt']}")
        async for message in socket:
            await got.put(message)

    async with running(folder, "reconnecting_client", f"ws://127.0.0.1:{port}/") as client:
        await told(client, "* reconnecting, attempt 2")
        async with websockets.serve(serve, "127.0.0.1", port):
            await told(client, "* open")
            assert (await got.get()).startswith("attempt ")
            assert await got.get() == "subscribe"
        await told(client, "* reconnecting")
        client.stdin.write(b"from afar\n")
        await told(client, "* connecting")
        async with websockets.serve(serve, "127.0.0.1", port):
            await told(client, "* open")
            seen = [await got.get()]
            while "from afar" not in seen:
                seen.append(await got.get())
            # The first subscription is perhaps resent: nothing had confirmed it.
            assert seen[0].startswith("attempt ") and seen[1] == "subscribe", seen
            client.stdin.close()
            await told(client, "* closed: 1000")
            assert await client.wait() == 0


async def check_blocking_script(folder):
    async with serving(folder, "echo", "/echo") as url:
        assert await output_of(folder, "blocking_script", url) == "hello\n"
        assert await output_of(folder, "blocking_script", url, "x y") == "x y\n"
    error = await output_of(folder, "blocking_script", url, status=1)
    assert "connection refused" in error, error


async def check_coroutine_chat(folder):
    async with serving(folder, "chat", "/chat/tea") as url:
        heard = (await output_of(folder, "coroutine_chat", url)).splitlines()
        for one in ["ann", "bob", "cid"]:
            for other in ["ann", "bob", "cid"]:
                assert f"{one} hears {other}: hello" in heard, heard


async def check_asio_client(folder):
    async with serving(folder, "echo", "/echo") as url:
        assert await output_of(folder, "asio_client", url) == "1\n2\n3\n"


async def check_epoll_client(folder):
    async with serving(folder, "echo", "/echo") as url:
        async with running(folder, "epoll_client", url) as client:
            for line in ["one", "two"]:
                client.stdin.write(line.encode() + b"\n")
                assert await told(client, "") == line
            client.stdin.close()
            assert await client.wait() == 0


def make_certificate(folder, name, issuer=None, extension=None):
    """NAME.pem and NAME.key, by openssl; an authority where there is no issuer."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
               "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}",
               "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem"]
    if issuer:
        command += ["-CA", f"{folder}/{issuer}.pem", "-CAkey", f"{folder}/{issuer}.key"]
        command += ["-addext", "basicConstraints=critical,CA:FALSE"]
    if extension:
        command += ["-addext", extension]
    subprocess.run(command, check=True, capture_output=True)


async def check_mtls_pair(folder):
    with tempfile.TemporaryDirectory() as keys:
        make_certificate(keys, "authority")
        make_certificate(keys, "server", "authority", "subjectAltName=IP:127.0.0.1")
        make_certificate(keys, "alice", "authority")
        make_certificate(keys, "stranger")

        def files(name):
            return f"{keys}/{name}.pem", f"{keys}/{name}.key", f"{keys}/authority.pem"

        async with serving(folder, "mtls_server", "/", *files("server")) as url:
            url = url.replace("ws:", "wss:")
            greeting = await output_of(folder, "mtls_client", url, *files("alice"))
            assert greeting == "hello CN=alice\n", greeting
            error = await output_of(folder, "mtls_client", url, *files("stranger"), status=1)
            assert "unknown CA" in error, error
            trusted = (*files("alice")[:2], f"{keys}/stranger.pem")
            error = await output_of(folder, "mtls_client", url, *trusted, status=1)
            assert "unknown authority" in error, error


async def run_server(folder, name):
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


async def run_client(folder, name):
    await asyncio.wait_for(globals()[f"check_{name}"](folder), PATIENCE_S * 3)


def is_there(folder, name):
    # Built only where Asio is.
    return name != "asio_client" or (folder / "example_asio_client").exists()


def main():
    folder = Path(sys.argv[1])
    names = sys.argv[2:] or SERVERS + [name for name in CLIENTS if is_there(folder, name)]
    failed = 0
    for name in names:
        try:
            asyncio.run(run_server(folder, name) if name in SERVERS else run_client(folder, name))
            print(f"passed: {name}")
        except Exception as error:  # pylint: disable=broad-except # any is the result
            failed += 1
            print(f"FAILED: {name}: {type(error).__name__}: {error}")
    print(f"{len(names) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
