#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Python's websockets against a running server.

usage: tests/clients/python_websockets.py PROGRAM
"""

import asyncio
import sys

import websockets

from harness import Server, run

SERVER = None
SIZES = [0, 1, 125, 126, 127, 65535, 65536, 1 << 20]


def connect(path="/echo", **options):
    return websockets.connect(SERVER.url + path, max_size=None, **options)


async def echo(**options):
    async with connect(**options) as client:
        for size in SIZES:
            for message in ["x" * size, bytes(size)]:
                await client.send(message)
                assert await client.recv() == message
    assert client.close_code == 1000


async def fragments():
    async with connect() as client:
        await client.send(["one ", "two ", "", "three"])
        assert await client.recv() == "one two three"
        await client.send([b"\x00"] * 1000)
        assert await client.recv() == bytes(1000)


async def compressed():
    async with connect(compression="deflate") as client:
        assert [extension.name for extension in client.extensions] == ["permessage-deflate"]
        for text in ["walkie " * 10_000, "x", "", "ünïcödé " * 500]:
            await client.send(text)
            assert await client.recv() == text


async def pings():
    async with connect() as client:
        for payload in [b"", b"x" * 125]:
            await asyncio.wait_for(await client.ping(payload), 5)


async def closes(code, reason):
    async with connect() as client:
        await client.close(code, reason)
    assert client.close_code == code


async def chat():
    async with connect("/chat/tea") as ann, connect("/chat/tea") as bob, connect(
        "/chat/milk"
    ) as eve:
        await ann.send("hello")
        assert await ann.recv() == "hello"
        assert await bob.recv() == "hello"
        await eve.send("alone")
        assert await eve.recv() == "alone"


async def many():
    async def one(number):
        async with connect() as client:
            for round_ in range(20):
                await client.send(f"{number} {round_}")
                assert await client.recv() == f"{number} {round_}"

    await asyncio.gather(*(one(number) for number in range(200)))


async def refused():
    try:
        async with connect("/nowhere"):
            raise AssertionError("no WebSocket is here")
    except websockets.InvalidStatusCode as error:
        assert error.status_code == 404


def main():
    global SERVER
    tests = {
        "echoes every size, plain": lambda: echo(compression=None),
        "echoes every size, compressed": lambda: echo(compression="deflate"),
        "joins fragments": fragments,
        "keeps its compression context": compressed,
        "answers pings": pings,
        "echoes close code 1000": lambda: closes(1000, ""),
        "echoes close code 4321": lambda: closes(4321, "the end"),
        "serves chat rooms apart": chat,
        "serves 200 clients at once": many,
        "refuses an unknown path": refused,
    }
    with Server(sys.argv[1]) as SERVER:
        run([(name, lambda test=test: asyncio.run(test())) for name, test in tests.items()])


main()
