#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Broken IPv6 and dead addresses: how long a dial takes in network namespaces of the test's own.

usage: tests/netns/happy_eyeballs.py DIAL_PROBE

  near: the dialler, 192.0.2.2 and 2001:db8::2  --veth--  far: 192.0.2.1 and 2001:db8::1, servers
  192.0.2.66.., 2001:db8::66..: near knows the way, far drops what comes: black holes
  2001:db8:bad::/48: near's own route says unreachable; 2001:db9::/32: no route at all

Needs root and the right to make namespaces; exits with 77 (skipped) without.
"""

import os
import re
import socket
import struct
import subprocess
import sys
import threading

SKIPPED = 77
PORT = 7000
CLOSED_PORT = 7001
DNS = "192.0.2.1:53"
LIVE4, LIVE6 = "192.0.2.1", "2001:db8::1"
DEAD4 = [f"192.0.2.{66 + i}" for i in range(3)]
DEAD6 = [f"2001:db8::{66 + i}" for i in range(3)]
TYPE_A, TYPE_AAAA = 1, 28

# Names, and their addresses by family; None: the server keeps silent on that family.
NAMES = {
    "good.test": ([LIVE4], []),
    "both.test": ([LIVE4], [LIVE6]),
    "dead6.test": ([LIVE4], DEAD6[:1]),
    "many-dead6.test": ([LIVE4], DEAD6),
    "dead4-first.test": ([DEAD4[0], LIVE4], []),
    "dead4.test": (DEAD4[:1], [LIVE6]),
    "one-of-each-dead.test": ([DEAD4[0], LIVE4], DEAD6[:1]),
    "unreachable6.test": ([LIVE4], ["2001:db8:bad::1", "2001:db8:bad::2"]),
    "no-route6.test": ([LIVE4], ["2001:db9::1"]),
    "silent6.test": ([LIVE4], None),
    "silent4.test": (None, [LIVE6]),
    "all-dead.test": (DEAD4[:1], DEAD6[:1]),
}


# -- the far side: servers, in a process of their own --

def dns_answer(query):
    """The reply to one question, or None for silence."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode())
        at += query[at] + 1
    kind = struct.unpack_from("!H", query, at + 1)[0]
    addresses = NAMES.get(".".join(labels).lower(), ([], []))[0 if kind == TYPE_A else 1]
    if addresses is None:
        return None
    family = socket.AF_INET if kind == TYPE_A else socket.AF_INET6
    records = b""
    for address in addresses:
        packed = socket.inet_pton(family, address)
        records += struct.pack("!HHHIH", 0xC00C, kind, 1, 60, len(packed)) + packed
    return (query[:2] + struct.pack("!HHHHH", 0x8580, 1, len(addresses), 0, 0)
            + query[12:at + 5] + records)


def serve():
    listeners = [socket.create_server((LIVE4, PORT)),
                 socket.create_server((LIVE6, PORT), family=socket.AF_INET6)]
    dns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    dns.bind((LIVE4, 53))

    def accept(listener):
        while True:
            listener.accept()[0].close()

    for listener in listeners:
        threading.Thread(target=accept, args=[listener], daemon=True).start()
    print("ready", flush=True)
    while True:
        query, asker = dns.recvfrom(2048)
        reply = dns_answer(query)
        if reply is not None:
            dns.sendto(reply, asker)


# -- the namespaces --

def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


