# SPDX-License-Identifier: MIT
"""What the scripts of this folder share: a running server with its log, raw sockets, a runner."""

import contextlib
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

PATIENCE_S = 20


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, what, patience_s=PATIENCE_S):
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.01)
    raise AssertionError(f"in {patience_s} s no {what}")


class Process:
    """A program with its output kept; ended at the end of a `with`, or by run()."""

    started = []

    def __init__(self, command, **options):
        options = {"stdin": subprocess.DEVNULL} | options
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options
        )
        self.started.append(self.process)
        self.output = ""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.output += line.decode(errors="replace")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join()


class Server(Process):
    """`walkie serve` on a free port."""

    def __init__(self, program, *options):
        self.port = free_port()
        super().__init__([program, "serve", "--listen", f"127.0.0.1:{self.port}", *options])
        wait_for(
            lambda: "listening on" in self.output or self.process.poll() is not None, "server"
        )
        assert self.process.poll() is None, self.output

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.port}"

    def private_bytes(self):
        """Memory that is this process's alone."""
        with open(f"/proc/{self.process.pid}/smaps_rollup") as file:
            text = file.read()
        return 1024 * sum(int(kb) for kb in re.findall(r"Private_\w+:\s+(\d+) kB", text))


class RawClient:
    """A socket that speaks just what a test writes down."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def upgrade(self, path="/echo", fields=""):
        self.send(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            f"Sec-WebSocket-Version: 13\r\n{fields}\r\n".encode()
        )
        head = self.read_head()
        assert head.startswith(b"HTTP/1.1 101 "), head
        return self

    def _more(self):
        data = self.socket.recv(1 << 16)
        self.buffer += data
        return bool(data)

    def read(self, count):
        while len(self.buffer) < count:
            assert self._more(), f"ended after {self.buffer!r}"
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def read_head(self):
        while b"\r\n\r\n" not in self.buffer:
            if not self._more():
                break
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        return head

    def read_frame(self):
        first, second = self.read(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack(">H", self.read(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", self.read(8))
        return first, self.read(length)

    def read_close(self):
        """The code of the Close frame that must come; other frames before it are skipped."""
        while True:
            first, payload = self.read_frame()
            if first & 0x0F == 8:
                return struct.unpack(">H", payload[:2])[0] if payload else 1005

    def at_end(self):
        try:
            return not self.buffer and not self._more()
        except ConnectionResetError:
            return False


def frame(opcode, payload=b"", fin=True, rsv=0, masked=True, key=b"\x11\x22\x33\x44"):
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    mask_bit = 0x80 if masked else 0
    if len(payload) < 126:
        head += bytes([mask_bit | len(payload)])
    elif len(payload) < 1 << 16:
        head += bytes([mask_bit | 126]) + struct.pack(">H", len(payload))
    else:
        head += bytes([mask_bit | 127]) + struct.pack(">Q", len(payload))
    if not masked:
        return head + payload
    repeated = key * (len(payload) // 4 + 1)
    return head + key + bytes(a ^ b for a, b in zip(payload, repeated))


def run(tests):
    """Runs (name, function) pairs; exits with 1 where one fails."""
    failed = 0
    for name, test in tests:
        before = len(Process.started)
        try:
            test()
            print(f"ok - {name}", flush=True)
        except Exception:
            failed += 1
            print(f"not ok - {name}\n{traceback.format_exc()}", flush=True)
        for process in Process.started[before:]:  # what a failed test left behind
            if process.poll() is None:
                process.kill()
                process.wait()
    print(f"{len(tests) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


@contextlib.contextmanager
def scratch_folder():
    """For a proxy's files. Readable by the user that a proxy may change to."""
    with tempfile.TemporaryDirectory(prefix="walkie-test-") as folder:
        os.chmod(folder, 0o755)
        yield folder
