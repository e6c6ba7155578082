// SPDX-License-Identifier: MIT
// The chat's messages, its members, and a room under a virtual clock with scripted sockets.
import assert from "node:assert/strict";
import { test } from "node:test";
import { cleanName, encodeEnvelope, type Envelope, parseEnvelope, roomName, shownTime } from "../../src/chat/envelope";
import { Members } from "../../src/chat/members";
import { kOutboxMax, Room, type RoomEnvironment, type SocketHandlers } from "../../src/chat/room";

const envelope = (more: Partial<Envelope> = {}): Envelope => ({
  id: "b-1", from: "b", type: "message", name: "Bea", text: "hi", time: 1000, ...more,
});

test("an envelope survives encoding and parsing", () => {
  const original = envelope({ text: "<b>é\n🎉</b>" });
  assert.deepEqual(parseEnvelope(encodeEnvelope(original)), original);
});

test("anything that is no envelope parses to null", () => {
  const broken: unknown[] = [
    null, 7, "x", [], {}, { ...envelope(), type: "evil" }, { ...envelope(), id: "" }, { ...envelope(), id: 7 },
    { ...envelope(), from: "x".repeat(65) }, { ...envelope(), name: "\u200b " }, { ...envelope(), text: null },
    { ...envelope(), text: "x".repeat(4001) }, { ...envelope(), time: "now" },
  ];
  for (const value of broken) assert.equal(parseEnvelope(JSON.stringify(value)), null, JSON.stringify(value));
  for (const text of ["", "hello", "{", '{"id":']) assert.equal(parseEnvelope(text), null);
});

test("names lose control, invisible and reordering characters and are cut whole", () => {
  assert.equal(cleanName("  A\u202e\u0000b\n c "), "A b c");
  assert.equal(cleanName("🎉".repeat(40)), "🎉".repeat(32));
});

test("room names fit into a path or are refused", () => {
  assert.equal(roomName(" #My Room "), "my-room");
  assert.equal(roomName("größe_2.0"), "größe_2.0");
  for (const bad of ["", "a/b", "..", "?", "a%b", "x".repeat(65)]) assert.equal(roomName(bad), null, bad);
});

test("a sender's clock is believed only for the past day", () => {
  assert.equal(shownTime(900, 1000), 900);
  assert.equal(shownTime(5000, 1000), 1000);
  assert.equal(shownTime(0, 90_000_000), 90_000_000);
});

test("members appear when heard, type for four seconds, and go when they leave or fall silent", () => {
  const members = new Members();
  members.hear(envelope({ type: "join" }), 0);
  members.hear(envelope({ type: "typing", from: "c", name: "Cy" }), 0);
  assert.deepEqual(members.list(3000), [
    { from: "b", name: "Bea", typing: false },
    { from: "c", name: "Cy", typing: true },
  ]);
  assert.equal(members.list(5000)[1]?.typing, false);
  members.hear(envelope({ type: "leave", from: "c" }), 6000);
  assert.deepEqual(members.list(6000).map(({ from }) => from), ["b"]);
  assert.deepEqual(members.list(70_000), []);
});

type Timer = { at: number; action: () => void };

/** A clock that only moves by `advance`, and a server that is the test. */
class World implements RoomEnvironment {
  time = 0;
  sockets: { handlers: SocketHandlers; sent: Envelope[]; closed: number | null }[] = [];
  log: string[] = [];
  #timers = new Set<Timer>();

  readonly room = new Room(this, { from: "a", name: "Ann" }, {
    state: (state) => this.log.push(state.phase),
    message: ({ name, text }, own) => this.log.push(`${own ? "own" : name}: ${text}`),
    moved: ({ name, type }) => this.log.push(`${name} ${type}`),
    unreadable: (text, bytes) => this.log.push(`raw ${text ?? bytes}`),
    members: () => {},
    outbox: () => {},
  });

