// SPDX-License-Identifier: MIT
// Hex, base64, hex dumps and UTF-8 lengths.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeUtf8, encodeUtf8, hexDump, parseBase64, parseHex, toBase64, utf8Length } from "../../src/lib/bytes";

test("hex is read with spaces, commas, colons and 0x prefixes", () => {
  for (const input of ["deadbeef", "DE AD be ef", "0xde, 0xad, 0xbe, 0xef", "de:ad\nbe:ef"]) {
    assert.deepEqual(parseHex(input), { ok: true, value: new Uint8Array([0xde, 0xad, 0xbe, 0xef]) });
  }
  assert.deepEqual(parseHex(""), { ok: true, value: new Uint8Array() });
});

test("hex with an odd digit or a stranger is refused and says which", () => {
  assert.deepEqual(parseHex("abc"), { ok: false, error: "An odd number of hex digits: a byte takes two" });
  assert.deepEqual(parseHex("ab xz"), { ok: false, error: "“x” is not a hex digit" });
});

test("base64 is read in both alphabets, padded or not [RFC 4648 4, 5]", () => {
  for (const input of ["+/+/AA==", "-_-_AA", "+/+/\nAA =="]) {
    assert.deepEqual(parseBase64(input), { ok: true, value: new Uint8Array([0xfb, 0xff, 0xbf, 0]) });
  }
});

test("base64 of an impossible length or alphabet is refused", () => {
  assert.equal(parseBase64("AAAAA").ok, false);
  assert.equal(parseBase64("AA*A").ok, false);
  assert.equal(parseBase64("=AAA").ok, false);
});

test("base64 of every byte survives a round trip, past the chunk size too", () => {
  const bytes = Uint8Array.from({ length: 20_000 }, (_, i) => i % 256);
  assert.deepEqual(parseBase64(toBase64(bytes)), { ok: true, value: bytes });
});

test("the UTF-8 length equals that of the encoded text, lone surrogates included", () => {
  for (const text of ["", "abc", "é", "€", "🎉", "a\ud800b", "\udc00", "\ud83c", "é€🎉\u07ff\u0800\uffff"]) {
    assert.equal(utf8Length(text), encodeUtf8(text).length, JSON.stringify(text));
  }
});

test("bytes that are not UTF-8 decode to null, a byte order mark to itself", () => {
  assert.equal(decodeUtf8(new Uint8Array([0xc3, 0x28])), null);
  assert.equal(decodeUtf8(new Uint8Array([0xef, 0xbb, 0xbf, 0x61])), "\ufeffa");
});

test("a hex dump shows offset, bytes and printable ASCII, its last row padded", () => {
  const dump = hexDump(encodeUtf8("hello, dump\u0000é"), 8);
  assert.equal(
    dump,
    "00000000  68 65 6c 6c 6f 2c 20 64  hello, d\n" +
      "00000008  75 6d 70 00 c3 a9        ump···",
  );
});
