#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The network's and the servers' bad days: servers killed, frozen and cut off, middleboxes that
reset, proxies that die, names that nobody answers for. Each fault is found in the configured time,
the client comes back, and at the end the books are checked: of the messages that were sent, each
was received, or was reported as undelivered. None is lost in silence.

usage: tests/clients/connect_faults.py PROGRAM NUMBERED_SENDER [SEED]

Those that need a network namespace of their own are left out where none can be made.
"""

import json
import os
import pathlib
import random
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

from authority import Authority
from connect import HERE, NODE, NodeServer, Tinyproxy
from harness import Process, run, scratch_folder, wait_for

SENDER = sys.argv[2] if len(sys.argv) > 2 else None
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else random.SystemRandom().randrange(1 << 32)
RANDOM = random.Random(SEED)
FOLDER = ROOT = LEAF = None  # set by main()

PING_MS, PONG_MS = 200, 300  # what numbered_sender is told
SLACK_MS = 400  # for a machine with much else to do


def now_ms():
    return time.clock_gettime(time.CLOCK_MONOTONIC) * 1000


class Record:
    """The numbers that a server received, in order, over all its lives."""

    def __init__(self, name):
        self.path = FOLDER / name
        self.path.write_text("")

    def numbers(self):
        lines = self.path.read_text().splitlines()
        return [int(line.split()[0]) for line in lines if line.endswith("|")]

    def wait_for(self, count):
        wait_for(lambda: len(self.numbers()) >= count, f"{count} messages received")


class Sender(Process):
    def __init__(self, url, within=(), **options):
        options = {"ping": PING_MS, "pong": PONG_MS} | options
        self.options = options
        arguments = [f"{key}={value}" for key, value in options.items()]
        super().__init__([*within, SENDER, url, *arguments])

    def events(self, kind=None):
        """(time in ms, kind, the rest) of each line."""
        lines = [line.split(" ", 2) for line in self.output.splitlines(keepends=False)]
        events = [(float(line[0]), line[1], line[2] if len(line) > 2 else "")
                  for line in lines if len(line) > 1]
        return [event for event in events if kind in (None, event[1])]

    def first_after(self, moment, kind):
        """The first event of that kind after `moment`, which must come."""
        return self.wait_for(kind, "", moment)

    def wait_for(self, kind, text, moment=0):
        """The first event of that kind with `text` in it after `moment`."""
        def look():
            return next((e for e in self.events(kind) if e[0] >= moment and text in e[2]), None)

        return wait_for(look, f"'{kind}' of the sender with '{text}'")

    def found_within(self, moment, at_least_ms, at_most_ms):
        """Checks how long after `moment` the loss of the connection was told."""
        when, _, what = self.first_after(moment, "lost")
        took = when - moment
        assert at_least_ms <= took <= at_most_ms + SLACK_MS, (took, what)
        return what

    def finish(self):
        """Lets it stop sending, and waits until it knows what became of everything."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(40) == 0, self.output[-2000:]
        self.reader.join()
        assert self.events("confirmed"), self.output[-2000:]


def check_books(sender, record):
    """No message may be missing from both the record and the reports."""
    ((_, _, count),) = sender.events("sent")
    count = int(count)
    received = record.numbers()
    reported = {}
    for _, _, text in sender.events("undelivered"):
        why, number = text.split()
        assert int(number) not in reported, f"{number} was reported twice"
        reported[int(number)] = why
    missing = set(range(1, count + 1)) - set(received) - set(reported)
    assert not missing, f"lost in silence: {sorted(missing)[:20]} and so on: {len(missing)}"
    for number in received:
        assert 1 <= number <= count
        assert reported.get(number) in (None, "unconfirmed"), (number, reported[number])
    firsts = list(dict.fromkeys(received))
    assert firsts == sorted(firsts), "the order changed"
    if sender.options.get("unconfirmed") == "resend":
        # One that went out, came back to wait, and expired, may have arrived: unconfirmed.
        fates = {"expired", "unconfirmed"} if "ttl" in sender.options else set()
        assert set(reported.values()) <= fates, set(reported.values())
    else:
        assert len(firsts) == len(received), "a message came twice"
    return (f"{count} sent, {len(firsts)} received, {len(received) - len(firsts)} of them again, "
            f"{len(reported)} reported, {len(sender.events('open'))} connections")


def record_server(record, port=None):
    return NodeServer(port, record=str(record.path))


def kill(server):
    server.process.kill()
    server.process.wait()


# -- faults --

def killed_under_load(unconfirmed):
    """kill -9, and a new server on the same port after a while, three times."""

    def test():
        record = Record(f"killed-{unconfirmed}")
        server = record_server(record)
        port = server.port
        with Sender(server.url("/record"), unconfirmed=unconfirmed,
                    pace_us=200) as sender:
            for _ in range(3):
                sender.first_after(0, "open")
                time.sleep(RANDOM.uniform(0.1, 0.4))
                moment = now_ms()
                kill(server)
                sender.found_within(moment, 0, 50)
                time.sleep(RANDOM.uniform(0, 0.3))
                moment = now_ms()
                server = record_server(record, port)
                sender.first_after(moment, "open")
            sender.finish()
        with server:
            return check_books(sender, record)

    return test