  now = () => this.time;
  random = () => 0.5;
  connect(handlers: SocketHandlers) {
    const socket = { handlers, sent: [] as Envelope[], closed: null as number | null };
    this.sockets.push(socket);
    return {
      send: (text: string) => {
        const sent = parseEnvelope(text);
        assert.ok(sent, text);
        socket.sent.push(sent);
      },
      close: (code: number) => (socket.closed = code),
    };
  }
  after(ms: number, action: () => void) {
    const timer = { at: this.time + ms, action };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }
  advance(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.time = due.at;
      due.action();
    }
    this.time = end;
  }
  get socket() {
    const last = this.sockets.at(-1);
    assert.ok(last);
    return last;
  }
  get timers(): number {
    return this.#timers.size;
  }
  open(): void {
    this.room.connect();
    this.socket.handlers.opened();
    this.echo();
    this.log = [];
  }
  /** The server's answer to all that was not yet echoed: the same to everyone. */
  echo(): void {
    for (const sent of this.socket.sent.splice(0)) this.socket.handlers.message(encodeEnvelope(sent));
  }
  hear(more: Partial<Envelope>): void {
    this.socket.handlers.message(encodeEnvelope(envelope(more)));
  }
}

test("a room says join once it is open", () => {
  const world = new World();
  world.room.connect();
  assert.equal(world.socket.sent.length, 0);
  world.socket.handlers.opened();
  assert.deepEqual(world.socket.sent.map(({ type, name }) => [type, name]), [["join", "Ann"]]);
  assert.deepEqual(world.log, ["connecting", "open"]);
});

test("an own message is delivered when it comes back, and is known as own by its id", () => {
  const world = new World();
  world.open();
  world.room.say("hello");
  assert.equal(world.room.outbox.length, 1);
  world.echo();
  assert.equal(world.room.outbox.length, 0);
  world.hear({ id: "a-77", from: "a", name: "Forger", text: "not Ann" });
  assert.deepEqual(world.log, ["own: hello", "Forger: not Ann"]);
});

test("what was said without a connection waits and is sent in order after the reconnect", () => {
  const world = new World();
  world.open();
  world.socket.handlers.closed(1006, "");
  world.room.say("one");
  world.room.say("two");
  assert.equal(world.room.state.phase, "waiting");
  world.advance(60_000);
  world.socket.handlers.opened();
  assert.deepEqual(world.socket.sent.map(({ type, text }) => `${type} ${text}`), ["join ", "message one", "message two"]);
  world.echo();
  assert.equal(world.room.outbox.length, 0);
});

test("a message that was sent but did not come back is sent again with its id, and shown once", () => {
  const world = new World();
  world.open();
  world.room.say("maybe");
  const first = world.socket.sent[0];
  world.socket.handlers.closed(1001, "restart");
  world.advance(60_000);
  world.socket.handlers.opened();
  const again = world.socket.sent.find(({ type }) => type === "message");
  assert.equal(again?.id, first?.id);
  world.log = [];
  world.socket.handlers.message(encodeEnvelope(first ?? envelope()));
  world.echo();
  assert.deepEqual(world.log, ["own: maybe"]);
});

test("someone else's repeated message is shown once", () => {
  const world = new World();
  world.open();
  world.hear({});
  world.hear({});
  assert.deepEqual(world.log, ["Bea: hi"]);
});

test("attempts are spaced by backoff until one succeeds, which resets it", () => {
  const world = new World();
  world.room.connect();
  const waits: number[] = [];
  for (let i = 0; i < 7; i++) {
    world.socket.handlers.closed(1006, "");
    const { state } = world.room;
    assert.ok(state.phase === "waiting");
    waits.push(state.retryAt - world.time);
    world.advance(state.retryAt - world.time);
    assert.equal(world.room.state.phase, "connecting");
  }
  assert.deepEqual(waits, [375, 750, 1500, 3000, 6000, 11_250, 11_250]);
  world.socket.handlers.opened();
  world.socket.handlers.closed(1006, "");
  const { state } = world.room;
  assert.equal(state.phase === "waiting" && state.retryAt - world.time, 375);
});

