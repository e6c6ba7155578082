# SPDX-License-Identifier: MIT
"""What the comparisons of this folder share: servers pinned to one processor, the load generator
pinned to another, and what is written down of the machine."""

import json
import os
import platform
import socket
import subprocess
import time
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SERVER_CPU, LOAD_CPU = "0", "1"


def pinned(cpu, *command):
    return ["taskset", "-c", cpu, *map(str, command)]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class Server:
    """A command that listens on `port` of 127.0.0.1, until the block ends."""

    def __init__(self, port, *command):
        self.port = port
        self.process = subprocess.Popen(pinned(SERVER_CPU, *command), stdout=subprocess.DEVNULL)
        self.wait_until_listening()

    def wait_until_listening(self):
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.01)
        raise SystemExit("the server does not listen")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def bench(build, server, url, scenario, *options):
    """What `walkie bench` measures of the server at `url`."""
    command = pinned(LOAD_CPU, build / "bin/walkie", "bench", scenario, "--json", "--url", url,
                     "--pid", server.process.pid, *options)
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def machine():
    def read(path):
        return Path(path).read_text(encoding="utf-8").strip()

    model = next(line.split(":")[1].strip() for line in read("/proc/cpuinfo").splitlines()
                 if line.startswith("model name"))
    return {
        "processor": model,
        "processors": os.cpu_count(),
        "kernel": platform.release(),
        "congestion_control": read("/proc/sys/net/ipv4/tcp_congestion_control"),
        "load_average": os.getloadavg()[0],
    }


def write_results(path, script, arguments, figures):
    """Writes `figures` with what made them: the command, the commit, the machine."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, check=False,
                            capture_output=True, text=True).stdout.strip()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({
        "command": f"bench/{script} --rounds {arguments.rounds} --seconds {arguments.seconds}",
        "date": date.today().isoformat(), "commit": commit, **figures,
    }, indent=1) + "\n", encoding="utf-8")
