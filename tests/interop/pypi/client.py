# SPDX-License-Identifier: MIT
"""Plays the scenarios with websockets, aiohttp and picows: client.py URL"""

import asyncio
import random
import sys
from importlib.metadata import version

import aiohttp
import picows.websockets
import websockets

URL = sys.argv[1]
SIZES = [0, 1, 125, 126, 65535, 65536, 1 << 20]
PATIENCE_S = 60


def text(size):
    return ("over and out, " * (size // 14 + 1))[:size]


def binary(size):
    return random.Random(size).randbytes(size)


class Websockets:
    """A connection of websockets, or of picows, which has the same interface."""

    fragments = True

    def __init__(self, library, refused):
        self.name = library.__name__.split(".")[0]
        self.library = library
        self.refused = refused

    async def open(self, path, deflate=False, origin=None, subprotocols=None):
        """A connection, or the status that refused it."""
        try:
            client = await self.library.connect(
                URL + path,
                compression="deflate" if deflate else None,
                origin=origin,
                subprotocols=subprotocols,
                max_size=None,
                proxy=None,
            )
        except self.refused as error:
            return error.response.status_code
        connection = type(self)(self.library, self.refused)
        connection.client = client
        return connection

    async def send(self, message):
        await self.client.send(message)

    async def receive(self):
        return await self.client.recv()

    async def ping(self, payload):
        await (await self.client.ping(payload))

    async def close(self, code):
        """The code that came back."""
        await self.client.close(code, "the end")
        return self.client.close_code

    async def close_of_peer(self):
        try:
            raise AssertionError(f"{len(await self.client.recv())} bytes came")
        except self.library.ConnectionClosed as error:
            return error.rcvd.code

    def deflates(self):
        fields = self.client.response.headers
        return "permessage-deflate" in fields.get("Sec-WebSocket-Extensions", "")

    def subprotocol(self):
        return self.client.subprotocol


class Aiohttp:
    """A connection of aiohttp, which cannot send fragments."""

    name = "aiohttp"
    fragments = False

    async def open(self, path, deflate=False, origin=None, subprotocols=()):
        """A connection, or the status that refused it."""
        connection = Aiohttp()
        connection.session = aiohttp.ClientSession()
        try:
            connection.client = await connection.session.ws_connect(
                URL + path,
                compress=15 if deflate else 0,
                origin=origin,
                protocols=subprotocols,
                max_msg_size=0,
                autoclose=False,
            )
        except aiohttp.WSServerHandshakeError as error:
            await connection.session.close()
            return error.status
        return connection

    async def send(self, message):
        if isinstance(message, str):
            await self.client.send_str(message)
        else:
            await self.client.send_bytes(message)

    async def receive(self):
        message = await self.client.receive()
        assert message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY), message
        return message.data

    async def ping(self, payload):
        # With autoping, as is usual, a Pong is swallowed.
        self.client._autoping = False
        await self.client.ping(payload)
        message = await self.client.receive()
        assert (message.type, message.data) == (aiohttp.WSMsgType.PONG, payload), message

    async def close(self, code):
        """The code that came back."""
        await self.client.close(code=code, message=b"the end")
        await self.session.close()
        return self.client.close_code

    async def close_of_peer(self):
        message = await self.client.receive()
        assert message.type == aiohttp.WSMsgType.CLOSE, message
        await self.session.close()
        return message.data

    def deflates(self):
        return bool(self.client.compress)

    def subprotocol(self):
        return self.client.protocol


async def echo(connection, message):
    await connection.send(message)
    assert await connection.receive() == message, f"{len(message)} bytes came back changed"


async def echoes(library, deflate):
    connection = await library.open("/echo", deflate=deflate)
    assert connection.deflates() == deflate
    for size in SIZES:
        await echo(connection, text(size))
        await echo(connection, binary(size))
    assert await connection.close(1000) == 1000


async def fragments(library, deflate):
    connection = await library.open("/echo", deflate=deflate)
    for parts in [[text(size) for size in range(300)], [binary(size) for size in range(300)]]:
        await connection.send(parts)
        assert await connection.receive() == parts[0][:0].join(parts)
    assert await connection.close(1000) == 1000


async def pings(library):
    connection = await library.open("/echo")
    for payload in [b"", b"p", b"p" * 125]:
        await connection.ping(payload)
    assert await connection.close(1000) == 1000


async def closes(library, code):
    connection = await library.open("/echo")
    assert await connection.close(code) == code


async def too_long(library):
    """Sends twice what the server takes."""
    connection = await library.open("/echo")
    await connection.send(bytes(2 << 20))
    assert await connection.close_of_peer() == 1009


async def no_subprotocol(library):
    connection = await library.open("/echo", subprotocols=["chat", "superchat"])
    assert connection.subprotocol() is None
    assert await connection.close(1000) == 1000


async def refused(library, path, origin, status):
    assert await library.open(path, origin=origin) == status


async def many(library):
    connections = await asyncio.gather(
        *(library.open("/echo", deflate=number % 2 == 0) for number in range(100))
    )

    async def one(connection, number):
        for round_ in range(20):
            await echo(connection, f"client {number}, round {round_}")
        assert await connection.close(1000) == 1000

    await asyncio.gather(*(one(connection, n) for n, connection in enumerate(connections)))


def scenarios(library):
    yield "echoes every size, plain", echoes(library, False)
    yield "echoes every size, compressed", echoes(library, True)
    if library.fragments:
        yield "joins fragments, plain", fragments(library, False)
        yield "joins fragments, compressed", fragments(library, True)
    yield "answers pings", pings(library)
    for code in [1000, 3333, 4999]:
        yield f"echoes close code {code}", closes(library, code)
    yield "ends a message that is too long with 1009", too_long(library)
    yield "agrees to no subprotocol", no_subprotocol(library)
    yield "refuses an unknown path with 404", refused(library, "/nowhere", None, 404)
    origin = "http://evil.example"
    yield "refuses a foreign origin with 403", refused(library, "/echo", origin, 403)
    yield "serves 100 clients at once", many(library)


async def main():
    failed = False
    for library in [
        Websockets(websockets, websockets.InvalidStatus),
        Websockets(picows.websockets, picows.websockets.InvalidStatus),
        Aiohttp(),
    ]:
        for name, scenario in scenarios(library):
            name = f"{library.name} {version(library.name)}: {name}"
            try:
                await asyncio.wait_for(scenario, PATIENCE_S)
                print(f"ok - {name}", flush=True)
            except Exception as error:
                failed = True
                print(f"not ok - {name}: {error!r}", flush=True)
    sys.exit(failed)


asyncio.run(main())