class World:
    """Both namespaces, and the servers of the far one."""

    def __init__(self):
        self.near, self.far = (f"walkie-{side}-{os.getpid()}" for side in ("near", "far"))
        self.server = None

    def __enter__(self):
        try:
            self.build()
        except OSError:
            self.__exit__()
            raise
        return self

    def build(self):
        for name in (self.near, self.far):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "-n", self.near, "link", "add", "near", "type", "veth", "peer", "name", "far",
            "netns", self.far)
        for name, link, last in ((self.near, "near", 2), (self.far, "far", 1)):
            run("ip", "-n", name, "address", "add", f"192.0.2.{last}/24", "dev", link)
            run("ip", "-n", name, "address", "add", f"2001:db8::{last}/64", "dev", link, "nodad")
            run("ip", "-n", name, "link", "set", link, "up")
        mac = re.search(r"link/ether (\S+)",
                        run("ip", "-n", self.far, "link", "show", "dev", "far"))[1]
        for dead in DEAD4 + DEAD6:
            run("ip", "-n", self.near, "neighbour", "add", dead, "lladdr", mac, "dev", "near",
                "nud", "permanent")
        run("ip", "-n", self.near, "-6", "route", "add", "unreachable", "2001:db8:bad::/48")

    def start(self):
        self.server = subprocess.Popen(
            ["ip", "netns", "exec", self.far, sys.executable, __file__, "--serve"],
            stdout=subprocess.PIPE, text=True)
        assert self.server.stdout.readline() == "ready\n", "the servers do not start"

    def __exit__(self, *_):
        if self.server:
            self.server.terminate()
            self.server.wait()
        for name in (self.near, self.far):
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


class Checks:
    def __init__(self, world, probe):
        self.world, self.probe, self.failed = world, probe, 0

    def dial(self, name, port=PORT, *more):
        out = run("ip", "netns", "exec", self.world.near, self.probe, name, str(port), DNS, *more)
        ms, what = out.rstrip("\n").split(" ", 1)
        return int(ms), what

    def check(self, name, expected, at_least_ms, at_most_ms, port=PORT, more=()):
        ms, what = self.dial(name, port, *more)
        good = what == expected and at_least_ms <= ms <= at_most_ms
        self.failed += not good
        print(f"{'ok    ' if good else 'FAILED'} {name}: {what}, {ms} ms", flush=True)
        if not good:
            print(f"       expected: {expected}, {at_least_ms} to {at_most_ms} ms", flush=True)


def check_all(world, probe):
    checks = Checks(world, probe)
    four, six = f"connected to {LIVE4}:{PORT}", f"connected to [{LIVE6}]:{PORT}"
    good, _ = min(checks.dial("good.test") for _ in range(3))
    print(f"the good path takes {good} ms")
    soon, beyond = good + 150, good + 400
    checks.check("both.test", six, 0, soon)
    checks.check("unreachable6.test", four, 0, soon)
    checks.check("no-route6.test", four, 0, soon)
    checks.check("silent6.test", four, 50, good + 200)
    checks.check("silent4.test", six, 0, soon)
    for name in ("dead6.test", "many-dead6.test", "dead4-first.test"):
        checks.check(name, four, 250, beyond)
    checks.check("dead4.test", six, 0, soon)
    checks.check("one-of-each-dead.test", four, 500, good + 650)
    checks.check("all-dead.test", "timeout: connecting to all-dead.test: "
                 f"[{DEAD6[0]}]:{PORT}: timed out after 600 ms; "
                 f"{DEAD4[0]}:{PORT}: timed out after 600 ms", 850, 1100, more=["600"])
    checks.check("both.test", "refused: connecting to both.test: "
                 f"[{LIVE6}]:{CLOSED_PORT}: connection refused; "
                 f"{LIVE4}:{CLOSED_PORT}: connection refused", 0, soon, port=CLOSED_PORT)
    checks.check("unknown.test", "resolve: looking up unknown.test: no address of that kind",
                 0, soon)
    return checks.failed


def main():
    if sys.argv[1:] == ["--serve"]:
        return serve()
    if len(sys.argv) != 2:
        return print(__doc__) or 2
    world = World()
    try:
        world.__enter__()
    except OSError as error:
        print(f"skipped: no network namespaces here: {error}")
        return SKIPPED
    try:
        world.start()
        failed = check_all(world, os.path.abspath(sys.argv[1]))
    finally:
        world.__exit__()
    print("all good" if not failed else f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
