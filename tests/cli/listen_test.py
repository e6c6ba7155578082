#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`walkie listen` as its user and its clients meet it: tests/cli/listen_test.py PROGRAM"""

import asyncio
import json
import re
import signal
import subprocess
import unittest

import websockets

from console_rig import CLEAN, PROGRAM, WAIT_S, Terminal, run


class Listener:
    """`walkie listen` in pipes; ends with the block."""

    def __init__(self, *options, endpoint="127.0.0.1:0"):
        self.process = subprocess.Popen([PROGRAM, "listen", endpoint, *options], env=CLEAN,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, bufsize=0)
        self.line = self.process.stderr.readline().decode()
        found = re.search(r":(\d+)$", self.line)
        self.url = f"ws://127.0.0.1:{found[1]}/" if found else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def end(self):
        output, errors = self.process.communicate(timeout=WAIT_S)
        return self.process.returncode, output.decode(), errors.decode()


def talk(url, *messages, expect=0, **options):
    """Sends, receives `expect` messages, and gives them and the client, which closed with 1000
    unless the server closed."""

    async def session():
        async with websockets.connect(url, **options) as client:
            for message in messages:
                await client.send(message)
            received = [await asyncio.wait_for(client.recv(), WAIT_S) for _ in range(expect)]
        return received, client

    return asyncio.run(session())


