#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Each kind of bad input against a running server: one connection ends, with the right code or
status on the wire and a log line that says why; the others notice nothing, memory stays bounded.

usage: tests/clients/bad_input.py PROGRAM
"""

import json
import os
import socket
import struct
import sys
import time
import zlib

from harness import PATIENCE_S, RawClient, Server, frame, run, wait_for

UPGRADE = "Upgrade: websocket\r\nConnection: Upgrade\r\n"
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9
LOGGING = ["--log-level", "debug", "--log-format", "json"]
SERVER = None


def raw_deflate(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


def log_lines():
    return [json.loads(line) for line in SERVER.output.splitlines() if line.startswith("{")]


def logged_since(count, **expected):
    """A line after the first `count` that has these fields (a prefix of their values)."""

    def look():
        return any(
            all(str(line.get(key, "")).startswith(value) for key, value in expected.items())
            for line in log_lines()[count:]
        )

    wait_for(look, f"log line with {expected}")


def with_server(*options):
    """Decorates a test that needs a server of its own."""

    def decorate(test):
        def decorated():
            global SERVER
            shared = SERVER
            try:
                with Server(sys.argv[1], *LOGGING, *options) as SERVER:
                    test()
            finally:
                SERVER = shared

        return decorated

    return decorate


def fails_with(code, clause, *sent, fields="", path="/echo"):
    """A test: these bytes end their connection with `code`; the log names `clause`."""

    def test():
        with RawClient(SERVER.port) as bystander, RawClient(SERVER.port) as client:
            bystander.upgrade()
            client.upgrade(path, fields)
            count = len(log_lines())
            for data in sent:
                client.send(data)
            assert client.read_close() == code
            assert client.at_end(), "no clean end of the transport behind the Close frame"
            logged_since(count, event="websocket ended", code=str(code), clause=clause)
            bystander.send(frame(TEXT, b"still here"))
            assert bystander.read_frame() == (0x81, b"still here")

    return test


def refused_with(status, clause, request):
    """A test: this request is answered with `status` and the connection ends."""

    def test():
        with RawClient(SERVER.port) as client:
            count = len(log_lines())
            client.send(request)
            head = client.read_head()
            assert head.startswith(b"HTTP/1.1 %d " % status), head
            logged_since(count, status=str(status), clause=clause)

    return test


def binary_in_a_text_room():
    with RawClient(SERVER.port) as client:
        client.upgrade("/chat/text-only")
        count = len(log_lines())
        client.send(frame(BINARY, b"x"))
        assert client.read_close() == 1003
        client.send(frame(CLOSE, struct.pack(">H", 1003)))
        assert client.at_end()
        logged_since(count, event="websocket ended", code="1003")


def a_million_empty_fragments():
    before = SERVER.private_bytes()
    with RawClient(SERVER.port) as client:
        client.upgrade("/chat/fragments")
        client.send(frame(TEXT, fin=False))
        block = frame(0, fin=False) * 10_000
        count = len(log_lines())
        for _ in range(100):
            client.send(block)
        assert client.read_close() == 1008
        logged_since(count, event="websocket ended", code="1008", clause="RFC 6455 §10.4")
    assert SERVER.private_bytes() - before < 8 << 20


def a_bomb():
    before = SERVER.private_bytes()
    with RawClient(SERVER.port) as client:
        client.upgrade("/chat/bomb", DEFLATE)
        count = len(log_lines())
        client.send(frame(TEXT, raw_deflate(b"x" * 50_000_000), rsv=4))
        assert client.read_close() == 1009
        logged_since(count, event="websocket ended", code="1009", clause="RFC 6455 §10.4")
    assert SERVER.private_bytes() - before < 8 << 20


def a_declared_giant_costs_nothing():
    before = SERVER.private_bytes()
    clients = [RawClient(SERVER.port).upgrade() for _ in range(50)]
    for client in clients:  # 60 MiB each, of which 100 bytes come
        client.send(b"\x82\xff" + struct.pack(">Q", 60 << 20) + bytes(4) + bytes(100))
    time.sleep(0.3)
    assert SERVER.private_bytes() - before < 8 << 20
    for client in clients:
        client.socket.close()


def a_reader_that_never_reads():
    """Asks for an echo of more than any buffer holds: the server stops reading from it."""
    before = SERVER.private_bytes()
    with RawClient(SERVER.port) as client:
        client.upgrade()
        client.socket.settimeout(0.5)
        block = frame(BINARY, bytes(1 << 20))
        sent = 0
        try:
            for _ in range(200):
                client.socket.sendall(block)
                sent += 1
        except socket.timeout:
            pass
        assert sent < 100, "the server took everything"
        assert SERVER.private_bytes() - before < 64 << 20


def a_chat_member_that_never_reads_gets_1013():
    with RawClient(SERVER.port) as lazy, RawClient(SERVER.port) as busy:
        lazy.upgrade("/chat/lazy")
        busy.upgrade("/chat/lazy")
        count = len(log_lines())
        message = frame(TEXT, b"x" * 60_000)
        for _ in range(2000):  # 120 MB: more than the queue and the kernel's buffers
            busy.send(message)
            assert busy.read_frame()[0] == 0x81
            if any(line.get("code") == "1013" for line in log_lines()[count:]):
                break
        logged_since(count, event="websocket ended", code="1013", clause="RFC 6455 §7.4.2")
        assert lazy.read_close() == 1013


@with_server("--handshake-timeout", "1s")
def slowloris_in_the_handshake():
    with RawClient(SERVER.port) as client:
        count = len(log_lines())
        for byte in b"GET /echo HTTP/1.1\r\nHost: a\r\n":
            client.send(bytes([byte]))
            time.sleep(0.05)
        head = client.read_head()
        assert head.startswith(b"HTTP/1.1 408 "), head
        logged_since(count, status="408", clause="RFC 9110 §15.5.9")


@with_server("--message-timeout", "2s")
def slowloris_in_a_frame():
    with RawClient(SERVER.port) as client:
        client.upgrade()
        count = len(log_lines())
        client.socket.settimeout(0.1)
        data = frame(BINARY, bytes(1000))
        for at in range(len(data)):
            client.send(data[at : at + 1])
            try:
                if client._more():
                    break
            except socket.timeout:
                pass
        client.socket.settimeout(PATIENCE_S)
        assert client.read_close() == 1008
        logged_since(count, event="websocket ended", code="1008", clause="RFC 6455 §7.4.1")


@with_server("--ping-interval", "1s", "--pong-timeout", "1s")
def a_half_open_connection():
    """A peer that vanished says nothing any more, not even Pong."""
    with RawClient(SERVER.port) as client:
        client.upgrade()
        count = len(log_lines())
        logged_since(count, event="websocket ended", code="1006", clause="RFC 6455 §5.5.2")


def invalid_utf8_is_refused_before_the_message_is_complete():
    with RawClient(SERVER.port) as client:
        client.upgrade()
        client.send(frame(TEXT, b"\xce\xba\xe1\xbd\xb9", fin=False))
        client.send(frame(0, b"\xf4\x90", fin=False))  # above U+10FFFF, whatever follows
        assert client.read_close() == 1007


def split_invalid_utf8(at):
    data = frame(TEXT, b"ok \xce\xba\xed\xa0\x80 surrogate")
    return fails_with(1007, "RFC 6455 §8.1", data[:at], data[at:])


def request(line="GET /echo HTTP/1.1", host="Host: a\r\n", fields=""):
    return f"{line}\r\n{host}{fields}\r\n".encode("latin-1")


def main():
    global SERVER
    tests = [
        ("unmasked frame", fails_with(1002, "RFC 6455 §5.1", frame(TEXT, b"hi", masked=False))),
        ("reserved bit 1 without extension", fails_with(1002, "RFC", frame(TEXT, b"hi", rsv=4))),
        ("reserved bit 2", fails_with(1002, "RFC 6455 §5.2", frame(TEXT, b"hi", rsv=2))),
        (
            "reserved bit 3",
            fails_with(1002, "RFC 6455 §5.2", frame(TEXT, b"hi", rsv=1), fields=DEFLATE),
        ),
        *[
            (f"unknown opcode {opcode:#x}", fails_with(1002, "RFC 6455 §5.2", frame(opcode, b"")))
            for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
        ],
        (
            "16-bit length that is not minimal",
            fails_with(1002, "RFC 6455 §5.2", b"\x82\xfe\x00\x7d" + bytes(4 + 125)),
        ),
        (
            "64-bit length that is not minimal",
            fails_with(1002, "RFC 6455 §5.2", b"\x82\xff" + struct.pack(">Q", 65535) + bytes(4)),
        ),
        (
            "64-bit length with the top bit",
            fails_with(
                1002, "RFC 6455 §5.2", b"\x82\xff" + struct.pack(">Q", 1 << 63) + bytes(4)
            ),
        ),
        ("ping of 126 bytes", fails_with(1002, "RFC 6455 §5.5", frame(PING, bytes(126)))),
        ("fragmented ping", fails_with(1002, "RFC 6455 §5", frame(PING, b"", fin=False))),
        ("continuation without a start", fails_with(1002, "RFC 6455 §5.4", frame(0, b"x"))),
        (
            "new message inside a fragmented one",
            fails_with(1002, "RFC 6455 §5.4", frame(TEXT, b"a", fin=False), frame(TEXT, b"b")),
        ),
        ("invalid UTF-8 in one frame", fails_with(1007, "RFC 6455 §8.1", frame(TEXT, b"\xff"))),
        (
            "text that ends inside a character",
            fails_with(1007, "RFC 6455 §8.1", frame(TEXT, b"\xce")),
        ),
        ("invalid UTF-8 fails fast", invalid_utf8_is_refused_before_the_message_is_complete),
        *[(f"invalid UTF-8 split at byte {at}", split_invalid_utf8(at)) for at in range(1, 25)],
        *[
            (
                f"close code {code}",
                fails_with(1002, "RFC 6455 §7.4", frame(CLOSE, struct.pack(">H", code))),
            )
            for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
        ],
        ("close payload of one byte", fails_with(1002, "RFC 6455 §5.5.1", frame(CLOSE, b"\x03"))),
        (
            "close reason that is not UTF-8",
            fails_with(1007, "RFC 6455", frame(CLOSE, b"\x03\xe8\xff\xfe")),
        ),
        (
            "message above the limit, by its header",
            fails_with(
                1009, "RFC 6455 §10.4", b"\x82\xff" + struct.pack(">Q", 65 << 20) + bytes(4)
            ),
        ),
        ("binary where only text is taken", binary_in_a_text_room),
        (
            "corrupt deflate data",
            fails_with(1007, "RFC 7692", frame(TEXT, b"\xff\xff\xff\xff", rsv=4), fields=DEFLATE),
        ),
        (
            "truncated deflate data",
            fails_with(
                1007,
                "RFC 7692",
                frame(TEXT, raw_deflate(os.urandom(500).hex().encode())[:200], rsv=4),
                fields=DEFLATE,
            ),
        ),
        ("a compression bomb", a_bomb),
        ("a million empty fragments", a_million_empty_fragments),
        ("a declared giant costs nothing", a_declared_giant_costs_nothing),
        ("a reader that never reads", a_reader_that_never_reads),
        ("a chat member that never reads gets 1013", a_chat_member_that_never_reads_gets_1013),
        ("slowloris in the handshake", slowloris_in_the_handshake),
        ("slowloris in a frame", slowloris_in_a_frame),
        ("a half-open connection", a_half_open_connection),
        ("garbage", refused_with(400, "RFC 9112 §3", b"\x00\x01garbage\r\n\r\n")),
        (
            "TLS ClientHello on a plain port",
            refused_with(400, "RFC 9112 §3", bytes.fromhex("16030100f8010000f40303") + bytes(200)),
        ),
        ("bare LF", refused_with(400, "RFC 9112", b"GET / HTTP/1.1\nHost: a\n\n")),
        ("obs-fold", refused_with(400, "RFC 9112 §5.2", request(fields="X: a\r\n b\r\n"))),
        ("space before colon", refused_with(400, "RFC 9112 §5.1", request(fields="X : a\r\n"))),
        ("control byte in a field", refused_with(400, "RFC", request(fields="X: a\x01b\r\n"))),
        ("absent Host", refused_with(400, "RFC 9112 §3.2", request(host=""))),
        ("double Host", refused_with(400, "RFC 9112 §3.2", request(fields="Host: b\r\n"))),
        (
            "duplicate Content-Length",
            refused_with(
                400, "RFC 9112 §6.3", request(fields="Content-Length: 1\r\nContent-Length: 2\r\n")
            ),
        ),
        (
            "Transfer-Encoding with Content-Length",
            refused_with(
                400,
                "RFC 9112 §6",
                request(fields="Transfer-Encoding: chunked\r\nContent-Length: 1\r\n"),
            ),
        ),
        (
            "head too large",
            refused_with(431, "RFC 6585 §5", request(fields="X: " + "x" * 20_000 + "\r\n")),
        ),
        (
            "upgrade without a key",
            refused_with(
                400,
                "RFC 6455 §4.2.1",
                request(
                    fields=f"{UPGRADE}Sec-WebSocket-Version: 13\r\n"
                ),
            ),
        ),
        (
            "upgrade with a short key",
            refused_with(
                400,
                "RFC 6455 §4.2.1",
                request(
                    fields=f"{UPGRADE}Sec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: c2hvcnQ=\r\n"
                ),
            ),
        ),
        (
            "upgrade of another version",
            refused_with(
                426,
                "RFC 6455",
                request(
                    fields=f"{UPGRADE}"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n"
                ),
            ),
        ),
        (
            "a foreign Origin",
            refused_with(
                403,
                "RFC 6455 §10.2",
                request(
                    fields=f"{UPGRADE}Origin: http://evil.example\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                ),
            ),
        ),
    ]
    with Server(sys.argv[1], *LOGGING) as SERVER:
        run(tests)


main()
