#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""OpenSSL's s_client, curl, and Python's ssl and websockets against `walkie serve` under TLS.

usage: tests/clients/tls_peers.py PROGRAM
"""

import asyncio
import os
import re
import select
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import websockets

from harness import RawClient, Server, free_port, run, scratch_folder, wait_for

FOLDER = None
PROGRAM = sys.argv[1]
EXTENSIONS = {
    "ca": "basicConstraints=critical,CA:TRUE",
    "server": "subjectAltName=DNS:localhost,IP:127.0.0.1",
    "renewed": "subjectAltName=DNS:localhost,IP:127.0.0.1",
    "wild": "subjectAltName=DNS:*.wild.example",
    "alice": "extendedKeyUsage=clientAuth",
}


def path(name):
    return str(FOLDER / name)


def openssl(*words, stdin=b"", check=True, **options):
    done = subprocess.run(["openssl", *words], input=stdin, capture_output=True, timeout=30,
                          check=False, **options)
    assert not check or done.returncode == 0, done.stderr.decode()
    return (done.stdout + done.stderr).decode(errors="replace")


def issue(name, days="30"):
    """NAME.pem and NAME.key, by our authority; the authority itself by itself."""
    authority = [] if name == "ca" else ["-CA", path("ca.pem"), "-CAkey", path("ca.key"),
                                         "-CAcreateserial"]
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-out", path(f"{name}.key"))
    openssl("req", "-new", "-key", path(f"{name}.key"), "-subj", f"/O=Example/CN={name}",
            "-out", path(f"{name}.csr"))
    Path(path(f"{name}.ext")).write_text(EXTENSIONS[name])
    signed_by = authority or ["-signkey", path("ca.key")]
    openssl("x509", "-req", "-in", path(f"{name}.csr"), "-days", days, *signed_by,
            "-extfile", path(f"{name}.ext"), "-out", path(f"{name}.pem"))


def staple(name):
    """NAME.der: our authority says that NAME is good."""
    serial = openssl("x509", "-in", path(f"{name}.pem"), "-noout", "-serial").strip().split("=")[1]
    Path(path("index")).write_text(f"V\t491231235959Z\t\t{serial}\tunknown\t/CN={name}\n")
    openssl("ocsp", "-issuer", path("ca.pem"), "-cert", path(f"{name}.pem"),
            "-reqout", path("request.der"))
    openssl("ocsp", "-index", path("index"), "-rsigner", path("ca.pem"), "-rkey", path("ca.key"),
            "-CA", path("ca.pem"), "-reqin", path("request.der"), "-ndays", "1",
            "-respout", path(f"{name}.der"))


def pair(name):
    return ["--tls-cert", path(f"{name}.pem"), "--tls-key", path(f"{name}.key")]


class SecureServer(Server):
    def __init__(self, *options, names=("server",)):
        pairs = [word for name in names for word in pair(name)]
        super().__init__(PROGRAM, *pairs, *options)

    def s_client(self, *words, stdin=b""):
        return openssl("s_client", "-connect", f"127.0.0.1:{self.port}", "-CAfile", path("ca.pem"),
                       *words, stdin=stdin, check=False)

    def metric(self, outcome):
        text = curl(self, "/metrics")
        found = re.search(rf'walkie_tls_handshakes_total{{outcome="{outcome}"}} (\d+)', text)
        return int(found[1]) if found else 0


def curl(server, target, *words):
    return subprocess.run(
        ["curl", "-sS", "--cacert", path("ca.pem"), *words,
         f"https://localhost:{server.port}{target}"],
        capture_output=True, text=True, timeout=30, check=False).stdout


def context(*, client=None):
    made = ssl.create_default_context(cafile=path("ca.pem"))
    if client:
        made.load_cert_chain(path(f"{client}.pem"), path(f"{client}.key"))
    return made


def versions_and_ciphers():
    with SecureServer() as server:
        for version, name in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")]:
            text = server.s_client(version, "-alpn", "http/1.1", "-servername", "localhost")
            assert f"New, {name}" in text and "Verify return code: 0 (ok)" in text, text
            assert "ALPN protocol: http/1.1" in text, text
            assert "Secure Renegotiation IS NOT supported" not in text or version == "-tls1_3"
            assert "Compression: NONE" in text, text
        for old in ["-tls1", "-tls1_1"]:
            text = server.s_client(old, "-cipher", "ALL:@SECLEVEL=0")
            assert "Cipher is (NONE)" in text and "alert protocol version" in text, text
        wait_for(lambda: server.output.count("kind=version") == 2, "log of old versions")


def only_strong_ciphers():
    everything = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"
    known = openssl("ciphers", "-tls1_2", "-s", everything).strip().split(":")
    assert len(known) > 60
    with SecureServer() as server:
        accepted = []
        for cipher in known:
            text = server.s_client("-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0")
            if "Cipher is (NONE)" not in text and f"Cipher is {cipher}" in text:
                accepted.append(cipher)
    assert sorted(accepted) == ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
                                "ECDHE-ECDSA-CHACHA20-POLY1305"], accepted


def no_renegotiation():
    with SecureServer() as server:
        text = server.s_client("-tls1_2", stdin=b"R\n")
        assert "no renegotiation" in text, text


def resumption():
    with SecureServer("--threads", "2") as server:
        for version in ["-tls1_2", "-tls1_3"]:
            session = path(f"session{version}")
            request = b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            words = [version, "-ign_eof", "-servername", "localhost"]
            assert "New, TLS" in server.s_client(*words, "-sess_out", session, stdin=request)
            for _ in range(3):
                text = server.s_client(*words, "-sess_in", session, stdin=request)
                assert "Reused, TLS" in text, text
        assert server.metric("resumed") == 6


def names():
    with SecureServer(names=("server", "wild")) as server:
        for asked, shown in [("localhost", "server"), ("a.wild.example", "wild"),
                             ("a.b.wild.example", "server"), ("other.example", "server")]:
            text = server.s_client("-servername", asked)
            assert f"subject=O = Example, CN = {shown}" in text, text
        assert "CN = server" in server.s_client("-noservername")


def ocsp():
    staple("server")
    with SecureServer("--tls-ocsp", path("server.der")) as server:
        text = server.s_client("-status")
        assert "OCSP Response Status: successful (0x0)" in text, text
        assert "Cert Status: good" in text, text
    with SecureServer() as server:
        assert "OCSP response: no response sent" in server.s_client("-status")


def client_certificates():
    ca = ["--tls-client-ca", path("ca.pem")]
    alice = ["--cert", path("alice.pem"), "--key", path("alice.key")]
    with SecureServer("--tls-client-certs", "required", *ca) as server:
        assert curl(server, "/health", *alice) == "ok\n"
        assert curl(server, "/health") == ""
        wait_for(lambda: "showed no certificate, which is required" in server.output, "log")
        assert "O = Example, CN = ca" in server.s_client(), "the authorities that it asks for"
    with SecureServer("--tls-client-certs", "optional", *ca) as server:
        assert curl(server, "/health", *alice) == "ok\n"
        assert curl(server, "/health") == "ok\n"


def oldest_version():
    with SecureServer("--tls-min", "1.3") as server:
        assert "Cipher is (NONE)" in server.s_client("-tls1_2")
        assert "New, TLSv1.3" in server.s_client("-tls1_3")


def key_log():
    log = path("keys.log")
    os.environ["SSLKEYLOGFILE"] = log
    try:
        with SecureServer() as server:
            del os.environ["SSLKEYLOGFILE"]  # curl would write to it as well
            assert curl(server, "/health") == "ok\n"
    finally:
        os.environ.pop("SSLKEYLOGFILE", None)
    lines = Path(log).read_text(encoding="ascii").splitlines()
    kinds = {line.split()[0] for line in lines}
    assert {"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"} <= kinds, kinds
    assert all(re.fullmatch(r"\w+ [0-9a-f]{64} [0-9a-f]{64,96}", line) for line in lines), lines
    assert os.stat(log).st_mode & 0o777 == 0o600


def plain_http():
    with SecureServer() as server, RawClient(server.port) as client:
        client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.read_head().startswith(b"HTTP/1.1 400 Bad Request")
        body = client.read(50)
        assert body == b"This port speaks TLS only: use https:// or wss://\n", body
        wait_for(lambda: "kind=plain_http" in server.output, "log")


def plain_and_secure():
    plain = free_port()
    with SecureServer("--listen", f"http://127.0.0.1:{plain}") as server:
        assert f"listening on https://127.0.0.1:{server.port} " in server.output
        assert f"listening on http://127.0.0.1:{plain} " in server.output
        assert curl(server, "/health") == "ok\n"
        with RawClient(plain) as client:
            client.upgrade()


def connect(server, **options):
    return websockets.connect(f"wss://localhost:{server.port}/echo", max_size=None,
                              ssl=context(), **options)


async def echo(server):
    for compression in [None, "deflate"]:
        async with connect(server, compression=compression) as client:
            for size in [0, 1, 125, 126, 16383, 16384, 16385, 65536, 1 << 20]:
                for message in ["x" * size, os.urandom(size)]:
                    await client.send(message)
                    assert await client.recv() == message
        assert client.close_code == 1000


def websockets_echo():
    with SecureServer() as server:
        asyncio.run(echo(server))


async def reload_under_load(server):
    async with connect(server) as old:
        shown = set()

        async def one(number):
            async with connect(server) as client:
                certificate = client.transport.get_extra_info("ssl_object").getpeercert()
                shown.add(dict(part[0] for part in certificate["subject"])["commonName"])
                for round_ in range(10):
                    await client.send(f"{number} {round_}")
                    assert await client.recv() == f"{number} {round_}"

        for turn in range(10):
            await asyncio.gather(*(one(number) for number in range(20)))
            if turn == 3:
                for suffix in ["key", "pem"]:
                    os.replace(path(f"renewed.{suffix}"), path(f"live.{suffix}"))
                server.process.send_signal(signal.SIGHUP)
        await old.send("still here")
        assert await old.recv() == "still here"
        assert shown == {"server", "renewed"}, shown


def hot_reload():
    issue("renewed")
    for suffix in ["key", "pem"]:
        Path(path(f"live.{suffix}")).write_bytes(Path(path(f"server.{suffix}")).read_bytes())
    with SecureServer(names=("live",)) as server:
        asyncio.run(reload_under_load(server))
        assert "tls certificates reloaded" in server.output
        Path(path("live.key")).write_bytes(Path(path("ca.key")).read_bytes())
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "tls certificates not reloaded" in server.output, "log")
        assert "belongs to another certificate" in server.output
        assert curl(server, "/health") == "ok\n"


def slow_and_broken_peers():
    with SecureServer("--handshake-timeout", "300ms") as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as silent:
            wait_for(lambda: "kind=timeout" in server.output, "log")
            try:
                assert silent.recv(1) == b""
            except ConnectionResetError:
                pass
        with context().wrap_socket(socket.create_connection(("127.0.0.1", server.port)),
                                   server_hostname="localhost") as client:
            client.unwrap()  # close_notify both ways
        wait_for(lambda: server.metric("timeout") == 1, "metric")
        with socket.create_connection(("127.0.0.1", server.port)) as cut:
            cut.sendall(b"\x16\x03\x01\x02\x00\x01")
        wait_for(lambda: "kind=cut" in server.output, "log")


def slow_reader():
    """A peer that does not read keeps the server from reading, and loses nothing."""
    with SecureServer() as server:
        raw = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 17)
        client = context().wrap_socket(raw, server_hostname="localhost")
        client.sendall(b"GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                       b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                       b"Sec-WebSocket-Version: 13\r\n\r\n")
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(1)
        count, size = 300, 65000
        frame = b"\x82\xfe" + size.to_bytes(2, "big") + bytes(4) + b"y" * size
        unsent = memoryview(frame * count)
        missing = count * (4 + size)
        client.setblocking(False)
        # Writes all it can before it reads, so that the server's socket is full most of the time.
        while missing:
            try:
                unsent = unsent[client.send(unsent[:100_000]) if unsent else 0:]
                if unsent:
                    continue
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
                pass
            select.select([client], [client] if unsent else [], [], 20)
            try:
                data = client.recv(65536)
                assert data, "ended early"
                missing -= len(data)
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
                pass
        client.close()


TESTS = [
    ("TLS 1.2 and 1.3 are spoken, 1.0 and 1.1 refused [RFC 8996]", versions_and_ciphers),
    ("of all ciphers that OpenSSL knows for TLS 1.2 only three are taken", only_strong_ciphers),
    ("renegotiation is refused", no_renegotiation),
    ("sessions are resumed by s_client across threads", resumption),
    ("the certificate follows the SNI, a wildcard for one label", names),
    ("an OCSP response is stapled", ocsp),
    ("client certificates are required, or optional", client_certificates),
    ("--tls-min 1.3 refuses 1.2", oldest_version),
    ("SSLKEYLOGFILE gets the secrets, readable by the owner only", key_log),
    ("plain HTTP on a TLS port gets a clear 400", plain_http),
    ("https and http listen side by side", plain_and_secure),
    ("python's websockets gets every size back over wss", websockets_echo),
    ("certificates are replaced under load, and a faulty one changes nothing", hot_reload),
    ("silent and cut handshakes end in time and are logged", slow_and_broken_peers),
    ("a slow reader under TLS loses nothing", slow_reader),
]

if __name__ == "__main__":
    with scratch_folder() as folder:
        FOLDER = Path(folder)
        for each in ["ca", "server", "wild", "alice"]:
            issue(each)
        run(TESTS)