class InPipes(unittest.TestCase):
    def test_it_says_where_it_listens(self):
        with Listener() as listener:
            self.assertRegex(listener.line, r"^\* listening on ws://127\.0\.0\.1:\d+\n$")

    def test_messages_that_arrive_are_lines(self):
        with Listener() as listener:
            talk(listener.url, "one", "t\u00f6", b"bytes")
            listener.process.send_signal(signal.SIGTERM)
            self.assertEqual(listener.end(), (0, "one\nt\u00f6\nbytes\n", ""))

    def test_lines_wait_for_the_first_client_and_the_end_of_input_ends_it(self):
        with Listener("--wait=0") as listener:
            listener.process.stdin.write(b"one\ntwo")
            listener.process.stdin.close()
            listener.process.stdin = None
            received, client = talk(listener.url, expect=2)
            self.assertEqual(received, ["one", "two"])
            self.assertIn(client.close_code, (1000, 1001))
            self.assertEqual(listener.end()[0], 0)

    def test_every_client_gets_every_line_however_many_there_are(self):
        lines = [f"line {number} " + "x" * 1000 for number in range(20_000)]

        async def session(listener):
            async with websockets.connect(listener.url) as one, \
                       websockets.connect(listener.url) as other:
                writing = asyncio.to_thread(listener.process.stdin.write,
                                            "\n".join(lines).encode() + b"\n")
                # Only what both were there for: the first may get lines alone.
                ready = asyncio.create_task(writing)
                received = [await asyncio.wait_for(one.recv(), WAIT_S) for _ in lines]
                await ready
                last = None
                while last != lines[-1]:
                    last = await asyncio.wait_for(other.recv(), WAIT_S)
                return received

        with Listener() as listener:
            self.assertEqual(asyncio.run(session(listener)), lines)

    def test_echo_sends_messages_back(self):
        with Listener("--echo") as listener:
            received, _ = talk(listener.url, "hi", b"\0\1", expect=2)
            self.assertEqual(received, ["hi", b"\0\1"])

    def test_one_takes_one_client_and_ends_with_it(self):
        with Listener("--one", "--send", "hello") as listener:
            received, _ = talk(listener.url, "bye", expect=1)
            self.assertEqual(received, ["hello"])
            self.assertEqual(listener.end(), (0, "bye\n", ""))

    def test_a_second_client_of_one_is_refused(self):
        async def session(listener):
            async with websockets.connect(listener.url):
                with self.assertRaises(websockets.InvalidStatusCode) as caught:
                    await websockets.connect(listener.url)
                return caught.exception.status_code

        with Listener("--one") as listener:
            self.assertEqual(asyncio.run(session(listener)), 503)

    def test_it_ends_after_so_many_messages(self):
        with Listener("-n", "2") as listener:
            talk(listener.url, "one", "two", "three")
            self.assertEqual(listener.end(), (0, "one\ntwo\n", ""))

    def test_subprotocols_are_agreed_in_our_order_and_headers_added(self):
        with Listener("-s", "b", "-s", "a", "-H", "X-Test: yes") as listener:
            _, client = talk(listener.url, subprotocols=["a", "b"])
            self.assertEqual(client.subprotocol, "b")
            self.assertEqual(client.response_headers["X-Test"], "yes")

    def test_pages_of_other_origins_are_refused_unless_allowed(self):
        with Listener() as listener:
            with self.assertRaises(websockets.InvalidStatusCode) as caught:
                talk(listener.url, origin="https://example.com")
            self.assertEqual(caught.exception.status_code, 403)
        with Listener("--allow-origin=*", "--echo") as listener:
            talk(listener.url, "x", expect=1, origin="https://example.com")

    def test_events_are_json(self):
        process = subprocess.Popen([PROGRAM, "listen", "127.0.0.1:0", "--json", "-1"], env=CLEAN,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        with process:
            url = json.loads(process.stdout.readline())["url"]
            talk(url + "/a?b=c", "hi")
            events = [json.loads(line) for line in process.stdout]
        self.assertEqual([event["event"] for event in events], ["open", "message", "close"])
        self.assertEqual((events[0]["client"], events[0]["path"]), (1, "/a?b=c"))
        self.assertEqual((events[1]["client"], events[1]["text"]), (1, "hi"))
        self.assertEqual((events[2]["code"], events[2]["clean"]), (1000, True))

    def test_it_speaks_tls_with_the_development_certificate(self):
        process = subprocess.Popen([PROGRAM, "listen", "localhost:0", "--tls-self-signed", "--json",
                                    "--one"], env=CLEAN, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        with process:
            port = json.loads(process.stdout.readline())["url"].rpartition(":")[2]
            url = f"wss://localhost:{port}/"
            refused = run("connect", url, stdin=b"hi\n")
            self.assertEqual(refused.returncode, 6, refused.stderr)
            self.assertIn(b"certificate", refused.stderr)
            self.assertEqual(refused.stderr.count(b"\n"), 1, refused.stderr)
            certificate = f"{CLEAN['XDG_CACHE_HOME']}/walkie/localhost.pem"
            trusting = run("connect", url, "--cacert", certificate, "-v", "--wait=0", stdin=b"hi\n")
            self.assertEqual(trusting.returncode, 0, trusting.stderr)
            self.assertIn(b", TLSv1.3 ", trusting.stderr)
            output, errors = process.communicate(timeout=WAIT_S)
        self.assertIn('"text":"hi"', output)
        self.assertIn("localhost.pem is a development certificate", errors)

    def test_a_port_in_use_is_named(self):
        with Listener() as listener:
            port = listener.url.rstrip("/").rpartition(":")[2]
            result = run("listen", port)
            self.assertEqual(result.returncode, 1)
            self.assertIn(f"127.0.0.1:{port}".encode(), result.stderr)
            self.assertEqual(result.stderr.count(b"\n"), 1)


class AtATerminal(unittest.TestCase):
    def setUp(self):
        self.terminal = Terminal("listen", "127.0.0.1:0")
        self.addCleanup(self.terminal.__exit__)
        self.terminal.expect(r"listening on ws://\S+\d$")
        self.url = re.search(r"ws://\S+", self.terminal.text())[0] + "/"

    def end(self):
        self.terminal.type("\x04")
        self.assertEqual(self.terminal.end(), 0)

    def test_clients_come_speak_and_go(self):
        talk(self.url + "room", "hi", '{"a":1}')
        self.terminal.expect(r"#1 connected: 127\.0\.0\.1:\d+ /room$")
        self.terminal.expect(r'^\d\d:\d\d:\d\d #1 < hi\n.* #1 < \{"a": 1\}$')
        self.terminal.expect(r"#1 the client closed: 1000$")
        self.end()

    def test_what_is_typed_goes_to_all_or_to_the_one_chosen(self):
        async def session():
            async with websockets.connect(self.url) as one, websockets.connect(self.url) as two:
                self.terminal.expect("#2 connected")
                self.terminal.type("all\r/to 2\r")
                self.terminal.expect("^#2>")
                self.terminal.type("second\r/to all\rend\r")
                received = [[await asyncio.wait_for(client.recv(), WAIT_S) for _ in range(count)]
                            for client, count in ((one, 2), (two, 3))]
                self.terminal.type("/kick 1 enough\r")
                with self.assertRaises(websockets.ConnectionClosed):
                    await asyncio.wait_for(one.recv(), WAIT_S)
                return received, one.close_code, one.close_reason

        self.assertEqual(asyncio.run(session()),
                         ([["all", "end"], ["all", "second", "end"]], 1008, "enough"))
        self.end()

    def test_commands_answer(self):
        async def session():
            async with websockets.connect(self.url):
                self.terminal.expect("#1 connected")
                self.terminal.type("/clients\r/ping x\r/to 7\r")
                self.terminal.expect(r"^#1 127\.0\.0\.1:\d+ /$")
                await asyncio.to_thread(self.terminal.expect, r'#1 pong "x"$')
                self.terminal.expect("there is no client #7")

        asyncio.run(session())
        self.terminal.type("/clients\rhello\r")
        self.terminal.expect("nobody is connected\n.*hello\n.*not sent: nobody is connected")
        self.end()


if __name__ == "__main__":
    unittest.main()