def killed_with_expiry():
    """A server that is gone for longer than messages live: they are reported as expired."""
    record = Record("expiry")
    server = record_server(record)
    port = server.port
    with Sender(server.url("/record"), unconfirmed="resend", pace_us=300,
                ttl=300) as sender:
        record.wait_for(200)
        kill(server)
        time.sleep(1)
        server = record_server(record, port)
        sender.finish()
    with server:
        expired = [e for e in sender.events("undelivered") if e[2].startswith("expired")]
        assert len(expired) > 100, len(expired)
        return check_books(sender, record)


def frozen(unconfirmed):
    """SIGSTOP: the kernel still takes bytes and connections, and nobody answers."""

    def test():
        record = Record(f"frozen-{unconfirmed}")
        with record_server(record) as server, Sender(
            server.url("/record"), unconfirmed=unconfirmed, pace_us=300
        ) as sender:
            record.wait_for(300)
            moment = now_ms()
            server.process.send_signal(signal.SIGSTOP)
            # The last byte of the server may be as old as a ping interval.
            sender.found_within(moment, PONG_MS - PING_MS, PING_MS + PONG_MS)
            sender.wait_for("again", "did not answer the handshake within 300 ms", moment)
            moment = now_ms()
            server.process.send_signal(signal.SIGCONT)
            sender.first_after(moment, "open")
            sender.finish()
            return check_books(sender, record)

    return test


class Middlebox:
    """A relay that resets or ends every connection now and then."""

    def __init__(self, to):
        self.to, self.cuts, self.pairs = to, 0, []
        self.lock, self.over = threading.Lock(), threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
                server = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                return
            with self.lock:
                self.pairs.append((client, server))
            for a, b in ((client, server), (server, client)):
                threading.Thread(target=self.pump, args=(a, b), daemon=True).start()

    @staticmethod
    def pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def cut(self, reset):
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for one in (end for pair in pairs for end in pair):
            if reset:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            try:
                one.shutdown(socket.SHUT_RD)  # wakes the thread that reads
            except OSError:
                pass
            one.close()
        self.cuts += bool(pairs)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        self.cut(reset=True)


def middlebox(unconfirmed, shortest_s, longest_s, tls=False):
    def test():
        record = Record(f"cut-{unconfirmed}-{longest_s}-{tls}")
        secure = {"cert": str(LEAF.file), "key": str(LEAF.key)} if tls else {}
        with NodeServer(record=str(record.path), **secure) as server, Middlebox(
            server.port
        ) as box, Sender(
            f"{'wss' if tls else 'ws'}://127.0.0.1:{box.port}/record", unconfirmed=unconfirmed,
            pace_us=400, ca=ROOT.file
        ) as sender:
            end = time.monotonic() + 3
            while time.monotonic() < end:
                time.sleep(RANDOM.uniform(shortest_s, longest_s))
                box.cut(reset=RANDOM.random() < 0.5)
            sender.finish()
            assert len(sender.events("open")) > 3 and box.cuts > 3, box.cuts
            return check_books(sender, record)

    return test


def proxy_dies(unconfirmed):
    def test():
        record = Record(f"proxy-{unconfirmed}")
        proxy = Tinyproxy(FOLDER)
        port = proxy.port
        with record_server(record) as server, Sender(
            server.url("/record"), unconfirmed=unconfirmed, pace_us=300,
            proxy=f"http://127.0.0.1:{port}"
        ) as sender:
            for _ in range(2):
                sender.first_after(0, "open")
                time.sleep(RANDOM.uniform(0.1, 0.3))
                moment = now_ms()
                kill(proxy)
                sender.found_within(moment, 0, 50)
                sender.wait_for("again", f"127.0.0.1:{port}: connection refused", moment)
                moment = now_ms()
                proxy = Tinyproxy(FOLDER, port=port)
                sender.first_after(moment, "open")
            sender.finish()
        with proxy:
            return check_books(sender, record)

    return test


# -- in a namespace --

class Namespace:
    """A network namespace with nothing but a loopback."""

    def __init__(self):
        self.name = f"walkie-faults-{os.getpid()}"
        self.inside = ["ip", "netns", "exec", self.name]

    def __enter__(self):
        self.do("ip", "netns", "add", self.name)
        self.do(*self.inside, "ip", "link", "set", "lo", "up")
        return self

    @staticmethod
    def do(*command):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")

    def drop(self, port):
        """From here on packets to and from the port vanish."""
        self.do(*self.inside, "nft", "add table inet faults; "
                "add chain inet faults out { type filter hook output priority 0; }; "
                f"add rule inet faults out tcp dport {port} drop; "
                f"add rule inet faults out tcp sport {port} drop")

    def pass_again(self):
        self.do(*self.inside, "nft", "delete table inet faults")

    def __exit__(self, *_):
        subprocess.run(["ip", "netns", "delete", self.name], capture_output=True, check=False)


