#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""`walkie connect` through proxies that others wrote: tinyproxy and squid (HTTP CONNECT),
microsocks and dante (SOCKS 5), and TLS to the proxy that haproxy ends in front of tinyproxy.

usage: tests/clients/connect_proxies.py PROGRAM
"""

import os
import pwd
import subprocess

from authority import Authority
from connect import (
    OK, PROGRAM, PROXY, REFUSED, RESOLVE, TIMEOUT, TLS, USAGE,
    Listening, NodeServer, Run, Tinyproxy, echoes, program,
)
from harness import free_port, run, scratch_folder

FOLDER = ROOT = LEAF = PLAIN = SECURE = None  # set by main()
SIZES = (1, 126, 65536, 1 << 20)

SQUID = """
http_port 127.0.0.1:{port}
pid_filename none
cache_log stdio:/dev/stderr
access_log none
cache deny all
shutdown_lifetime 0 seconds
netdb_filename none
pinger_enable off
coredump_dir {folder}
{more}
"""

SQUID_AUTH = """
auth_param basic program /usr/lib/squid/basic_ncsa_auth {folder}/users
auth_param basic realm squid of the test
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
"""

DANTE = """
internal: 127.0.0.1 port = {port}
external: 127.0.0.1
clientmethod: none
socksmethod: none
user.privileged: {user}
user.unprivileged: {nobody}
client pass {{ from: 127.0.0.0/8 to: 0.0.0.0/0 }}
socks block {{ from: 127.0.0.0/8 to: 127.0.0.1/32 port = {blocked} }}
socks pass {{ from: 127.0.0.0/8 to: 0.0.0.0/0 protocol: tcp }}
"""

HAPROXY = """
global
  maxconn 512
defaults
  mode tcp
  timeout connect 2s
  timeout client 20s
  timeout server 20s
listen tls
  bind 127.0.0.1:{port} ssl crt {both}
  server one 127.0.0.1:{backend}
