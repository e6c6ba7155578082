#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`walkie connect` as its user meets it: tests/cli/connect_test.py PROGRAM"""

import asyncio
import base64
import json
import os
import signal
import socket
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

import websockets

from console_rig import (CLEAN, PROGRAM, WAIT_S, PythonServer, RawServer, Terminal, WalkieServer,
                         answer_to, run, until)

# A network of its own, without any way out and without resolvers.
ALONE = ("unshare", "--user", "--map-root-user", "--net")


def can_be_alone():
    return subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode == 0


def close_frame(code, reason=b""):
    return bytes([0x88, 2 + len(reason)]) + struct.pack(">H", code) + reason


async def silent(socket):
    await socket.wait_closed()


class InPipes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = WalkieServer()
        cls.addClassCleanup(cls.server.__exit__)
        cls.echo = cls.server.url + "echo"

    def assert_run(self, arguments, stdin, output, code=0):
        result = run("connect", self.echo, *arguments, stdin=stdin)
        self.assertEqual((result.returncode, result.stdout, result.stderr), (code, output, b""))

    def test_each_line_is_a_message_and_each_message_a_line(self):
        self.assert_run([], "one\n\ntw\u00f6\nlast".encode(), "one\n\ntw\u00f6\nlast\n".encode())

    def test_one_and_a_count_end_it(self):
        self.assert_run(["-1"], b"one\ntwo\n", b"one\n")
        self.assert_run(["-n", "2"], b"one\ntwo\nthree\n", b"one\ntwo\n")

    def test_texts_of_the_command_line_go_first(self):
        self.assert_run(["--send", "a", "-x", "b", "-n3"], b"c\n", b"a\nb\nc\n")

    def test_bytes_travel_in_the_form_asked_for(self):
        self.assert_run(["--binary"], b"\xff\n", b"\xff\n")
        self.assert_run(["--hex"], b"00 ff\n", b"00ff\n")
        self.assert_run(["--base64"], b"AP8=\n", b"AP8=\n")
        self.assert_run(["--null"], b"a\nb\0c\0", b"a\nb\0c\0")
        self.assert_run(["--raw"], bytes(range(256)), bytes(range(256)))

    def test_events_are_json(self):
        result = run("connect", self.echo, "--json", "--hex", "-n2", "-x", "hi", stdin=b"00ff\n")
        events = [json.loads(line) for line in result.stdout.splitlines()]
        self.assertEqual([event["event"] for event in events],
                         ["open", "message", "message", "close"])
        self.assertEqual(events[0]["url"], self.echo)
        self.assertEqual((events[1]["kind"], events[1]["text"]), ("text", "hi"))
        self.assertEqual((events[2]["kind"], events[2]["hex"]), ("binary", "00ff"))
        self.assertEqual((events[3]["code"], events[3]["clean"]), (1000, True))

    def test_a_pipe_may_ask_for_what_people_read(self):
        self.assert_run(["--pretty", "-1"], b'{"a":[1,2]}\n', b'< {"a": [1, 2]}\n')

    def test_a_stream_of_any_length_comes_back_whole(self):
        lines = "".join(f"{number}\n" for number in range(100_000)).encode()
        self.assert_run([], lines, lines)
        long = b"x" * (1 << 22) + b"\n"
        self.assert_run([], long * 3, long * 3)

    def test_a_line_that_is_no_message_is_named(self):
        for arguments, line, text in (([], b"\xff\n", b"is not UTF-8"),
                                      (["--hex"], b"0\n", b"is not hexadecimal"),
                                      (["--base64"], b"?\n", b"is not Base64"),
                                      (["--max-message=2B"], b"abc", b"is longer than"),
                                      (["--max-message=2B"], b"abc\n", b"is longer than")):
            result = run("connect", self.echo, *arguments, stdin=line)
            self.assertEqual(result.returncode, 1)
            self.assertIn(b"walkie: line 1 of the input " + text, result.stderr)

    def test_nobody_reading_ends_it_quietly(self):
        script = f"yes | {PROGRAM} connect {self.echo} | head -n 2; echo ${{PIPESTATUS[1]}}"
        result = subprocess.run(["bash", "-c", script], capture_output=True, env=CLEAN,
                                timeout=WAIT_S, check=False)
        self.assertEqual((result.stdout, result.stderr), (b"y\ny\n141\n", b""))

    def test_verbose_shows_the_handshake_and_the_frames_of_both_sides(self):
        result = run("connect", self.echo, "-v", "-1", "--no-compression", stdin=b"hi\n")
        self.assertEqual((result.returncode, result.stdout), (0, b"hi\n"))
        shown = result.stderr.decode()
        for line in ("> GET /echo HTTP/1.1", "> Upgrade: websocket",
                     "< HTTP/1.1 101 Switching Protocols", "> text frame, 2 bytes",
                     "< text frame, 2 bytes", "> close frame, 1000", "< close frame, 1000"):
            self.assertIn(line + "\n", shown)
        self.assertNotIn("permessage-deflate", shown)

    def test_signals_close_politely(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with PythonServer(silent) as server:
                process = subprocess.Popen([PROGRAM, "connect", server.url, "-v"], env=CLEAN,
                                           stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
                with process:
                    while "* connected to" not in process.stderr.readline():
                        pass
                    process.send_signal(number)
                    self.assertIn("> close frame, 1000", process.stderr.read())
                self.assertEqual(process.returncode, 0)


class Servers(unittest.TestCase):
    """What servers that we did not write get, and how their ends are told."""

    def test_the_request_carries_what_was_asked_for(self):
        heads = []

        async def keep(connection):
            heads.append(connection.request_headers)
            await connection.send(connection.subprotocol or "none")

        with PythonServer(keep, subprotocols=["b"]) as server:
            result = run("connect", server.url, "-1", "-H", "X-Test: a, b", "--cookie", "c=d",
                         "--auth", "user:pass", "-o", "https://example.com", "-s", "a", "-s", "b")
            self.assertEqual((result.returncode, result.stdout), (0, b"b\n"), result.stderr)
            run("connect", server.url, "-1", "--bearer", "token")
        basic = base64.b64encode(b"user:pass").decode()
        for name, value in (("X-Test", "a, b"), ("Cookie", "c=d"),
                            ("Origin", "https://example.com"), ("Authorization", f"Basic {basic}")):
            self.assertEqual(heads[0][name], value)
        self.assertEqual(heads[1]["Authorization"], "Bearer token")

    def test_the_end_of_input_waits_for_silence(self):
        async def slow(connection):
            async for message in connection:
                await asyncio.sleep(0.3)
                await connection.send(message)

        with PythonServer(slow) as server:
            self.assertEqual(run("connect", server.url, stdin=b"a\nb\n").stdout, b"a\nb\n")

    def test_without_an_end_at_the_end_of_input_the_server_decides(self):
        async def later(connection):
            await asyncio.sleep(0.3)
            await connection.send("late")
            await connection.close(1000, "done")

        with PythonServer(later) as server:
            result = run("connect", server.url, "--no-close-on-eof", "--wait=0")
            self.assertEqual((result.returncode, result.stdout), (0, b"late\n"))
            result = run("connect", server.url, "--wait=0")
            self.assertEqual((result.returncode, result.stdout), (0, b""))

    def test_a_unix_socket_is_reached(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/socket"
            with subprocess.Popen([PROGRAM, "serve", "--listen", f"unix:{path}"], env=CLEAN,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
                server.stdout.readline()
                result = run("connect", "ws://localhost/echo", "--unix", path, "-1", stdin=b"hi\n")
                server.kill()
        self.assertEqual((result.returncode, result.stdout), (0, b"hi\n"), result.stderr)

    def test_it_reconnects_where_told_to(self):
        connections = []

        async def drop(connection):
            connections.append(await connection.recv())
            if len(connections) < 3:
                connection.transport.abort()
            else:
                await connection.send("stays")

        with PythonServer(drop) as server:
            result = run("connect", server.url, "--reconnect", "-x", "again", "-1")
        self.assertEqual((result.returncode, result.stdout), (0, b"stays\n"))
        self.assertEqual(connections, ["again"] * 3)


class ExitCodes(unittest.TestCase):
    def assert_code(self, code, text, *arguments, wrapper=(), stdin=b""):
        result = run("connect", *arguments, wrapper=wrapper, stdin=stdin)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertIn(text, result.stderr.decode())
        self.assertEqual(result.stderr.count(b"\n"), 1, result.stderr)

    def test_usage_is_2(self):
        self.assert_code(2, "connect needs a URL")
        self.assert_code(2, "did you mean ws://localhost:1/", "localhost:1/")
        self.assert_code(2, "ftp://x", "ftp://x")
        self.assert_code(2, "did you mean --header?", "ws://x", "--haeder=a")
        self.assert_code(2, "exclude each other", "ws://x", "--hex", "--raw")

    @unittest.skipUnless(can_be_alone(), "no network namespaces here")
    def test_a_name_without_address_is_3(self):
        self.assert_code(3, "nowhere.example", "ws://nowhere.example/", wrapper=ALONE)

    def test_refused_is_4(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        self.assert_code(4, "refused", f"ws://127.0.0.1:{port}/")

    @unittest.skipUnless(can_be_alone(), "no network namespaces here")
    def test_unreachable_is_5(self):
        self.assert_code(5, "192.0.2.1", "ws://192.0.2.1:1/", wrapper=ALONE)

    def test_a_server_without_tls_is_6(self):
        def plain(client, _):
            client.recv(1)
            client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            client.recv(1000)

        with RawServer(plain, reads_head=False) as server:
            self.assert_code(6, "TLS", f"wss://127.0.0.1:{server.port}/")

    def test_rejected_is_7_with_the_status(self):
        with WalkieServer() as server:
            self.assert_code(7, "404", server.url + "nowhere")

    def test_a_proxy_that_refuses_is_8(self):
        with RawServer(lambda client, head: client.sendall(
                b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
                       handshake=False) as proxy:
            self.assert_code(8, "403", "ws://localhost:1/", "--proxy",
                             f"http://127.0.0.1:{proxy.port}")

    def test_a_broken_handshake_is_9(self):
        with RawServer(lambda client, head: client.sendall(answer_to(head, b"wrong")),
                       handshake=False) as server:
            self.assert_code(9, "Sec-WebSocket-Accept", server.url)

    def test_a_broken_frame_is_9(self):
        def masked(client, _):
            client.sendall(b"\x81\x82\0\0\0\0hi")
            client.recv(100)

        with RawServer(masked) as server:
            self.assert_code(9, "1002", server.url, "--no-close-on-eof")

    def test_a_deadline_is_10(self):
        with RawServer(lambda client, head: client.recv(1), handshake=False) as server:
            self.assert_code(10, "", server.url, "--connect-timeout=200ms")
        with PythonServer(silent) as server:
            self.assert_code(10, "--timeout", server.url, "--timeout=200ms", "-1")

    def test_an_end_without_a_close_frame_is_11(self):
        with RawServer(lambda client, head: None) as server:
            self.assert_code(11, "without a Close frame", server.url, "--no-close-on-eof")

    def test_a_code_of_the_server_is_12(self):
        def policy(client, _):
            client.sendall(close_frame(1008, b"no \x1b[2J"))
            client.recv(100)

        with RawServer(policy) as server:
            self.assert_code(12, "the server closed: 1008 no \\x1b[2J", server.url,
                             "--no-close-on-eof")

    def test_a_peaceful_end_is_0(self):
        for code in (1000, 1001):
            with RawServer(lambda client, head, code=code: (client.sendall(close_frame(code)),
                                                            client.recv(100))) as server:
                result = run("connect", server.url, "--no-close-on-eof")
                self.assertEqual((result.returncode, result.stderr), (0, b""))

    def test_a_second_interrupt_leaves_at_once_with_130(self):
        def deaf(client, _):
            while client.recv(100):
                pass

        with RawServer(deaf) as server:
            process = subprocess.Popen([PROGRAM, "connect", server.url, "-v"], env=CLEAN,
                                       stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            with process:
                for mark in ("* connected to", "> close frame"):
                    while mark not in process.stderr.readline():
                        pass
                    process.send_signal(signal.SIGINT)
                process.stdin.close()
            self.assertEqual(process.returncode, 130)


class AtATerminal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = WalkieServer()
        cls.addClassCleanup(cls.server.__exit__)

    def session(self, url=None, *options, **variables):
        terminal = Terminal("connect", url or self.server.url + "echo", *options, **variables)
        self.addCleanup(terminal.__exit__)
        return terminal

    def connected(self, *arguments, **variables):
        terminal = self.session(*arguments, **variables)
        terminal.expect("connected to")
        return terminal

    def test_what_is_typed_is_sent_and_what_arrives_is_shown(self):
        terminal = self.connected()
        terminal.type("hi th\u00e9re\r")
        terminal.expect("^> hi th\u00e9re\n\\d\\d:\\d\\d:\\d\\d < hi th\u00e9re\n>$")
        terminal.type('{"a":[1,2]}\r')
        terminal.expect(r'< \{"a": \[1, 2\]\}$')
        terminal.type("\x04")
        terminal.expect(r"\* closed: 1000$")
        self.assertEqual(terminal.end(), 0)

    def test_what_arrives_does_not_tear_the_line_that_is_edited(self):
        release = asyncio.Event()
        texts = []

        async def talker(connection):
            await release.wait()
            for number in range(5):
                await connection.send(f"message {number}")
            async for message in connection:
                texts.append(message)

        with PythonServer(talker) as server:
            terminal = self.connected(server.url, columns=40)
            half = "a line of more than forty columns with \u65e5\u672c in it"
            terminal.type(half)
            terminal.expect("in it$")
            terminal.type("\x01")  # to the start: the cursor stands a row above the end
            server.loop.call_soon_threadsafe(release.set)
            terminal.expect("message 4\n> a line of more than forty columns")
            terminal.expect("message 0\n.*message 1\n.*message 2\n.*message 3\n")
            terminal.type("X\r")
            until(lambda: terminal.read() and texts, "the message")
            self.assertEqual(texts, ["X" + half])
            shown = terminal.text().replace("\n", "")
            self.assertEqual(shown.count("a line of"), 1)
            terminal.type("/quit\r")
            self.assertEqual(terminal.end(), 0)

    def test_commands(self):
        terminal = self.connected()
        terminal.type("/binary 48 69 00\r")
        terminal.expect(r"< binary, 3 bytes\n00000000  48 69 00 .*\|Hi\.\|$")
        terminal.type("/ping x\r")
        terminal.expect(r'\* pong "x" after \d+\.\d ms$')
        terminal.type("//slash\r")
        terminal.expect("< /slash$")
        terminal.type("/clsoe\r")
        terminal.expect("did you mean /close\\?")
        terminal.type("/help\r")
        terminal.expect(r"^/send FILE ")
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"from a file")
            file.flush()
            terminal.type(f"/send {file.name}\r")
            terminal.expect("< from a file$")
        terminal.type("/send /nonexistent\r")
        terminal.expect("/nonexistent: No such file")
        terminal.type("/close 4001 see you\r")
        self.assertEqual(terminal.end(), 0)
        self.assertIn("closed: 4001", terminal.text())

    def test_escape_sequences_of_the_peer_are_shown(self):
        terminal = self.connected()
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"\x1b[2J\x1b]0;title\x07\xc2\x9b31m")
            file.flush()
            terminal.type(f"/send {file.name}\r")
            terminal.expect(r"< \\x1b\[2J\\x1b\]0;title\\x07\\u009b31m$")
        self.assertNotIn(b"\x1b]0;", terminal.raw)

    def test_a_paste_of_several_lines_is_one_message(self):
        terminal = self.connected()
        terminal.type("\x1b[200~one\rtwo\n\x1b[201~")
        terminal.expect("^> one\ntwo$")
        terminal.type("\r")
        terminal.expect("< one\ntwo$")

    def test_history_is_kept_between_sessions_and_searched(self):
        with tempfile.TemporaryDirectory() as folder:
            first = self.connected(XDG_STATE_HOME=folder)
            first.type("remember me\r secret\r/quit\r")
            self.assertEqual(first.end(), 0)
            kept = Path(folder, "walkie/connect_history")
            self.assertEqual(kept.stat().st_mode & 0o777, 0o600)
            second = self.connected(XDG_STATE_HOME=folder)
            second.type("\x1b[A\x1b[A")
            second.expect("^> remember me$")
            second.type("\x05!\r")
            second.expect("< remember me!$")
            second.type("\x12remem")
            second.expect("bck:remem")
            second.type("\r")
            second.expect("< remember me!$")
            second.type("/quit\r")
            self.assertEqual(second.end(), 0)
            self.assertNotIn("secret", kept.read_text())

    def test_no_history_keeps_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            terminal = self.connected(None, "--no-history", XDG_STATE_HOME=folder)
            terminal.type("hi\r/quit\r")
            self.assertEqual(terminal.end(), 0)
            self.assertEqual(os.listdir(folder), [])

    def test_keys_edit_the_line(self):
        terminal = self.connected()
        terminal.type("wrong\x15one three\x17two\x01\x1b[C\x1b[D>\x1b[3~\x05!\x1b[D\x1b[D\x0b\r")
        terminal.expect("< >ne tw$")

    def test_a_resized_terminal_is_drawn_anew(self):
        terminal = self.connected()
        terminal.type("a line of some length")
        terminal.expect("some length$")
        terminal.resize(60, 24)
        os.kill(terminal.pid, signal.SIGWINCH)
        terminal.type(" more\r")
        terminal.expect("< a line of some length more$")

    def test_ctrl_c_closes_politely(self):
        terminal = self.connected()
        terminal.type("half a line\x03")
        terminal.expect(r"\* closed: 1000$")
        self.assertEqual(terminal.end(), 0)

    def test_ctrl_z_stops_it_until_it_goes_on(self):
        terminal = self.connected()
        terminal.type("half")
        terminal.expect("> half$")
        terminal.type("\x1a")
        until(lambda: terminal.read() and b"(walkie) T" in self.status(terminal), "the stop")
        os.kill(terminal.pid, signal.SIGCONT)
        terminal.type(" whole\r")
        terminal.expect("< half whole$")

    @staticmethod
    def status(terminal):
        return Path(f"/proc/{terminal.pid}/stat").read_bytes()

    def test_colours_go_where_they_are_not_wanted_nowhere(self):
        coloured = self.connected()
        coloured.type("x\r")
        coloured.expect("< x$")
        self.assertIn(b"\x1b[32m<\x1b[0m", coloured.raw)
        plain = self.connected(NO_COLOR="1")
        plain.type("x\r")
        plain.expect("< x$")
        self.assertNotIn(b"\x1b[32m", plain.raw)

    def test_a_dumb_terminal_gets_plain_lines(self):
        terminal = self.connected(TERM="dumb")
        terminal.type("x\n")
        terminal.expect("< x$")
        terminal.type("/quit\n")
        self.assertEqual(terminal.end(), 0)
        self.assertNotIn(b"\x1b", terminal.raw)

    def test_a_failure_is_one_line_and_leaves_the_terminal_as_it_was(self):
        terminal = self.session(self.server.url + "nowhere", "-q")
        self.assertEqual(terminal.end(), 7)
        self.assertTrue(terminal.lines()[0].startswith("walkie: "), terminal.text())
        self.assertTrue(terminal.raw.count(b"\x1b[?2004l") == 1)

    def test_it_says_when_it_tries_again(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        terminal = self.session(f"ws://127.0.0.1:{port}/", "--reconnect", "--reconnect-attempts=2",
                                columns=120)
        terminal.expect(r"refused; trying again in \S+ \(attempt 2\)")
        self.assertEqual(terminal.end(), 4)


if __name__ == "__main__":
    unittest.main()
