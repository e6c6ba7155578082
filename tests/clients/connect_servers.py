#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`walkie connect` against servers that others wrote: Node's ws, Python's websockets, nginx and
haproxy that end TLS in front of both and of walkie, and openssl s_server, which is none.

usage: tests/clients/connect_servers.py PROGRAM
"""

import asyncio
import base64
import json
import logging
import random
import ssl
import subprocess
import threading

import websockets
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

from authority import Authority
from connect import (
    CLOSED, OK, PROGRAM, PROTOCOL, REJECTED, TIMEOUT, TLS, ABNORMAL,
    Listening, NodeServer, Run, echoes,
)
from harness import Server, free_port, run, scratch_folder

SIZES = (1, 63, 64, 125, 126, 127, 65535, 65536, 1 << 20, 5_000_000)
FOLDER = ROOT = LEAF = None  # set by main()


# -- Node's ws --

DEFLATES = {
    "without extensions": False,
    "with permessage-deflate": {"threshold": 0},
    "without context takeover": {
        "threshold": 0, "serverNoContextTakeover": True, "clientNoContextTakeover": True,
    },
    "with windows of 10 and 9 bits": {
        "threshold": 0, "serverMaxWindowBits": 10, "clientMaxWindowBits": 9,
    },
}


def node_echoes(deflate):
    def test():
        with NodeServer(perMessageDeflate=deflate) as server:
            for path in ("/echo", "/fragments"):
                opened = echoes(server.url(path), sizes=SIZES).opened
                assert opened["compressed"] == bool(deflate)
            assert not echoes(server.url(), "--no-compression").opened["compressed"]

    return test


def node_binary(server):
    blobs = [random.Random(size).randbytes(size) for size in (1, 125, 126, 65536, 1 << 20)]
    lines = [base64.b64encode(blob).decode() for blob in blobs]
    for path in ("/echo", "/fragments"):
        got = Run(server.url(path), "--base64", "-n", str(len(lines)), lines=lines).expect(OK)
        assert [event["base64"] for event in got.all("message")] == lines


def node_close_codes(server):
    for code, exit_code in ((1000, OK), (1001, OK), (1008, CLOSED), (1011, CLOSED),
                            (3000, CLOSED), (4999, CLOSED)):
        got = Run(server.url(f"/close/{code}/so%20be%20it"), lines=["go"])
        got.expect(exit_code, *([f"{code} so be it"] if exit_code else []))
        (close,) = got.all("close")
        assert (close["code"], close["reason"], close["clean"]) == (code, "so be it", True), close
    (close,) = Run(server.url("/close"), lines=["go"]).expect(OK).all("close")
    assert close["code"] == 1005, close
    Run(server.url("/terminate"), lines=["go"]).expect(ABNORMAL, "without a Close frame")


def node_pings(server):
    payloads = ["", "x", "y" * 125]
    got = Run(server.url("/ping"), "-n", "3", lines=payloads).expect(OK)
    assert got.texts == [f"pong {payload}" for payload in payloads], got.texts
    got = Run(server.url(), "-v", "--ping-interval", "100ms", "--wait", "500ms").expect(OK)
    pings = [line for line in got.error.splitlines() if "pong" in line.lower()]
    assert len(pings) >= 2, got.error


def node_headers(server):
    got = Run(server.url("/headers"), "-1", "-H", "X-One: 1", "--cookie", "a=1; b=2", "--auth",
              "ann:secret", "--origin", "https://page.example").expect(OK)
    headers = json.loads(got.texts[0])
    assert headers["x-one"] == "1" and headers["cookie"] == "a=1; b=2"
    assert headers["origin"] == "https://page.example"
    assert headers["authorization"] == "Basic " + base64.b64encode(b"ann:secret").decode()
    assert headers["host"] == f"127.0.0.1:{server.port}"


def node_too_big(server):
    with NodeServer(maxPayload=1000) as strict:
        Run(strict.url(), lines=["x" * 5000]).expect(CLOSED, "1009")
    limit = ["--max-message", "1MiB", "--one"]
    Run(server.url(f"/big/{1 << 20}"), *limit).expect(OK)
    Run(server.url(f"/big/{(1 << 20) + 1}"), *limit).expect(PROTOCOL, "1009", "the limit")


def node_refuses(_):
    with NodeServer(path="/only") as strict:
        Run(strict.url("/elsewhere")).expect(REJECTED, "400")


def node_tls():
    with NodeServer(cert=str(LEAF.file), key=str(LEAF.key), perMessageDeflate=True) as server:
        for host in ("localhost", "127.0.0.1"):
            got = echoes(server.url(scheme="wss", host=host), "--cacert", ROOT.file, sizes=SIZES)
            assert got.opened["tls"].startswith("TLSv1.3 "), got.opened
        Run(server.url(scheme="wss")).expect(TLS, "unknown authority")


# -- Python's websockets --

class PythonServer:
    """websockets on a thread of its own; `handler` is a coroutine of one connection."""

    def __init__(self, handler, tls=None, **options):
        self.handler, self.tls, self.options = handler, tls, options
        self.ready = threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=lambda: asyncio.run(self.serve()))
        self.thread.start()
        assert self.ready.wait(20)
        return self

    async def serve(self):
        self.loop, self.stop = asyncio.get_running_loop(), asyncio.Event()
        async with websockets.serve(
            self.handler, "127.0.0.1", 0, max_size=None, ssl=self.tls, **self.options
        ) as server:
            self.port = server.sockets[0].getsockname()[1]
            self.ready.set()
            await self.stop.wait()

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join()

    def url(self, scheme="ws", host="127.0.0.1"):
        return f"{scheme}://{host}:{self.port}/"


async def echo(socket):
    async for message in socket:
        await socket.send(message)


async def echo_in_pieces(socket):
    async for message in socket:
        step = max(1, len(message) // 1000)
        await socket.send([message[at:at + step] for at in range(0, len(message), step)])


def python_echoes(**deflate):
    def test():
        options = {"compression": None}
        if deflate:
            options["extensions"] = [ServerPerMessageDeflateFactory(**deflate)]
        for handler in (echo, echo_in_pieces):
            with PythonServer(handler, **options) as server:
                assert echoes(server.url()).opened["compressed"] == bool(deflate)

    return test


def python_subprotocol():
    with PythonServer(echo, subprotocols=["v2.chat", "v1.chat"]) as server:
        got = Run(server.url(), "-1", "-s", "v0.chat", "-s", "v1.chat", lines=["hi"]).expect(OK)
        assert got.opened["subprotocol"] == "v1.chat"
        assert echoes(server.url(), "-s", "none.of.these").opened["subprotocol"] == ""


def python_close():
    async def closes(socket):
        await socket.close(int(await socket.recv()), "ünïcödé")

    with PythonServer(closes) as server:
        Run(server.url(), lines=["1000"]).expect(OK)
        Run(server.url(), lines=["1012"]).expect(CLOSED, "1012 ünïcödé")


def python_failure():
    logging.getLogger("websockets.server").setLevel(logging.CRITICAL)

    async def fails(socket):
        await socket.recv()
        raise RuntimeError("of the handler")

    with PythonServer(fails) as server:
        Run(server.url(), lines=["go"]).expect(CLOSED, "1011")


def python_tls():
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(LEAF.file, LEAF.key)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        tls.minimum_version, tls.maximum_version = ssl.TLSVersion.TLSv1_2, version
        with PythonServer(echo, tls) as server:
            opened = echoes(server.url("wss"), "--cacert", ROOT.file).opened
            assert opened["tls"].startswith(version.name.replace("_", ".")), opened


def python_client_certificate():
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(LEAF.file, LEAF.key)
    tls.load_verify_locations(ROOT.file)
    tls.verify_mode = ssl.CERT_REQUIRED
    mine = ROOT.issue("ann", san="")
    with PythonServer(echo, tls) as server:
        url = server.url("wss")
        echoes(url, "--cacert", ROOT.file, "--cert", mine.file, "--key", mine.key)
        # asyncio closes without the alert that would say why.
        Run(url, "--cacert", ROOT.file).expect(ABNORMAL, "ended before the answer")


# -- TLS that ends in front of the server --

NGINX = """
daemon off; pid {folder}/nginx.pid; error_log stderr; worker_processes 1;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate {cert}; ssl_certificate_key {key};
    {more}
    location / {{
      proxy_pass http://127.0.0.1:{backend};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
      proxy_set_header Host $http_host;
    }}
  }}
}}
"""

HAPROXY = """
global
  maxconn 512