"""


def configured(name, text):
    path = FOLDER / name
    path.write_text(text)
    return path


def tinyproxy(more=""):
    return Tinyproxy(FOLDER, more)


def squid(more):
    port = free_port()
    path = configured(
        "squid.conf", SQUID.format(port=port, folder=FOLDER, more=more.format(folder=FOLDER))
    )
    return Listening([program("squid"), "-N", "-n", f"walkie{port}", "-f", path], port)


def microsocks(*options):
    port = free_port()
    return Listening([program("microsocks"), "-i", "127.0.0.1", "-p", port, *options], port)


def dante(blocked):
    port = free_port()
    user = pwd.getpwuid(os.geteuid()).pw_name
    path = configured("danted.conf", DANTE.format(
        port=port, blocked=blocked, user=user, nobody="nobody" if user == "root" else user))
    return Listening([program("danted"), "-f", path, "-p", FOLDER / "danted.pid"], port)


def haproxy(backend):
    port = free_port()
    both = configured("both.pem", LEAF.file.read_text() + LEAF.key.read_text())
    path = configured("haproxy.cfg", HAPROXY.format(port=port, both=both, backend=backend))
    return Listening([program("haproxy"), "-f", path], port)


def through(proxy, *options, **more):
    """Both ws and wss arrive through this proxy."""
    for url in (PLAIN.url(host="localhost"), SECURE.url(scheme="wss", host="localhost")):
        opened = echoes(url, "--proxy", proxy, "--cacert", ROOT.file, *options, sizes=SIZES,
                        **more).opened
        assert opened["address"].endswith(":" + proxy.rsplit(":", 1)[1]), opened
    return opened


def refused_by(proxy, *told, url=None, code=PROXY):
    return Run(url or PLAIN.url(), "--proxy", proxy).expect(code, *told)


# -- HTTP CONNECT --

def http_proxy(start):
    def test():
        with start() as proxy:
            through(f"http://127.0.0.1:{proxy.port}")
            dead = free_port()
            refused_by(f"http://127.0.0.1:{proxy.port}", f"the proxy 127.0.0.1:{proxy.port}",
                       f"to CONNECT 127.0.0.1:{dead}", url=f"ws://127.0.0.1:{dead}/")
            refused_by(f"http://127.0.0.1:{proxy.port}", "to CONNECT no-such-host.invalid:80",
                       url="ws://no-such-host.invalid/")

    return test


def http_proxy_with_credentials(start):
    def test():
        with start() as proxy:
            through(f"http://ann:se-cret@127.0.0.1:{proxy.port}")
            refused_by(f"http://127.0.0.1:{proxy.port}", "407", "it wants a user and a password")
            refused_by(f"http://ann:wrong@127.0.0.1:{proxy.port}", "does not take that user")

    return test


def squid_with_users():
    hashed = subprocess.run(["openssl", "passwd", "-apr1", "se-cret"], capture_output=True,
                            text=True, check=True).stdout
    configured("users", f"ann:{hashed}")
    return squid(SQUID_AUTH)


def tinyproxy_that_allows_one_port():
    with tinyproxy("ConnectPort 443") as proxy:
        refused_by(f"http://127.0.0.1:{proxy.port}", "403", f"to CONNECT {PLAIN.url()[5:-5]}")


def proxy_that_is_down():
    port = free_port()
    for scheme in ("http", "socks5", "https"):
        refused_by(f"{scheme}://127.0.0.1:{port}", f"127.0.0.1:{port}: connection refused",
                   code=REFUSED)
    refused_by("http://no-such-proxy.invalid:3128", "no-such-proxy.invalid", code=RESOLVE)


def proxy_that_is_none():
    here = f"127.0.0.1:{PLAIN.port}"
    refused_by(f"http://{here}", f"the proxy {here}")
    refused_by(f"socks5://{here}", "speaks HTTP, not SOCKS")
    refused_by(f"https://{here}", "does not speak TLS", code=TLS)
    with microsocks() as proxy:
        got = Run(PLAIN.url(), "--proxy", f"http://127.0.0.1:{proxy.port}", "--connect-timeout",
                  "1s")
        assert got.code in (PROXY, TIMEOUT) and f"127.0.0.1:{proxy.port}" in got.error, got.error
    refused_by("ftp://127.0.0.1:21", "ftp", code=USAGE)


# -- TLS to the proxy --

def tls_in_tls():
    with tinyproxy("BasicAuth ann se-cret") as inner, haproxy(inner.port) as proxy:
        opened = through(f"https://ann:se-cret@localhost:{proxy.port}")
        assert opened["tls"].startswith("TLSv1.3"), opened
        url = SECURE.url(scheme="wss", host="localhost")
        got = Run(url, "--proxy", f"https://localhost:{proxy.port}", "--cacert", ROOT.file)
        got.expect(PROXY, "407", "it wants a user and a password")
        got = Run(url, "--proxy", f"https://ann:se-cret@localhost:{proxy.port}")
        got.expect(TLS, f"TLS with localhost:{proxy.port}", "unknown authority")


# -- SOCKS 5 --

def microsocks_without_users():
    with microsocks() as proxy:
        for scheme in ("socks5", "socks5h"):
            through(f"{scheme}://127.0.0.1:{proxy.port}")
        assert f"connected to localhost:{PLAIN.port}" in proxy.output, proxy.output  # not 127.0.0.1
        refused_by(f"socks5://127.0.0.1:{proxy.port}", "connection refused [RFC 1928 §6]",
                   url=f"ws://127.0.0.1:{free_port()}/")
        refused_by(f"socks5h://127.0.0.1:{proxy.port}", "the SOCKS server refused",
                   url="ws://no-such-host.invalid/")


def microsocks_with_users():
    with microsocks("-u", "ann", "-P", "se:cret") as proxy:
        through(f"socks5h://ann:se%3Acret@127.0.0.1:{proxy.port}")
        refused_by(f"socks5h://127.0.0.1:{proxy.port}", "wants authentication")
        refused_by(f"socks5h://ann:wrong@127.0.0.1:{proxy.port}",
                   "does not take that user and password")


def dante_with_rules():
    with NodeServer() as blocked, dante(blocked.port) as proxy:
        through(f"socks5h://127.0.0.1:{proxy.port}")
        refused_by(f"socks5://127.0.0.1:{proxy.port}", "not allowed by ruleset", url=blocked.url())
        refused_by(f"socks5://127.0.0.1:{proxy.port}", "connection refused [RFC 1928 §6]",
                   url=f"ws://127.0.0.1:{free_port()}/")


# -- the variables --

def variables():
    plain, secure = PLAIN.url(host="localhost"), SECURE.url(scheme="wss", host="localhost")
    trust = ["--cacert", ROOT.file]
    with tinyproxy() as one, microsocks() as other:
        http, socks = f"http://127.0.0.1:{one.port}", f"socks5h://127.0.0.1:{other.port}"
        direct = {plain: PLAIN.port, secure: SECURE.port}
        cases = [
            ({"HTTP_PROXY": http}, {plain: one.port}),
            ({"http_proxy": http}, {plain: one.port}),
            ({"HTTPS_PROXY": socks}, {secure: other.port}),
            ({"https_proxy": http}, {secure: one.port}),
            ({"ALL_PROXY": socks}, {plain: other.port, secure: other.port}),
            ({"ALL_PROXY": socks, "HTTP_PROXY": http}, {plain: one.port, secure: other.port}),
            ({"ALL_PROXY": http, "NO_PROXY": "localhost"}, {}),
            ({"ALL_PROXY": http, "no_proxy": "other.example,.localhost"}, {}),
            ({"ALL_PROXY": http, "NO_PROXY": f"localhost:{PLAIN.port}"}, {secure: one.port}),
            ({"ALL_PROXY": http, "NO_PROXY": "*"}, {}),
            ({"ALL_PROXY": http, "NO_PROXY": "host"}, {plain: one.port, secure: one.port}),
        ]
        for environment, by_proxy in cases:
            for url in (plain, secure):
                port = by_proxy.get(url, direct[url])
                got = echoes(url, *trust, sizes=(5,), env=environment)
                assert got.opened["address"].endswith(f":{port}"), (environment, got.opened)
        # The option wins; "direct" is none.
        for option, port in ((socks, other.port), ("direct", PLAIN.port)):
            got = echoes(plain, "--proxy", option, sizes=(5,), env={"HTTP_PROXY": http})
            assert got.opened["address"].endswith(f":{port}"), got.opened
    Run(plain, env={"HTTP_PROXY": http}).expect(REFUSED, f"127.0.0.1:{one.port}")
    Run(plain, env={"HTTP_PROXY": "what is this"}).expect(USAGE, "HTTP_PROXY")


def main():
    global FOLDER, ROOT, LEAF, PLAIN, SECURE
    with scratch_folder() as folder:
        ROOT = Authority(folder, "Test Root")
        FOLDER, LEAF = ROOT.folder, ROOT.issue("localhost")
        with NodeServer(perMessageDeflate=True) as PLAIN, NodeServer(
            cert=str(LEAF.file), key=str(LEAF.key)
        ) as SECURE:
            run([
                ("tinyproxy", http_proxy(tinyproxy)),
                ("tinyproxy with credentials",
                 http_proxy_with_credentials(lambda: tinyproxy("BasicAuth ann se-cret"))),
                ("tinyproxy that allows another port only", tinyproxy_that_allows_one_port),
                ("squid", http_proxy(lambda: squid("http_access allow all"))),
                ("squid with credentials", http_proxy_with_credentials(squid_with_users)),
                ("TLS to the proxy, and TLS through it", tls_in_tls),
                ("microsocks, names looked up by it", microsocks_without_users),
                ("microsocks with credentials", microsocks_with_users),
                ("dante with rules", dante_with_rules),
                ("a proxy that is down, or has no address", proxy_that_is_down),
                ("a proxy that is none, or of another kind", proxy_that_is_none),
                ("HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY", variables),
            ])


main()