def server_inside(namespace, record, port):
    arguments = json.dumps({"port": port, "record": str(record.path)})
    server = Process([*namespace.inside, NODE, str(HERE / "ws_server.mjs"), arguments])
    wait_for(lambda: "listening" in server.output, "server in the namespace")
    return server


def half_open(namespace, unconfirmed):
    """Every packet vanishes, and nobody is told."""

    def test():
        record, port = Record(f"half-{unconfirmed}"), 9100
        with server_inside(namespace, record, port), Sender(
            f"ws://127.0.0.1:{port}/record", namespace.inside, unconfirmed=unconfirmed,
            pace_us=300
        ) as sender:
            record.wait_for(300)
            moment = now_ms()
            namespace.drop(port)
            sender.found_within(moment, PONG_MS - PING_MS, PING_MS + PONG_MS)
            sender.wait_for("again", "timed out after 300 ms", moment)
            moment = now_ms()
            namespace.pass_again()
            sender.first_after(moment, "open")
            sender.finish()
            return check_books(sender, record)

    return test


def silent_resolver(namespace):
    """The resolver answers at first, and not between attempts."""
    record, port = Record("dns"), 9200
    configuration = FOLDER / "resolv.conf"
    configuration.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    within = [*namespace.inside, "unshare", "--mount", "sh", "-c",
              f'mount --bind {configuration} /etc/resolv.conf && exec "$@"', "sh"]
    dns = Process([*namespace.inside, sys.executable, __file__, "--dns"])
    wait_for(lambda: "ready" in dns.output, "name server")
    with dns:
        server = server_inside(namespace, record, port)
        with Sender(f"ws://server.test:{port}/record", within, unconfirmed="resend",
                    pace_us=400) as sender:
            record.wait_for(200)
            dns.process.send_signal(signal.SIGSTOP)
            kill(server)
            server = server_inside(namespace, record, port)
            sender.wait_for("again", "the resolver did not answer within 300 ms")
            moment = now_ms()
            dns.process.send_signal(signal.SIGCONT)
            sender.first_after(moment, "open")
            sender.finish()
        with server:
            return check_books(sender, record)


def serve_names():
    """server.test is 127.0.0.1, and has no IPv6 address."""
    dns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    dns.bind(("127.0.0.1", 53))
    print("ready", flush=True)
    while True:
        query, asker = dns.recvfrom(2048)
        end = query.index(b"\0", 12) + 5
        is_a = query[end - 4:end - 2] == b"\0\x01"
        answer = b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x04\x7f\0\0\x01" if is_a else b""
        counts = struct.pack("!HHHHH", 0x8580, 1, int(is_a), 0, 0)
        dns.sendto(query[:2] + counts + query[12:end] + answer, asker)


def main():
    global FOLDER, ROOT, LEAF
    print(f"seed {SEED}")
    began = time.monotonic()
    tests = [
        ("a server killed under load, reports", killed_under_load("report")),
        ("a server killed under load, resends", killed_under_load("resend")),
        ("a server that is gone for longer than messages live", killed_with_expiry),
        ("a frozen server, reports", frozen("report")),
        ("a frozen server, resends", frozen("resend")),
        ("a middlebox that cuts, reports", middlebox("report", 0.1, 0.5)),
        ("a middlebox that cuts, resends", middlebox("resend", 0.1, 0.5)),
        ("a middlebox that cuts before much arrives", middlebox("resend", 0.01, 0.08)),
        ("a middlebox that cuts TLS, reports", middlebox("report", 0.01, 0.2, tls=True)),
        ("a middlebox that cuts TLS, resends", middlebox("resend", 0.01, 0.2, tls=True)),
        ("a proxy that dies, reports", proxy_dies("report")),
        ("a proxy that dies, resends", proxy_dies("resend")),
    ]
    with scratch_folder() as folder:
        FOLDER, ROOT = pathlib.Path(folder), Authority(folder, "Test Root")
        LEAF = ROOT.issue("localhost")
        try:
            namespace = Namespace().__enter__()
        except OSError as error:
            print(f"skipped: half-open connections and a silent resolver: no namespaces: {error}")
            namespace = None
        else:
            tests += [
                ("a half-open connection, reports", half_open(namespace, "report")),
                ("a half-open connection, resends", half_open(namespace, "resend")),
                ("a resolver that falls silent", lambda: silent_resolver(namespace)),
            ]

        def shown(test):
            def wrapped():
                start = time.monotonic()
                print(f"# {test()}, {time.monotonic() - start:.1f} s")

            return wrapped

        try:
            run([(name, shown(test)) for name, test in tests])
        finally:
            if namespace:
                namespace.__exit__()
            print(f"{time.monotonic() - began:.0f} s in all")


if sys.argv[1:] == ["--dns"]:
    serve_names()
else:
    main()