defaults
  mode http
  timeout connect 2s
  timeout client 20s
  timeout server 20s
frontend web
  bind 127.0.0.1:{port} ssl crt {both} alpn h2,http/1.1 {more}
  default_backend behind
backend behind
  server one 127.0.0.1:{backend}
"""


def tls_in_front(name, backend, more=""):
    port = free_port()
    path = FOLDER / f"{name}.conf"
    template = {"nginx": NGINX, "haproxy": HAPROXY}[name]
    both = FOLDER / "both.pem"
    both.write_text(LEAF.file.read_text() + LEAF.key.read_text())
    path.write_text(template.format(folder=FOLDER, port=port, backend=backend, cert=LEAF.file,
                                    key=LEAF.key, both=both, more=more))
    command = {"nginx": ["/usr/sbin/nginx", "-p", FOLDER, "-c", path],
               "haproxy": ["/usr/sbin/haproxy", "-f", path]}[name]
    return Listening(command, port)


def behind_tls(name):
    def test():
        with Server(PROGRAM) as walkie, NodeServer(perMessageDeflate=True) as node:
            for backend in (walkie, node):
                with tls_in_front(name, backend.port) as front:
                    url = f"wss://localhost:{front.port}/echo"
                    opened = echoes(url, "--cacert", ROOT.file, sizes=SIZES).opened
                    assert opened["compressed"] and opened["tls"].startswith("TLSv1.3")
                    Run(url).expect(TLS, "unknown authority")
                    Run(f"ws://localhost:{front.port}/echo").expect(
                        {"nginx": REJECTED, "haproxy": ABNORMAL}[name], "use wss://")

    return test


def nginx_client_certificate():
    mine = ROOT.issue("bob", san="")
    more = f"ssl_client_certificate {ROOT.file}; ssl_verify_client on;"
    with NodeServer() as node, tls_in_front("nginx", node.port, more) as front:
        url = f"wss://localhost:{front.port}/echo"
        echoes(url, "--cacert", ROOT.file, "--cert", mine.file, "--key", mine.key)
        Run(url, "--cacert", ROOT.file).expect(REJECTED, "400")


def nginx_without_backend():
    with tls_in_front("nginx", free_port()) as front:
        url = f"wss://localhost:{front.port}/echo"
        Run(url, "--cacert", ROOT.file).expect(REJECTED, "502", "no working server behind")


# -- what is no WebSocket server --

def s_server(*options):
    port = free_port()
    return Listening(["openssl", "s_server", "-accept", port, "-cert", LEAF.file, "-key", LEAF.key,
                      "-quiet", *options], port, stdin=subprocess.PIPE)


def s_server_page():
    with s_server("-www") as server:
        Run(f"wss://localhost:{server.port}/", "--cacert", ROOT.file).expect(
            REJECTED, "200", "ordinary HTTP")


def s_server_missing_file():
    with s_server("-WWW") as server:
        got = Run(f"wss://localhost:{server.port}/nothing-here", "--cacert", ROOT.file)
        assert got.code in (REJECTED, PROTOCOL), got.error


def s_server_that_reverses_lines():
    with s_server("-rev") as server:
        Run(f"wss://localhost:{server.port}/", "--cacert", ROOT.file).expect(
            PROTOCOL, "does not speak HTTP")


def s_server_that_says_nothing():
    with s_server() as server:
        Run(f"wss://localhost:{server.port}/", "--cacert", ROOT.file, "--connect-timeout",
            "500ms").expect(TIMEOUT, "500 ms")


def s_server_that_wants_a_certificate():
    mine = ROOT.issue("eve", san="")
    for version in ("-tls1_2", "-tls1_3"):
        with s_server("-www", "-Verify", "1", "-CAfile", ROOT.file, version) as server:
            url = f"wss://localhost:{server.port}/"
            Run(url, "--cacert", ROOT.file).expect(TLS, "refused with alert")
            Run(url, "--cacert", ROOT.file, "--cert", mine.file, "--key", mine.key).expect(
                REJECTED, "200")


def s_server_met_in_plain():
    with s_server("-www") as server:
        got = Run(f"ws://localhost:{server.port}/")
        assert got.code in (PROTOCOL, ABNORMAL) and len(got.error.splitlines()) == 1, got.error


def plain_server_met_with_tls():
    with NodeServer() as server:
        Run(server.url(scheme="wss")).expect(TLS, "does not speak TLS")


def main():
    global FOLDER, ROOT, LEAF
    with scratch_folder() as folder:
        ROOT = Authority(folder, "Test Root")
        FOLDER, LEAF = ROOT.folder, ROOT.issue("localhost")
        with NodeServer() as node:
            shared = {
                "Node's ws: binary messages": node_binary,
                "Node's ws: its close codes become exit codes": node_close_codes,
                "Node's ws: Pings both ways": node_pings,
                "Node's ws: headers arrive": node_headers,
                "Node's ws: messages beyond a limit": node_too_big,
                "Node's ws: a path that it does not serve": node_refuses,
            }
            run(
                [(f"Node's ws echoes whole and in pieces {name}", node_echoes(deflate))
                 for name, deflate in DEFLATES.items()]
                + [(name, lambda test=test: test(node)) for name, test in shared.items()]
                + [
                    ("Node's ws over TLS, by name and by address", node_tls),
                    ("Python's websockets, plain", python_echoes()),
                    ("Python's websockets, compressed",
                     python_echoes(server_max_window_bits=15)),
                    ("Python's websockets without context takeover",
                     python_echoes(server_no_context_takeover=True,
                                   client_no_context_takeover=True)),
                    ("Python's websockets with small windows",
                     python_echoes(server_max_window_bits=9, client_max_window_bits=10)),
                    ("Python's websockets: subprotocols", python_subprotocol),
                    ("Python's websockets: close codes and reasons", python_close),
                    ("Python's websockets: a handler that fails is 1011", python_failure),
                    ("Python's websockets over TLS 1.2 and 1.3", python_tls),
                    ("Python's websockets: client certificates", python_client_certificate),
                    ("nginx ends TLS in front of walkie and of ws", behind_tls("nginx")),
                    ("haproxy ends TLS in front of walkie and of ws", behind_tls("haproxy")),
                    ("nginx demands a client certificate", nginx_client_certificate),
                    ("nginx without a server behind it", nginx_without_backend),
                    ("openssl s_server -www is a page, no WebSocket", s_server_page),
                    ("openssl s_server -WWW has no such file", s_server_missing_file),
                    ("openssl s_server -rev speaks no HTTP", s_server_that_reverses_lines),
                    ("openssl s_server says nothing", s_server_that_says_nothing),
                    ("openssl s_server wants a client certificate",
                     s_server_that_wants_a_certificate),
                    ("openssl s_server met without TLS", s_server_met_in_plain),
                    ("a plain server met with TLS", plain_server_met_with_tls),
                ]
            )


main()
