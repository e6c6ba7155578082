// SPDX-License-Identifier: MIT
// Node's ws, with and without permessage-deflate, against a running server.
//
// usage: WALKIE_PROGRAM=build/bin/walkie node --test tests/clients/node_ws.mjs
// (ws comes from web/node_modules)
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const WebSocket = require("ws");
const program = process.env.WALKIE_PROGRAM;
let server;
let url;

before(async () => {
  server = spawn(program, ["serve", "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(server.stdout, "data");
  url = String(line).match(/http:\/\/(\S+)/)[1];
});

after(() => server.kill());

async function open(path = "/echo", options = {}) {
  const client = new WebSocket(`ws://${url}${path}`, options);
  await once(client, "open");
  return client;
}

async function reply(client) {
  const [data, isBinary] = await once(client, "message");
  return isBinary ? data : data.toString();
}

async function echoes(client, sizes) {
  for (const size of sizes) {
    const text = "x".repeat(size);
    client.send(text);
    assert.equal(await reply(client), text);
    const binary = Buffer.alloc(size, size % 251);
    client.send(binary);
    assert.deepEqual(await reply(client), binary);
  }
}

async function closed(client) {
  const [code, reason] = await once(client, "close");
  return [code, reason.toString()];
}

const sizes = [0, 1, 63, 64, 125, 126, 127, 65535, 65536, 1 << 20, 5_000_000];

const offers = {
  "without extensions": false,
  "with permessage-deflate": true,
  "without context takeover": { clientNoContextTakeover: true, serverNoContextTakeover: true, threshold: 0 },
  "with windows of 9 and 10 bits": { clientMaxWindowBits: 9, serverMaxWindowBits: 10, threshold: 0 },
};
for (const [name, perMessageDeflate] of Object.entries(offers)) {
  test(`echoes every size ${name}`, async () => {
    const client = await open("/echo", { perMessageDeflate });
    assert.equal(client.extensions.includes("permessage-deflate"), perMessageDeflate !== false);
    await echoes(client, sizes);
    client.close(1000, "done");
    assert.deepEqual(await closed(client), [1000, ""]); // the code comes back, the reason does not
  });
}

test("joins compressed fragments", async () => {
  const client = await open("/echo", { perMessageDeflate: { threshold: 0 } });
  client.send("one ", { fin: false, compress: true });
  client.send("two ", { fin: false, compress: true });
  client.ping("between");
  client.send("three", { fin: true, compress: true });
  const [pong, text] = await Promise.all([once(client, "pong"), reply(client)]);
  assert.equal(pong[0].toString(), "between");
  assert.equal(text, "one two three");
  client.terminate();
});

test("answers pings in order", async () => {
  const client = await open();
  const pongs = [];
  client.on("pong", (data) => pongs.push(data.toString()));
  for (let i = 0; i < 10; i++) client.ping(String(i));
  client.send("end");
  await reply(client);
  assert.deepEqual(pongs, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  client.terminate();
});

test("echoes close codes and reasons", async () => {
  for (const code of [1000, 1001, 1003, 1007, 1011, 3000, 4999]) {
    const client = await open();
    client.close(code, "ünïcödé");
    assert.deepEqual(await closed(client), [code, ""]);
  }
});

test("keeps 1000 messages in order, many in flight", async () => {
  const client = await open("/echo", { perMessageDeflate: { threshold: 0 } });
  const got = [];
  const all = new Promise((resolve) => {
    client.on("message", (data) => got.push(data.toString()) === 1000 && resolve());
  });
  for (let i = 0; i < 1000; i++) client.send(`message ${i} ${"x".repeat(i)}`);
  await all;
  got.forEach((text, i) => assert.equal(text, `message ${i} ${"x".repeat(i)}`));
  client.terminate();
});

test("refuses a foreign origin and an unknown path", async () => {
  for (const [path, options, status] of [
    ["/echo", { origin: "http://evil.example" }, 403],
    ["/nowhere", {}, 404],
  ]) {
    const client = new WebSocket(`ws://${url}${path}`, options);
    const [, response] = await once(client, "unexpected-response");
    assert.equal(response.statusCode, status);
    client.on("error", () => {});
    client.terminate();
  }
});

test("wss with the development certificate is trusted by who was given it, and by nobody else", async (t) => {
  const cache = mkdtempSync(join(tmpdir(), "walkie-test-"));
  const secure = spawn(program, ["serve", "--tls-self-signed", "--listen", "127.0.0.1:0"], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, XDG_CACHE_HOME: cache },
  });
  t.after(() => {
    secure.kill();
    rmSync(cache, { recursive: true });
  });
  const [line] = await once(secure.stdout, "data");
  const port = String(line).match(/https:\/\/127\.0\.0\.1:(\d+)/)[1];
  const ca = readFileSync(join(cache, "walkie", "localhost.pem"));
  const client = new WebSocket(`wss://localhost:${port}/echo`, { ca, rejectUnauthorized: true });
  await once(client, "open");
  await echoes(client, sizes);
  client.close(1000);
  assert.equal((await closed(client))[0], 1000);
  const stranger = new WebSocket(`wss://localhost:${port}/echo`);
  const [error] = await once(stranger, "error");
  assert.equal(error.code, "DEPTH_ZERO_SELF_SIGNED_CERT");
});
