#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a WebSocket costs on top of TCP: `walkie serve` against a bare epoll echo.

usage: bench/compare_bare.py [--build DIR] [--rounds N] [--seconds N] [--write FILE]

Both servers run pinned to processor 0, the load generator to processor 1. They take turns, round by
round, with the same bytes from client to server; what is compared is the processor time that the
server spends on one message. Idle memory is measured on a fresh server each round. Prints a table;
exits with 1 where a target is missed. Other work on the machine changes rates and latencies much,
these ratios less; more rounds help.
"""

import argparse
import statistics
import sys
from pathlib import Path

from rig import ROOT, Server, bench, free_port, machine, write_results

ECHOES = [  # name, messages in flight on each connection, the highest ratio that is good
    ("32 B, 100 connections, 1 in flight", 1, 1.15),
    ("32 B, 100 connections, 16 in flight", 16, 1.3),
]
IDLE_CONNECTIONS = 10_000
IDLE_BYTES_MAX = 600


def start(build, name):
    port = free_port()
    if name == "bare":
        return Server(port, build / "bin/bare_echo", port)
    return Server(port, build / "bin/walkie", "serve", "--listen", f"127.0.0.1:{port}")


def load(build, server, scenario, *options):
    return bench(build, server, f"ws://127.0.0.1:{server.port}/echo", scenario, *options)


def measure_echo(arguments, in_flight):
    """For each round, both servers' figures; who goes first alternates."""
    rounds = []
    with start(arguments.build, "walkie") as walkie, start(arguments.build, "bare") as bare:
        for number in range(arguments.rounds):
            order = [("walkie", walkie), ("bare", bare)]
            if number % 2:
                order.reverse()
            rounds.append({name: load(arguments.build, server, "echo", "--connections=100",
                                      "--size=32", f"--in-flight={in_flight}",
                                      f"--seconds={arguments.seconds}",
                                      *(["--raw"] if name == "bare" else []))
                           for name, server in order})
    return rounds


def measure_idle(arguments):
    rounds = []
    for _ in range(min(arguments.rounds, 3)):
        with start(arguments.build, "walkie") as server:
            rounds.append(load(arguments.build, server, "idle", "--seconds=2",
                               f"--connections={IDLE_CONNECTIONS}"))
    return rounds


def compare_echo(arguments):
    results = []
    key = "server_cpu_us_per_message"
    print(f"{'server CPU per message':38} {'walkie':>9} {'bare':>9} {'ratio':>7} {'of best':>7} "
          f"{'target':>7}")
    for name, in_flight, target in ECHOES:
        rounds = measure_echo(arguments, in_flight)
        walkie, bare = (statistics.median(one[who][key] for one in rounds)
                        for who in ("walkie", "bare"))
        ratios = [one["walkie"][key] / one["bare"][key] for one in rounds]
        ratio = statistics.median(ratios)
        # Disturbance only adds time, so the least of all rounds is the least disturbed.
        best = (min(one["walkie"][key] for one in rounds) /
                min(one["bare"][key] for one in rounds))
        good = ratio <= target
        print(f"{name:38} {walkie:6.3f} us {bare:6.3f} us {ratio:7.3f} {best:7.3f} {target:7.2f}"
              f"{'' if good else '  missed'}", flush=True)
        results.append({"name": name, "ratio": round(ratio, 4),
                        "ratio_of_best_rounds": round(best, 4), "target": target, "good": good,
                        "ratios": [round(value, 4) for value in ratios], "rounds": rounds})
    return results


def compare_idle(arguments):
    rounds = measure_idle(arguments)
    value = statistics.median(one["private_dirty_bytes_per_connection"] for one in rounds)
    good = value <= IDLE_BYTES_MAX
    name = f"user memory of an idle connection (of {IDLE_CONNECTIONS})"
    print(f"{name}: {value:.0f} bytes, target {IDLE_BYTES_MAX}{'' if good else '  missed'}")
    return {"name": name, "bytes": value, "target": IDLE_BYTES_MAX, "good": good, "rounds": rounds}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="the build directory")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement")
    parser.add_argument("--write", type=Path, help="write all figures to this JSON file")
    arguments = parser.parse_args()
    facts = machine()
    echoes, idle = compare_echo(arguments), compare_idle(arguments)
    if arguments.write:
        write_results(arguments.write, "compare_bare.py", arguments,
                      {"machine": facts, "echo": echoes, "idle": idle})
    return 0 if idle["good"] and all(one["good"] for one in echoes) else 1


if __name__ == "__main__":
    sys.exit(main())
