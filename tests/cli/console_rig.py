# SPDX-License-Identifier: MIT
"""What the tests of `walkie connect` and `walkie listen` stand on: a terminal that shows what a
person would see, and WebSocket servers that behave as a test wants."""

import asyncio
import base64
import contextlib
import fcntl
import hashlib
import logging
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

import pyte
import websockets

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "build/bin/walkie"
WAIT_S = 30  # a bound for slow machines and sanitizers; nothing waits so long in a good run
STATE = tempfile.TemporaryDirectory()
PROXIES = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}
CLEAN = {name: value for name, value in os.environ.items()
         if not name.startswith("WALKIE_") and name.lower() not in PROXIES} | {
             "XDG_STATE_HOME": STATE.name, "XDG_CACHE_HOME": STATE.name,
             "TERM": "xterm-256color", "TZ": "UTC"}
CLEAN.pop("NO_COLOR", None)
# Connections that end under a handler are what many tests are about.
logging.getLogger("websockets").setLevel(logging.CRITICAL)


def run(*arguments, stdin=b"", wrapper=(), **variables):
    """The finished process; its output as bytes."""
    return subprocess.run([*wrapper, PROGRAM, *arguments], input=stdin, capture_output=True,
                          timeout=WAIT_S, env=CLEAN | variables, check=False)


def until(condition, what):
    """Waits for a true value of `condition()`."""
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.01)
    raise AssertionError(f"waited in vain for {what}")


class Terminal:
    """The program at a terminal of its own."""

    def __init__(self, *arguments, columns=80, rows=24, **variables):
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            self.become(arguments, columns, rows, CLEAN | variables)
        self.code = None

    @staticmethod
    def become(arguments, columns, rows, environment):
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.execve(PROGRAM, [PROGRAM, *arguments], environment)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)

    def read(self):
        """Takes what was written to the screen, for at most a moment."""
        ready, _, _ = select.select([self.fd], [], [], 0.02)
        if not ready:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        self.raw += data
        self.stream.feed(data)
        return bool(data)

    def lines(self):
        return [line.rstrip() for line in self.screen.display if line.strip()]

    def text(self):
        return "\n".join(self.lines())

    def type(self, keys):
        os.write(self.fd, keys.encode() if isinstance(keys, str) else keys)

    def expect(self, pattern):
        """Waits until the screen shows the pattern."""
        end = time.monotonic() + WAIT_S
        while not re.search(pattern, self.text(), re.M):
            if not self.read() or time.monotonic() > end:
                raise AssertionError(f"no {pattern!r} on the screen:\n{self.text()}")

    def resize(self, columns, rows):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)

    def end(self):
        """The exit code, when it has ended by itself."""
        end = time.monotonic() + WAIT_S
        while self.read():
            assert time.monotonic() < end, f"still running:\n{self.text()}"
        _, status = os.waitpid(self.pid, 0)
        self.code = os.waitstatus_to_exitcode(status)
        return self.code


class PythonServer:
    """Python's websockets with a handler of the test's; ends with the block."""

    def __init__(self, handler, **options):
        self.handler = handler
        self.options = options
        self.loop = asyncio.new_event_loop()
        self.started = threading.Event()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()
        assert self.started.wait(WAIT_S)
        self.url = f"ws://127.0.0.1:{self.port}/"

    def serve(self):
        asyncio.set_event_loop(self.loop)
        with contextlib.closing(self.loop):
            self.loop.run_until_complete(self.run())

    async def run(self):
        self.stop = asyncio.Event()
        async with websockets.serve(self.handler, "127.0.0.1", 0, **self.options) as server:
            self.port = server.sockets[0].getsockname()[1]
            self.started.set()
            await self.stop.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join()


class RawServer:
    """Takes connections one after the other and hands each, with its request's head, to `serve`."""

    def __init__(self, serve, handshake=True, reads_head=True):
        self.serve, self.handshake, self.reads_head = serve, handshake and reads_head, reads_head
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}/"
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.accept)
        self.thread.start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            with client:
                if self.done.is_set():
                    return
                client.settimeout(WAIT_S)
                with contextlib.suppress(OSError):
                    head = self.read_head(client) if self.reads_head else b""
                    if self.handshake:
                        client.sendall(answer_to(head))
                    self.serve(client, head)

    @staticmethod
    def read_head(client):
        head = b""
        while b"\r\n\r\n" not in head:
            if not (data := client.recv(4096)):
                break
            head += data
        return head

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.done.set()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            self.thread.join()
        self.listener.close()


def answer_to(head, accept=None):
    """The 101 to a request (RFC 6455 4.2.2)."""
    key = re.search(rb"(?i)sec-websocket-key: *(\S+)", head)[1]
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    return (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + (accept or base64.b64encode(digest)) + b"\r\n\r\n")


class WalkieServer:
    """`walkie serve` on a free port; ends with the block."""

    def __init__(self, *options):
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--listen", "127.0.0.1:0", "--drain-time=0", *options],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=CLEAN)
        self.port = int(re.search(r":(\d+) \(", self.process.stdout.readline())[1])
        self.url = f"ws://127.0.0.1:{self.port}/"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()
