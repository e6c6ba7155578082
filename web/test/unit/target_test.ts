// SPDX-License-Identifier: MIT
// Addresses, subprotocols and close codes as people type them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { closeError, closeHint, closeName } from "../../src/lib/close";
import { parseList, remember } from "../../src/lib/history";
import { defaultUrl, parseSubprotocols, parseTarget } from "../../src/lib/target";

const plain = { protocol: "http:", host: "localhost:8000" };
const secure = { protocol: "https:", host: "example.com" };

test("the default URL follows the page's own scheme", () => {
  assert.equal(defaultUrl(plain, "/echo"), "ws://localhost:8000/echo");
  assert.equal(defaultUrl(secure, "/echo"), "wss://example.com/echo");
});

test("URLs are completed from a path, a bare host and an http scheme", () => {
  const cases: [string, typeof plain, string][] = [
    ["ws://a:9001/x?y=1", plain, "ws://a:9001/x?y=1"],
    ["  /chat/a b ", plain, "ws://localhost:8000/chat/a%20b"],
    ["localhost:9001/echo", plain, "ws://localhost:9001/echo"],
    ["echo.example", secure, "wss://echo.example/"],
    ["https://a/x", plain, "wss://a/x"],
    ["HTTP://a/x", plain, "ws://a/x"],
    ["[::1]:9001", plain, "ws://[::1]:9001/"],
  ];
  for (const [input, page, url] of cases) assert.deepEqual(parseTarget(input, page), { ok: true, value: url });
});

test("URLs that no WebSocket can have are refused with their reason", () => {
  const cases: [string, RegExp][] = [
    ["", /Enter a URL/], ["ftp://a", /not a WebSocket scheme/], ["ws://a#b", /no #fragment/],
    ["ws://", /not a URL/], ["ws://a:99999", /not a URL/], ["ws://a b", /not a URL/],
  ];
  for (const [input, error] of cases) {
    const target = parseTarget(input, plain);
    assert.equal(target.ok, false, input);
    if (!target.ok) assert.match(target.error, error);
  }
});

test("subprotocols are tokens, none twice [RFC 6455 4.1]", () => {
  assert.deepEqual(parseSubprotocols(" a, b  c.v1 "), { ok: true, value: ["a", "b", "c.v1"] });
  assert.deepEqual(parseSubprotocols(""), { ok: true, value: [] });
  assert.equal(parseSubprotocols("a a").ok, false);
  assert.equal(parseSubprotocols("a/b").ok, false);
});

test("a page may close with 1000 and 3000 to 4999 and 123 bytes of reason", () => {
  for (const code of [1000, 3000, 4001, 4999]) assert.equal(closeError(code, ""), null);
  for (const code of [0, 999, 1001, 1006, 2999, 5000, 4000.5, Number.NaN]) assert.notEqual(closeError(code, ""), null);
  assert.equal(closeError(1000, "x".repeat(123)), null);
  assert.match(closeError(1000, "é".repeat(62)) ?? "", /124 bytes/);
});

test("close codes have names, and hints where they hide something", () => {
  assert.equal(closeName(1001), "going away");
  assert.equal(closeName(4001), "application code");
  assert.equal(closeName(3001), "registered code");
  assert.equal(closeName(1016), "unknown code");
  assert.match(closeHint(1006, false) ?? "", /never opened/);
  assert.match(closeHint(1006, true) ?? "", /without a Close frame/);
  assert.equal(closeHint(1000, true), null);
});

test("history keeps the newest first, once, and a bounded number", () => {
  assert.deepEqual(remember(["a", "b", "c"], "b", 3), ["b", "a", "c"]);
  assert.deepEqual(remember(["a", "b", "c"], "d", 3), ["d", "a", "b"]);
  assert.deepEqual(remember(["a"], "x".repeat(5000), 3), ["a"]);
});

test("a stored list that is none reads as empty", () => {
  for (const stored of [null, "", "{", "7", '{"a":1}']) assert.deepEqual(parseList(stored, 5), []);
  assert.deepEqual(parseList('["a",1,"b"]', 5), ["a", "b"]);
});
