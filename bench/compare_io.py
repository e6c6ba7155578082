#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What io_uring saves: `walkie serve --io uring` against `--io epoll` and a bare epoll echo.

usage: bench/compare_io.py [--build DIR] [--rounds N] [--seconds N]

The servers run pinned to processor 0, the load generator to processor 1. They take turns, round by
round; what is compared is the processor time that the server spends on one message. Prints the
medians and the ratio to epoll; exits with 1 where io_uring is slower by more than noise.
"""

import argparse
import json
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SERVERS = ("epoll", "uring", "bare")
CELLS = [  # name, connections, size, messages in flight on each connection
    ("32 B, 100 connections", 100, "32B", 1),
    ("32 B, 1000 connections", 1000, "32B", 1),
    ("32 B, 100 connections, 16 in flight", 100, "32B", 16),
    ("1 kB, 100 connections", 100, "1kB", 1),
    ("16 kB, 100 connections", 100, "16kB", 1),
    ("1 MB, 10 connections", 10, "1MB", 1),
]
IDLE_CONNECTIONS = 5000
SLOWER = 1.03


class Server:
    """A server on a free port, until the block ends."""

    def __init__(self, build, name):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.raw = ["--raw"] if name == "bare" else []
        command = ([build / "bin/bare_echo", self.port] if name == "bare" else
                   [build / "bin/walkie", "serve", "--io", name, "--listen",
                    f"127.0.0.1:{self.port}"])
        self.process = subprocess.Popen(["taskset", "-c", "0", *map(str, command)],
                                        stdout=subprocess.DEVNULL)
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


def load(build, server, scenario, *options):
    command = ["taskset", "-c", "1", str(build / "bin/walkie"), "bench", scenario, "--json",
               *server.raw, "--url", f"ws://127.0.0.1:{server.port}/echo", "--pid",
               str(server.process.pid), *options]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def compare(arguments, cell):
    name, connections, size, in_flight = cell
    times = {server: [] for server in SERVERS}
    for number in range(arguments.rounds):
        order = SERVERS if number % 2 == 0 else SERVERS[::-1]
        for which in order:
            with Server(arguments.build, which) as server:
                figures = load(arguments.build, server, "echo", f"--connections={connections}",
                               f"--size={size}", f"--in-flight={in_flight}",
                               f"--seconds={arguments.seconds}")
            times[which].append(figures["server_cpu_us_per_message"])
    ratio = statistics.median(u / e for u, e in zip(times["uring"], times["epoll"]))
    medians = [statistics.median(times[which]) for which in SERVERS]
    print(f"{name:38} {medians[0]:9.3f} {medians[1]:9.3f} {medians[2]:9.3f} {ratio:7.3f}",
          flush=True)
    return ratio


def idle_bytes(arguments, which):
    with Server(arguments.build, which) as server:
        figures = load(arguments.build, server, "idle", "--seconds=1",
                       f"--connections={IDLE_CONNECTIONS}")
    return next(value for key, value in figures.items() if "bytes_per_connection" in key)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    arguments = parser.parse_args()
    print(f"{'server CPU in us per message':38} {'epoll':>9} {'uring':>9} {'bare':>9} {'ratio':>7}")
    worst = max(compare(arguments, cell) for cell in CELLS)
    print("user memory per idle connection:",
          ", ".join(f"{which} {idle_bytes(arguments, which):.0f} B" for which in SERVERS[:2]))
    return 1 if worst > SLOWER else 0


if __name__ == "__main__":
    sys.exit(main())
