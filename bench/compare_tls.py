#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What TLS costs `walkie serve`: echoes, connections and idle memory over wss and over ws.

usage: bench/compare_tls.py [--build DIR] [--rounds N] [--seconds N] [--write FILE]

One server with an endpoint of each kind, pinned to processor 0, the load generator to processor 1;
the two kinds take turns, round by round. Its certificate is the development one (ECDSA P-256).
Compared is the processor time that the server spends on a message or a connection. Prints a table;
exits with 1 where an idle wss connection takes more than the target over an idle ws one.
"""

import argparse
import statistics
import sys
from pathlib import Path

from rig import ROOT, Server, bench, free_port, machine, write_results

ECHOES = [("echo 32 B", "--size=32"), ("echo 1 kB", "--size=1024"), ("echo 16 KiB", "--size=16384")]
CONNECTS = [("connect, full handshake", "--resume=off"), ("connect, resumed", "--resume=on")]
IDLE_CONNECTIONS = 2_000
IDLE_BYTES_OVER_WS_MAX = 12_000


class BothWays(Server):
    def __init__(self, build):
        secure, plain = free_port(), free_port()
        super().__init__(secure, build / "bin/walkie", "serve", "--log-level", "error",
                         "--tls-self-signed", "--listen", f"127.0.0.1:{secure}",
                         "--listen", f"http://127.0.0.1:{plain}")
        self.urls = {"wss": f"wss://127.0.0.1:{secure}/echo", "ws": f"ws://127.0.0.1:{plain}/echo"}


def take_turns(arguments, server, scenario, *options):
    rounds = []
    for number in range(arguments.rounds):
        order = ["wss", "ws"] if number % 2 == 0 else ["ws", "wss"]
        rounds.append({kind: bench(arguments.build, server, server.urls[kind], scenario, *options,
                                   f"--seconds={arguments.seconds}") for kind in order})
    return rounds


def compare(name, key, rounds):
    values = {kind: statistics.median(one[kind][key] for one in rounds) for kind in ("wss", "ws")}
    ratio = statistics.median(one["wss"][key] / one["ws"][key] for one in rounds)
    print(f"{name:28} {values['wss']:9.2f} us {values['ws']:9.2f} us {ratio:7.2f}", flush=True)
    return {"name": name, "figure": key, "wss": values["wss"], "ws": values["ws"],
            "ratio": round(ratio, 3), "rounds": rounds}


def measure_idle(arguments):
    rounds = []
    for _ in range(min(arguments.rounds, 3)):
        one = {}
        for kind in ("wss", "ws"):
            with BothWays(arguments.build) as server:
                one[kind] = bench(arguments.build, server, server.urls[kind], "idle",
                                  "--seconds=2", f"--connections={IDLE_CONNECTIONS}")
        rounds.append(one)
    key = "private_dirty_bytes_per_connection"
    wss, plain = (statistics.median(one[kind][key] for one in rounds) for kind in ("wss", "ws"))
    good = wss - plain <= IDLE_BYTES_OVER_WS_MAX
    name = f"user memory of an idle connection (of {IDLE_CONNECTIONS})"
    print(f"{name}: wss {wss:.0f} bytes, ws {plain:.0f} bytes, target at most "
          f"{IDLE_BYTES_OVER_WS_MAX} over ws{'' if good else '  missed'}")
    return {"name": name, "wss_bytes": wss, "ws_bytes": plain, "target_over_ws":
            IDLE_BYTES_OVER_WS_MAX, "good": good, "rounds": rounds}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="the build directory")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement")
    parser.add_argument("--write", type=Path, help="write all figures to this JSON file")
    arguments = parser.parse_args()
    facts = machine()
    print(f"{'server CPU':28} {'wss':>12} {'ws':>12} {'ratio':>7}")
    with BothWays(arguments.build) as server:
        echoes = [compare(name, "server_cpu_us_per_message",
                          take_turns(arguments, server, "echo", "--connections=100", size))
                  for name, size in ECHOES]
        connects = [compare(name, "server_cpu_us_per_connection",
                            take_turns(arguments, server, "connect", "--connections=50", resume))
                    for name, resume in CONNECTS]
    idle = measure_idle(arguments)
    if arguments.write:
        write_results(arguments.write, "compare_tls.py", arguments,
                      {"machine": facts, "echo": echoes, "connect": connects, "idle": idle})
    return 0 if idle["good"] else 1


if __name__ == "__main__":
    sys.exit(main())