test("connect() ends a wait at once and leaves no second attempt behind", () => {
  const world = new World();
  world.open();
  world.socket.handlers.closed(1006, "");
  world.room.connect();
  world.advance(60_000);
  assert.equal(world.sockets.length, 2);
});

test("a close that would only repeat stops the room until it is asked", () => {
  const world = new World();
  world.open();
  world.socket.handlers.closed(1008, "no");
  assert.deepEqual(world.room.state, { phase: "stopped", why: "1008 no" });
  world.advance(60_000);
  assert.equal(world.sockets.length, 1);
  world.room.connect();
  assert.equal(world.sockets.length, 2);
});

test("ten seconds of silence after own words count as a lost connection", () => {
  const world = new World();
  world.open();
  world.room.say("anyone?");
  world.advance(9999);
  assert.equal(world.room.state.phase, "open");
  world.advance(1);
  assert.equal(world.room.state.phase, "waiting");
  assert.equal(world.socket.closed, 4000);
});

test("an idle room asks for a sign of life every 25 seconds and stays open while it gets one", () => {
  const world = new World();
  world.open();
  for (let i = 0; i < 40; i++) {
    world.advance(5000);
    world.echo();
  }
  assert.equal(world.room.state.phase, "open");
  assert.equal(world.sockets.length, 1);
  world.advance(40_000);
  assert.notEqual(world.room.state.phase, "open");
});

test("handlers of an abandoned socket are ignored", () => {
  const world = new World();
  world.open();
  const old = world.socket.handlers;
  world.room.say("x");
  world.advance(10_000);
  world.log = [];
  old.closed(4000, "late");
  old.message(encodeEnvelope(envelope()));
  assert.deepEqual(world.log, []);
});

test("a join is announced once and answered with a delay; a leave is announced", () => {
  const world = new World();
  world.open();
  world.hear({ id: "b-1", type: "join" });
  world.hear({ id: "b-2", type: "join" });
  assert.equal(world.socket.sent.length, 0);
  world.advance(500);
  assert.deepEqual(world.socket.sent.map(({ type }) => type), ["here"]);
  world.hear({ id: "b-3", type: "leave" });
  assert.deepEqual(world.log, ["Bea join", "Bea leave"]);
});

test("text that is no envelope and binary messages are handed on as they came", () => {
  const world = new World();
  world.open();
  world.socket.handlers.message("<script>alert(1)</script>");
  world.socket.handlers.message(new ArrayBuffer(3));
  assert.deepEqual(world.log, ["raw <script>alert(1)</script>", "raw 3"]);
});

test("typing is said at most every 2.5 seconds, and not without a connection", () => {
  const world = new World();
  world.room.typing();
  world.open();
  world.room.typing();
  world.advance(2000);
  world.room.typing();
  assert.equal(world.socket.sent.length, 1);
  world.advance(500);
  world.room.typing();
  assert.equal(world.socket.sent.length, 2);
  world.room.say("done");
  world.room.typing();
  assert.equal(world.socket.sent.at(-1)?.type, "typing");
});

test("the outbox is bounded and says when it is full", () => {
  const world = new World();
  for (let i = 0; i < kOutboxMax; i++) assert.equal(world.room.say(`m${i}`), true);
  assert.equal(world.room.say("too many"), false);
  assert.equal(world.room.outbox.length, kOutboxMax);
});

test("leaving says so, closes with 1000 and leaves no timer behind", () => {
  const world = new World();
  world.open();
  world.room.say("bye");
  world.room.leave();
  assert.equal(world.socket.sent.at(-1)?.type, "leave");
  assert.equal(world.socket.closed, 1000);
  assert.equal(world.timers, 0);
});
