#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""nginx and haproxy in front of a running server: messages, compression, heartbeats, close codes.

usage: tests/clients/proxies.py PROGRAM
"""

import asyncio
import shutil
import sys

import websockets

from harness import Process, RawClient, Server, free_port, run, scratch_folder, wait_for

NGINX = """
daemon off; pid {folder}/nginx.pid; error_log stderr; worker_processes 1;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{backend};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
      proxy_set_header Host $http_host;
      proxy_read_timeout 2s;
      proxy_send_timeout 2s;
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
  timeout client 2s
  timeout server 2s
  timeout tunnel 2s
frontend web
  bind 127.0.0.1:{port}
  default_backend walkie
backend walkie
  server one 127.0.0.1:{backend}
"""


async def echo(port):
    for compression in [None, "deflate"]:
        async with websockets.connect(
            f"ws://127.0.0.1:{port}/echo", max_size=None, compression=compression
        ) as client:
            assert bool(client.extensions) == bool(compression)
            for size in [0, 125, 126, 65536, 1 << 20]:
                await client.send("x" * size)
                assert await client.recv() == "x" * size


async def close_codes(port):
    for code in [1000, 1001, 3333, 4999]:
        async with websockets.connect(f"ws://127.0.0.1:{port}/echo") as client:
            await client.close(code, "reason")
        assert client.close_code == code


async def server_close_code(port):
    async with websockets.connect(f"ws://127.0.0.1:{port}/chat/x") as client:
        await client.send(b"binary is refused here")
        try:
            await client.recv()
        except websockets.ConnectionClosed:
            pass
    assert client.close_code == 1003


async def outlives_the_proxys_timeout(port):
    async with websockets.connect(f"ws://127.0.0.1:{port}/echo", ping_interval=None) as client:
        await asyncio.sleep(4.5)
        await client.send("still here")
        assert await client.recv() == "still here"


async def same_origin(port):
    async with websockets.connect(
        f"ws://127.0.0.1:{port}/echo", origin=f"http://127.0.0.1:{port}"
    ) as client:
        await client.send("x")
        assert await client.recv() == "x"


def page(port):
    with RawClient(port) as client:
        client.send(
            f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()
        )
        assert b" 200 " in client.read_head().split(b"\r\n")[0]


CHECKS = [
    ("echoes, plain and compressed, up to 1 MiB", echo),
    ("passes the client's close codes", close_codes),
    ("passes the server's close code", server_close_code),
    ("heartbeats outlive the proxy's timeout", outlives_the_proxys_timeout),
    ("the proxied page's origin may connect", same_origin),
]


def proxy_command(name, folder, port, backend):
    template = {"nginx": NGINX, "haproxy": HAPROXY}[name]
    path = f"{folder}/{name}.conf"
    with open(path, "w") as file:
        file.write(template.format(folder=folder, port=port, backend=backend))
    program = shutil.which(name, path="/usr/sbin:/usr/bin")
    assert program, f"{name} is not installed"
    return [program, "-p", folder, "-c", path] if name == "nginx" else [program, "-f", path]


def behind(name, server, test):
    def check():
        port = free_port()
        with scratch_folder() as folder, Process(
            proxy_command(name, folder, port, server.port)
        ) as proxy:

            def up():
                assert proxy.process.poll() is None, proxy.output
                try:
                    RawClient(port).socket.close()
                    return True
                except OSError:
                    return False

            wait_for(up, name)
            if asyncio.iscoroutinefunction(test):
                asyncio.run(test(port))
            else:
                test(port)

    return check


def main():
    with Server(sys.argv[1], "--ping-interval", "500ms") as server:
        checks = CHECKS + [("serves the page", page)]
        run(
            [
                (f"behind {name}: {what}", behind(name, server, test))
                for name in ["nginx", "haproxy"]
                for what, test in checks
            ]
        )


main()
