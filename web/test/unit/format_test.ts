// SPDX-License-Identifier: MIT
// Numbers, times, previews and JSON as the page shows them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatBytes, formatClock, formatCount, formatDuration, formatMilliseconds, previewText } from "../../src/lib/format";
import { isJsonDocument, prettyJson, prettyTokens } from "../../src/lib/json";

test("sizes take two digits or more and never show 1000 of a unit", () => {
  const cases: [number, string][] = [
    [0, "0 B"], [999, "999 B"], [1000, "1.0 kB"], [1549, "1.5 kB"], [9949, "9.9 kB"], [9950, "10 kB"],
    [999_499, "999 kB"], [999_500, "1.0 MB"], [64_000_000, "64 MB"], [5e12, "5000 GB"],
  ];
  for (const [bytes, text] of cases) assert.equal(formatBytes(bytes), text);
});

test("counts are exact to four digits, then rounded", () => {
  const cases: [number, string][] = [[0, "0"], [2.5, "2.5"], [9999, "9999"], [12_345, "12.3k"], [123_456, "123k"], [1_234_567, "1.2M"], [12_345_678, "12M"]];
  for (const [count, text] of cases) assert.equal(formatCount(count), text);
});

test("clocks show local time to the millisecond", () => {
  assert.equal(formatClock(new Date(2026, 0, 2, 3, 4, 5, 6).getTime()), "03:04:05.006");
});

test("durations and milliseconds fit their size", () => {
  assert.equal(formatDuration(7_900), "0:07");
  assert.equal(formatDuration(725_000), "12:05");
  assert.equal(formatDuration(10_800_000), "3:00:00");
  assert.equal(formatMilliseconds(0.424), "0.42 ms");
  assert.equal(formatMilliseconds(12.34), "12.3 ms");
  assert.equal(formatMilliseconds(123.4), "123 ms");
  assert.equal(formatMilliseconds(1840), "1.8 s");
});

test("previews are one line and show control characters", () => {
  assert.equal(previewText("a\nb\tc\u0000\u007f"), "a↵b→c··");
  assert.equal(previewText("abcdef", 3), "abc…");
});

test("only objects and arrays that parse count as JSON documents", () => {
  for (const text of ['{"a":1}', " [1, 2]\n", "{}"]) assert.equal(isJsonDocument(text), true);
  for (const text of ["1", '"a"', "null", "{a:1}", "[1,]", "hello", ""]) assert.equal(isJsonDocument(text), false);
});

test("laid out JSON keeps numbers, escapes and duplicate keys as they were sent", () => {
  const text = '{"id":9007199254740993,"x":-1.50e+3,"s":"a\\"b{,}:","s":[],"o":{},"l":[true,null]}';
  assert.equal(
    prettyJson(text),
    '{\n  "id": 9007199254740993,\n  "x": -1.50e+3,\n  "s": "a\\"b{,}:",\n  "s": [],\n  "o": {},\n' +
      '  "l": [\n    true,\n    null\n  ]\n}',
  );
});

test("a string before a colon is a key, elsewhere a string", () => {
  const kinds = prettyTokens('{"k":"v","n":1,"w":false}').filter(({ kind }) => kind !== "mark");
  assert.deepEqual(kinds.map(({ kind }) => kind), ["key", "string", "key", "number", "key", "word"]);
});
