#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The built program as a user meets it: tests/cli/program_test.py PROGRAM"""

import base64
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request
from pathlib import Path

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "build/bin/walkie"
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("WALKIE_")}
WAIT_S = 30  # a bound for slow machines and sanitizers; nothing waits so long in a good run


def run(*arguments, **variables):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=WAIT_S,
                          env=CLEAN | variables, check=False)


class Server:
    """`walkie serve` on a free port; ends with the block."""

    def __init__(self, *options, listen="127.0.0.1:0", **variables):
        self.process = subprocess.Popen([PROGRAM, "serve", "--listen", listen, *options],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env=CLEAN | variables)
        self.line = self.process.stdout.readline()
        found = re.search(r":(\d+) \(", self.line)
        self.port = int(found[1]) if found else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def get(self, path):
        return urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=WAIT_S)

    def end(self, number=signal.SIGTERM):
        """Its exit code and what it logged."""
        self.process.send_signal(number)
        _, log = self.process.communicate(timeout=WAIT_S)
        return self.process.returncode, log


class WebSocket:
    """As little of a client as the tests need; masks with a key of zeros."""

    def __init__(self, address, path, family=socket.AF_INET):
        self.socket = socket.socket(family)
        self.socket.settimeout(WAIT_S)
        self.socket.connect(address)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                             f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                             "Sec-WebSocket-Version: 13\r\n\r\n").encode())
        self.stream = self.socket.makefile("rb")
        self.status = int(self.stream.readline().split()[1])
        while self.stream.readline() not in (b"\r\n", b""):
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.socket.close()

    def send(self, opcode, payload):
        length = (bytes([128 | len(payload)]) if len(payload) < 126 else
                  b"\xfe" + struct.pack(">H", len(payload)) if len(payload) < 65536 else
                  b"\xff" + struct.pack(">Q", len(payload)))
        self.socket.sendall(bytes([128 | opcode]) + length + bytes(4) + payload)

    def receive(self):
        first, length = self.stream.read(2)
        if length == 126:
            length, = struct.unpack(">H", self.stream.read(2))
        elif length == 127:
            length, = struct.unpack(">Q", self.stream.read(8))
        return first & 15, self.stream.read(length)

    def close_code(self):
        opcode, payload = self.receive()
        assert opcode == 8, (opcode, payload)
        return struct.unpack(">H", payload[:2])[0]


