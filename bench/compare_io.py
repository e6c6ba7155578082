#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What io_uring saves: `walkie serve --io uring` against `--io epoll` and a bare epoll echo.

usage: bench/compare_io.py [--build DIR] [--rounds N] [--seconds N] [--write FILE]

The servers run pinned to processor 0, the load generator to processor 1. They take turns, round by
round; what is compared is the processor time that the server spends on one message. Prints the
medians and the ratio to epoll; exits with 1 where io_uring is slower by more than noise.
"""

import argparse
import statistics
import sys
from pathlib import Path

from rig import ROOT, Server, bench, free_port, machine, write_results

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


def start(build, name):
    port = free_port()
    if name == "bare":
        return Server(port, build / "bin/bare_echo", port)
    return Server(port, build / "bin/walkie", "serve", "--io", name, "--listen",
                  f"127.0.0.1:{port}")


def load(build, server, scenario, *options):
    return bench(build, server, f"ws://127.0.0.1:{server.port}/echo", scenario, *options)


def compare(arguments, cell):
    name, connections, size, in_flight = cell
    times = {server: [] for server in SERVERS}
    for number in range(arguments.rounds):
        order = SERVERS if number % 2 == 0 else SERVERS[::-1]
        for which in order:
            with start(arguments.build, which) as server:
                figures = load(arguments.build, server, "echo", f"--connections={connections}",
                               f"--size={size}", f"--in-flight={in_flight}",
                               f"--seconds={arguments.seconds}",
                               *(["--raw"] if which == "bare" else []))
            times[which].append(figures["server_cpu_us_per_message"])
    ratio = statistics.median(u / e for u, e in zip(times["uring"], times["epoll"]))
    medians = [statistics.median(times[which]) for which in SERVERS]
    print(f"{name:38} {medians[0]:9.3f} {medians[1]:9.3f} {medians[2]:9.3f} {ratio:7.3f}",
          flush=True)
    return {"name": name, "ratio": round(ratio, 4), "server_cpu_us_per_message": times}


def idle_bytes(arguments, which):
    with start(arguments.build, which) as server:
        figures = load(arguments.build, server, "idle", "--seconds=1",
                       f"--connections={IDLE_CONNECTIONS}")
    return figures["private_dirty_bytes_per_connection"]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--write", type=Path, help="write all figures to this JSON file")
    arguments = parser.parse_args()
    facts = machine()
    print(f"{'server CPU in us per message':38} {'epoll':>9} {'uring':>9} {'bare':>9} {'ratio':>7}")
    echoes = [compare(arguments, cell) for cell in CELLS]
    idle = {which: idle_bytes(arguments, which) for which in SERVERS[:2]}
    print(f"user memory per idle connection (of {IDLE_CONNECTIONS}):",
          ", ".join(f"{which} {value:.0f} B" for which, value in idle.items()))
    if arguments.write:
        write_results(arguments.write, "compare_io.py", arguments,
                      {"machine": facts, "echo": echoes, "idle_bytes": idle})
    return 1 if max(one["ratio"] for one in echoes) > SLOWER else 0


if __name__ == "__main__":
    sys.exit(main())
