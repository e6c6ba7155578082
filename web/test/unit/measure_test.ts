// SPDX-License-Identifier: MIT
// Backoff, rates, round trips and the bounded log.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Backoff } from "../../src/lib/backoff";
import { exportLine, FrameLog, matches, type NewEntry } from "../../src/lib/frame_log";
import { RateMeter } from "../../src/lib/rate";
import { EchoTimer } from "../../src/lib/round_trip";

test("backoff doubles to its ceiling, jitters in the upper half, and resets", () => {
  const backoff = new Backoff({ firstMs: 100, maxMs: 1000, factor: 2 });
  assert.deepEqual([1, 1, 1, 1, 1, 1].map((r) => backoff.next(r)), [100, 200, 400, 800, 1000, 1000]);
  assert.equal(backoff.attempts, 6);
  backoff.reset();
  assert.equal(backoff.next(0), 50);
  assert.equal(backoff.next(0.5), 150);
});

test("backoff stays at its ceiling after thousands of attempts", () => {
  const backoff = new Backoff();
  for (let i = 0; i < 5000; i++) assert.ok(backoff.next(0.999) <= 15_000);
});

test("the rate is that of the last whole second", () => {
  const meter = new RateMeter();
  for (let at = 10_000; at < 11_000; at += 10) meter.add(at, 7);
  assert.deepEqual(meter.rate(11_000), { messages: 100, bytes: 700 });
  assert.deepEqual(meter.rate(11_500), { messages: 50, bytes: 350 });
  assert.deepEqual(meter.rate(12_000), { messages: 0, bytes: 0 });
});

test("the series ends now, goes back a minute and forgets what is older", () => {
  const meter = new RateMeter();
  meter.add(100_000, 1);
  const series = meter.series(100_250, 8);
  assert.deepEqual(series, [0, 0, 0, 0, 0, 0, 0, 1]);
  assert.equal(Math.max(...meter.series(100_000 + 58_000)), 1);
  assert.equal(Math.max(...meter.series(100_000 + 70_000)), 0);
});

test("a pause longer than the ring leaves no ghosts", () => {
  const meter = new RateMeter();
  meter.add(1000, 1);
  meter.add(1_000_000, 1);
  assert.equal(meter.series(1_000_250).filter((n) => n > 0).length, 1);
});

test("round trips match identical messages in order", () => {
  const timer = new EchoTimer();
  timer.sent("a", 0);
  timer.sent("b", 5);
  assert.equal(timer.received("x", 6), null);
  assert.equal(timer.received("a", 10), 10);
  assert.equal(timer.received("b", 25), 20);
  assert.equal(timer.received("b", 26), null);
  assert.deepEqual(timer.summary(), { count: 2, last: 20, min: 10, median: 20 });
});

test("text and binary of the same bytes are different messages", () => {
  const timer = new EchoTimer();
  timer.sent("1", 0);
  assert.equal(timer.received(new Uint8Array([1]), 1), null);
  assert.equal(timer.received("1", 3), 3);
});

test("what was not echoed is skipped by a later match and forgotten after 30 seconds", () => {
  const timer = new EchoTimer();
  timer.sent("lost", 0);
  timer.sent("back", 1);
  assert.equal(timer.received("back", 2), 1);
  assert.equal(timer.received("lost", 3), null);
  timer.sent("slow", 10);
  assert.equal(timer.received("slow", 40_000), null);
});

const entry = (text: string, more: Partial<NewEntry> = {}): NewEntry => ({
  at: 0, direction: "in", kind: "text", bytes: text.length, payload: text, probe: false, ...more,
});

test("the log keeps the newest entries and their numbers", () => {
  const log = new FrameLog({ entriesMax: 3 });
  for (let i = 0; i < 10; i++) log.add(entry(`m${i}`));
  assert.deepEqual(log.entries().map(({ seq, payload }) => [seq, payload]), [[7, "m7"], [8, "m8"], [9, "m9"]]);
  assert.deepEqual([log.total, log.size, log.firstSeq], [10, 3, 7]);
  assert.deepEqual(log.since(8).map(({ seq }) => seq), [9]);
  assert.deepEqual(log.since(2).map(({ seq }) => seq), [7, 8, 9]);
});

test("the log drops the oldest past its byte limit but keeps the newest whatever its size", () => {
  const log = new FrameLog({ bytesMax: 10 });
  log.add(entry("aaaa"));
  log.add(entry("bbbb"));
  log.add(entry("cccc"));
  assert.deepEqual(log.entries().map(({ payload }) => payload), ["bbbb", "cccc"]);
  log.add(entry("d".repeat(50)));
  assert.equal(log.size, 1);
});

test("a payload over the limit is cut and says so, its size stays true", () => {
  const log = new FrameLog({ payloadBytesMax: 100_000 });
  const big = log.add(entry("é".repeat(100_000), { bytes: 200_000 }));
  assert.equal(big.cut, true);
  assert.equal(big.bytes, 200_000);
  assert.equal(big.payload.length, 65_536);
});

test("after clearing, numbers go on and nothing old returns", () => {
  const log = new FrameLog();
  log.add(entry("a"));
  log.clear();
  const next = log.add(entry("b"));
  assert.equal(next.seq, 1);
  assert.deepEqual(log.since(-1).map(({ seq }) => seq), [1]);
});

test("filters look at direction, text in any case, readable bytes, and hide probes", () => {
  const log = new FrameLog();
  const text = log.add(entry("Hello"));
  const binary = log.add(entry("", { kind: "binary", payload: new Uint8Array([0x68, 0x69]), direction: "out" }));
  const probe = log.add(entry("walkie-probe 1", { probe: true }));
  const all = { text: "", direction: "all", probes: false } as const;
  assert.deepEqual([text, binary, probe].map((e) => matches(e, all)), [true, true, false]);
  assert.equal(matches(probe, { ...all, probes: true }), true);
  assert.equal(matches(text, { ...all, text: "hELL" }), true);
  assert.equal(matches(binary, { ...all, text: "hi" }), true);
  assert.equal(matches(text, { ...all, direction: "out" }), false);
});

test("an exported line is JSON with the text or the bytes in base64", () => {
  const log = new FrameLog();
  assert.deepEqual(JSON.parse(exportLine(log.add(entry("hi")))), {
    time: "1970-01-01T00:00:00.000Z", direction: "in", kind: "text", bytes: 2, text: "hi",
  });
  const bytes = new Uint8Array([0xff]);
  assert.equal(JSON.parse(exportLine(log.add(entry("", { kind: "binary", payload: bytes })))).base64, "/w==");
});
