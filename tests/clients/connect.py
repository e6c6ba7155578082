# SPDX-License-Identifier: MIT
"""What the tests of `walkie connect` share: running it, and servers that it talks to."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

from harness import PATIENCE_S, Process, free_port, wait_for

PROGRAM = sys.argv[1]
HERE = pathlib.Path(__file__).parent
NODE = os.environ.get("WALKIE_NODE", "node")

# Exit codes, as docs/connect.md has them.
OK, USAGE, RESOLVE, REFUSED, UNREACHABLE, TLS = 0, 2, 3, 4, 5, 6
REJECTED, PROXY, PROTOCOL, TIMEOUT, ABNORMAL, CLOSED = 7, 8, 9, 10, 11, 12

PROXY_VARIABLES = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}


class Run:
    """One run of `walkie connect --json`, from start to end."""

    def __init__(self, url, *options, lines=(), env=None):
        clean = {k: v for k, v in os.environ.items() if k.lower() not in PROXY_VARIABLES}
        done = subprocess.run(
            [PROGRAM, "connect", "--json", "--connect-timeout", "10s", *options, url],
            input="".join(line + "\n" for line in lines),
            capture_output=True,
            text=True,
            timeout=3 * PATIENCE_S,
            env=clean | (env or {}),
            check=False,
        )
        self.code = done.returncode
        self.error = done.stderr
        self.events = [json.loads(line) for line in done.stdout.splitlines()]

    def all(self, kind):
        return [event for event in self.events if event["event"] == kind]

    @property
    def texts(self):
        return [event["text"] for event in self.all("message")]

    @property
    def opened(self):
        (event,) = self.all("open")
        return event

    def expect(self, code, *told):
        """Checks the exit code, and that one line of stderr says why."""
        assert self.code == code, f"exit code {self.code}, not {code}: {self.error}"
        if told:
            lines = self.error.splitlines()
            assert any(all(part in line for part in told) for line in lines), (
                f"{told} in no line of: {self.error}"
            )
        return self


def echoes(url, *options, sizes=(1, 125, 126, 127, 65535, 65536, 1 << 20), **more):
    """Sends texts of these sizes, in one run, and checks that they come back in order."""
    lines = [chr(ord("a") + i % 26) * size for i, size in enumerate(sizes)]
    run = Run(url, "-n", str(len(lines)), *options, lines=lines, **more).expect(OK)
    assert run.texts == lines, [len(text) for text in run.texts]
    return run


def is_listening(port):
    """Whether a TCP socket listens on the port; it is not disturbed by a connection."""
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(path) as table:
            for line in list(table)[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                    return True
    return False


class Listening(Process):
    """A program that listens on `port`; by the end of construction it does."""

    def __init__(self, command, port, **options):
        self.port = port
        super().__init__([str(part) for part in command], **options)
        wait_for(lambda: is_listening(port) or self.process.poll() is not None, f"{command[0]}")
        assert self.process.poll() is None, self.output


class NodeServer(Listening):
    """tests/clients/ws_server.mjs on a free port, or the one that is given."""

    def __init__(self, port=None, **options):
        port = port or free_port()
        arguments = json.dumps({"port": port, **options})
        super().__init__([NODE, HERE / "ws_server.mjs", arguments], port)

    def url(self, path="/echo", scheme="ws", host="127.0.0.1"):
        return f"{scheme}://{host}:{self.port}{path}"


def program(name):
    path = shutil.which(name, path="/usr/sbin:/usr/bin")
    assert path, f"{name} is not installed"
    return path


TINYPROXY = """
Port {port}
Listen 127.0.0.1
Timeout 60
MaxClients 50
Allow 127.0.0.1
LogLevel Connect
{more}
"""


class Tinyproxy(Listening):
    def __init__(self, folder, more="", port=None):
        port = port or free_port()
        path = pathlib.Path(folder) / "tinyproxy.conf"
        path.write_text(TINYPROXY.format(port=port, more=more))
        super().__init__([program("tinyproxy"), "-d", "-c", path], port)