class Usage(unittest.TestCase):
    def assert_complaint(self, result, code, text):
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertIn(text, result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        self.assertEqual(result.stdout, "")

    def test_the_version_is_printed(self):
        self.assertRegex(run("--version").stdout, r"^walkie \d+\.\d+\.\d+\n$")

    def test_help_names_the_commands_and_their_options(self):
        self.assertIn("serve", run("help").stdout)
        for command, flag in (("serve", "--listen"), ("config", "--markdown"), ("bench", "--url"),
                              ("connect", "--header"), ("listen", "--echo")):
            self.assertIn(flag, run(command, "--help").stdout)
            self.assertIn(flag, run("help", command).stdout)

    def test_without_a_command_usage_goes_to_stderr(self):
        result = run()
        self.assertEqual((result.returncode, result.stdout), (2, ""))
        self.assertIn("Usage:", result.stderr)

    def test_a_mistyped_command_or_option_is_pointed_out(self):
        self.assert_complaint(run("srve"), 2, 'did you mean "serve"?')
        self.assert_complaint(run("serve", "--treads", "2"), 2, "did you mean --threads?")
        self.assert_complaint(run("serve", "8000"), 2, "--listen 8000")
        self.assert_complaint(run("bench", "ehco"), 2, 'did you mean "echo"?')

    def test_a_bad_value_is_refused_with_where_it_came_from(self):
        self.assert_complaint(run("serve", "--threads=0.5"), 2, "--threads: ")
        self.assert_complaint(run("serve", WALKIE_MAX_HEAD="1"), 2, "WALKIE_MAX_HEAD: ")
        self.assert_complaint(run("serve", "--listen", "nowhere"), 2, "--listen: ")

    def test_a_missing_file_is_named(self):
        self.assert_complaint(run("serve", "--config", "/nonexistent.toml"), 2, "/nonexistent.toml")

    def test_a_port_in_use_is_named(self):
        with Server() as server:
            self.assert_complaint(run("serve", "--listen", f"127.0.0.1:{server.port}"), 1,
                                  f"127.0.0.1:{server.port}")

    def test_a_load_without_a_server_ends_with_one_line(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        self.assert_complaint(run("bench", "echo", "--url", f"ws://127.0.0.1:{port}/echo"), 1,
                              "refused")
        self.assert_complaint(run("bench", "echo", "--url", "http://x"), 2, "ws://HOST:PORT/PATH")


class Config(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name) / "walkie.toml"

    def test_each_value_names_its_source(self):
        self.file.write_text('threads = 2\nio = "epoll"\n[log]\nlevel = "debug"\n')
        printed = run("config", "--config", str(self.file), "--threads", "4",
                      WALKIE_THREADS="3", WALKIE_IO="auto").stdout
        self.assertIn("threads = 4  # --threads\n", printed)
        self.assertIn('io = "auto"  # WALKIE_IO\n', printed)
        self.assertIn(f'level = "debug"  # {self.file}:4\n', printed)
        self.assertIn('listen = ["127.0.0.1:8000"]  # default\n', printed)

    def test_what_is_printed_can_be_read(self):
        printed = run("config", "--drain-time", "1500ms", "--allow-origin", "*").stdout
        self.file.write_text(printed)
        again = run("config", WALKIE_CONFIG=str(self.file)).stdout
        bare = re.compile("  # .*")
        self.assertEqual(bare.sub("", printed), bare.sub("", again))

    def test_the_manuals_tables_are_those_of_each_command(self):
        for command, flag in (("serve", "--listen"), ("connect", "--bearer"), ("listen", "--echo")):
            self.assertIn(f"{flag}", run("config", "--markdown", command).stdout)
        self.assertEqual(run("config", "--markdown", "bench").returncode, 2)

    def test_an_unknown_key_is_pointed_out_with_its_line(self):
        self.file.write_text("\nlisten = \"x:1\"\ntreads = 2\n")
        result = run("serve", "--config", str(self.file))
        self.assertEqual(result.returncode, 2)
        self.assertEqual(result.stderr, f'walkie: {self.file}:3: unknown key "treads"; '
                                        'did you mean "threads"?\n')

    def test_a_file_that_is_no_toml_is_refused_with_its_line(self):
        self.file.write_text("threads = \n")
        result = run("config", "--config", str(self.file))
        self.assertEqual(result.returncode, 2)
        self.assertIn(f"{self.file}:1: ", result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1)


class Serving(unittest.TestCase):
    def test_it_says_where_it_listens(self):
        with Server() as server:
            self.assertRegex(server.line, r"^walkie \S+ listening on http://127\.0\.0\.1:\d+ "
                                          r"\(1 thread, (epoll|io_uring \(multishot.*\))\)\n$")

    def test_variables_choose_as_flags_do(self):
        with Server(WALKIE_THREADS="2", WALKIE_IO="epoll") as server:
            self.assertIn("(2 threads, epoll)", server.line)

    def test_it_ends_well_on_sigterm_and_sigint(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with Server() as server:
                self.assertEqual(server.end(number)[0], 0)

    def test_sigterm_closes_websockets_with_1001(self):
        with Server("--drain-time=0") as server:
            with WebSocket(("127.0.0.1", server.port), "/echo") as client:
                client.send(1, b"hi")
                self.assertEqual(client.receive(), (1, b"hi"))
                server.process.send_signal(signal.SIGTERM)
                self.assertEqual(client.close_code(), 1001)
                client.send(8, struct.pack(">H", 1001))
            self.assertEqual(server.process.wait(WAIT_S), 0)

    def test_a_second_signal_ends_it_at_once(self):
        with Server("--drain-time=10m", "--close-timeout=10m") as server:
            with WebSocket(("127.0.0.1", server.port), "/echo"), \
                 WebSocket(("127.0.0.1", server.port), "/echo"):
                server.process.send_signal(signal.SIGTERM)
                end = time.monotonic() + WAIT_S
                while server.process.poll() is None and time.monotonic() < end:
                    server.process.send_signal(signal.SIGTERM)
                    time.sleep(0.05)  # two pending signals of one kind are one
                self.assertEqual(server.process.returncode, 128 + signal.SIGTERM)

    def test_a_unix_socket_has_the_mode_asked_for(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/walkie.sock"
            with Server("--unix-mode=600", listen=f"unix:{path}") as server:
                self.assertIn(f"listening on unix:{path} (", server.line)
                self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
                with WebSocket(path, "/echo", socket.AF_UNIX) as client:
                    client.send(1, b"hi")
                    self.assertEqual(client.receive(), (1, b"hi"))
                self.assertEqual(server.end()[0], 0)

    def test_health_metrics_and_the_page_answer(self):
        with Server() as server:
            with server.get("/health") as answer:
                self.assertEqual((answer.status, answer.read()), (200, b"ok\n"))
            with server.get("/metrics") as answer:
                self.assertIn("version=0.0.4", answer.headers["Content-Type"])
                self.assertIn(b"\nwalkie_connections 1\n", answer.read())
            with server.get("/") as answer:
                self.assertIn("text/html", answer.headers["Content-Type"])
                self.assertIn(b"<html", answer.read())

    def test_log_lines_are_json_where_asked(self):
        with Server("--log-format=json", "--log-level=debug") as server:
            with WebSocket(("127.0.0.1", server.port), "/echo") as client:
                client.socket.sendall(b"\x81\x02hi")  # unmasked
                self.assertEqual(client.close_code(), 1002)
            _, log = server.end()
            records = [json.loads(line) for line in log.splitlines()]
            self.assertTrue(any("5.1" in record.get("clause", "") for record in records), log)

    def test_metrics_count_what_happened(self):
        with Server() as server:
            with WebSocket(("127.0.0.1", server.port), "/echo") as client:
                client.send(2, b"12345")
                client.receive()
                client.socket.sendall(b"\x83\x80\0\0\0\0")  # opcode 3
                self.assertEqual(client.close_code(), 1002)
                client.stream.read()
            text = server.get("/metrics").read().decode()
            for sample in ("walkie_messages_in_total 1", "walkie_messages_out_total 1",
                           "walkie_payload_bytes_in_total 5",
                           'walkie_handshakes_total{outcome="accepted"} 1',
                           'walkie_closes_total{code="1002"} 1'):
                self.assertIn(f"\n{sample}\n", text)


class Routes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.__exit__)

    def connect(self, path):
        client = WebSocket(("127.0.0.1", self.server.port), path)
        self.addCleanup(client.__exit__)
        return client

    def test_echo_returns_text_and_binary_of_any_size(self):
        client = self.connect("/echo")
        for opcode, size in ((1, 0), (1, 5), (2, 126), (1, 65535), (2, 1 << 24)):
            client.send(opcode, b"x" * size)
            self.assertEqual(client.receive(), (opcode, b"x" * size))

    def test_a_room_hears_its_members_and_no_others(self):
        ann, bob, other = (self.connect(f"/chat/{room}") for room in ("a%20b", "a%20b", "c"))
        ann.send(1, b"hi")
        for member in (ann, bob):
            self.assertEqual(member.receive(), (1, b"hi"))
        other.send(1, b"here")
        self.assertEqual(other.receive(), (1, b"here"))

    def test_a_room_refuses_binary_with_1003(self):
        client = self.connect("/chat/a")
        client.send(2, b"hi")
        self.assertEqual(client.close_code(), 1003)

    def test_a_room_refuses_long_messages_with_1009(self):
        client = self.connect("/chat/a")
        client.send(1, b"x" * 65536)
        self.assertEqual(client.receive(), (1, b"x" * 65536))
        client.send(1, b"x" * 65537)
        self.assertEqual(client.close_code(), 1009)

    def test_other_paths_are_not_found(self):
        self.assertEqual(self.connect("/nowhere").status, 404)


class Bench(unittest.TestCase):
    def measure(self, scenario, path, *options):
        with Server() as server:
            result = run("bench", scenario, "--url", f"ws://127.0.0.1:{server.port}{path}",
                         "--pid", str(server.process.pid), "--warmup=0", "--seconds=1", "--json",
                         *options)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(result.stderr, "")
            return json.loads(result.stdout)

    def test_echo_measures_rate_latency_and_the_servers_processor_time(self):
        figures = self.measure("echo", "/echo", "--connections=10", "--in-flight=4")
        self.assertGreater(figures["messages"], 0)
        self.assertGreater(figures["server_cpu_us_per_message"], 0)
        self.assertLessEqual(figures["latency_p50_us"], figures["latency_p99_us"])
        self.assertLessEqual(figures["latency_p999_us"], figures["latency_max_us"])

    def test_echo_takes_messages_of_any_size(self):
        for size in ("0", "1", "125", "126", "70000", "4M"):
            figures = self.measure("echo", "/echo", "--connections=2", f"--size={size}")
            self.assertGreater(figures["messages"], 0)

    def test_fanout_counts_deliveries(self):
        figures = self.measure("fanout", "/chat/bench", "--connections=10")
        self.assertGreater(figures["deliveries"], 10)
        figures = self.measure("fanout", "/chat/bench", "--connections=3", "--rate=100")
        self.assertGreater(figures["deliveries"], 0)
        self.assertLess(figures["deliveries"], 600)  # unpaced it would be tens of thousands

    def test_idle_measures_memory(self):
        figures = self.measure("idle", "/echo", "--connections=200")
        self.assertIn("private_dirty_bytes_per_connection", figures)

    def test_a_wrong_answer_is_found(self):
        with Server("--max-echo-message=10") as server:
            result = run("bench", "echo", "--url", f"ws://127.0.0.1:{server.port}/echo")
            self.assertEqual(result.returncode, 1)
            self.assertIn("Close frame: 1009", result.stderr)
            result = run("bench", "echo", "--url", f"ws://127.0.0.1:{server.port}/nowhere")
            self.assertEqual(result.returncode, 1)
            self.assertIn("404", result.stderr)


if __name__ == "__main__":
    unittest.main()
