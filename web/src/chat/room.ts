// SPDX-License-Identifier: MIT
// One room over one WebSocket at a time: reconnects, keeps what was not delivered, and says so.
//
// It owns no clock, timer, random source or socket: they come in as `RoomEnvironment`.
import { Backoff } from "../lib/backoff";
import { closeName } from "../lib/close";
import { encodeEnvelope, type Envelope, type EnvelopeType, parseEnvelope } from "./envelope";
import { kHereEveryMs, Members } from "./members";

export interface RoomSocket {
  send(text: string): void;
  close(code: number, reason: string): void;
}

export type SocketHandlers = {
  opened(): void;
  message(payload: string | ArrayBuffer): void;
  closed(code: number, reason: string): void;
};

export interface RoomEnvironment {
  now(): number;
  /** In [0, 1). */
  random(): number;
  /** After the returned function was called, no handler of the socket may be. */
  connect(handlers: SocketHandlers): RoomSocket;
  /** Returns how to cancel. */
  after(ms: number, action: () => void): () => void;
}

export type RoomState =
  | { phase: "connecting"; attempt: number }
  | { phase: "open" }
  | { phase: "waiting"; attempt: number; retryAt: number; why: string }
  | { phase: "stopped"; why: string };

export type Outgoing = { envelope: Envelope; sent: boolean };

export type RoomEvents = {
  state(state: RoomState): void;
  /** A message of the room: someone else's, or one's own that came back. */
  message(envelope: Envelope, own: boolean): void;
  /** Someone's first join, or leave. */
  moved(envelope: Envelope): void;
  /** A text message that is no envelope, or null for a binary message. */
  unreadable(text: string | null, bytes: number): void;
  members(): void;
  /** The outbox changed. */
  outbox(): void;
};

export const kOutboxMax = 200;
const kSilenceMs = 10_000;
const kTypingEveryMs = 2500;
const kKnownIdsMax = 2000;
// A join is answered by at most about this many pages; the others' next "here" comes soon enough.
const kAnswersMax = 30;
// 1002, 1003, 1007, 1008, 1009, 1010: the same would happen again.
const kFinal: readonly number[] = [1002, 1003, 1007, 1008, 1009, 1010];

export class Room {
  readonly members = new Members();
  readonly #environment: RoomEnvironment;
  readonly #events: RoomEvents;
  readonly #self: { from: string; name: string };
  readonly #backoff = new Backoff();
  readonly #known = new Set<string>();
  #outbox: Outgoing[] = [];
  #state: RoomState = { phase: "stopped", why: "" };
  #socket: RoomSocket | null = null;
  /** Counts sockets, so that a handler of an abandoned one is recognised. */
  #generation = 0;
  #lastId = 0;
  #lastTyping = Number.NEGATIVE_INFINITY;
  #cancelRetry: () => void = () => {};
  #cancelHere: () => void = () => {};
  #cancelAnswer: (() => void) | null = null;
  #cancelSilence: (() => void) | null = null;

  constructor(environment: RoomEnvironment, self: { from: string; name: string }, events: RoomEvents) {
    this.#environment = environment;
    this.#events = events;
    this.#self = { ...self };
  }

  get state(): RoomState {
    return this.#state;
  }

  /** Own messages that did not come back yet, oldest first. */
  get outbox(): readonly Outgoing[] {
    return this.#outbox;
  }

  /** Connects now: at first, from a wait, or after the room stopped. */
  connect(): void {
    if (this.#state.phase === "open" || this.#state.phase === "connecting") return;
    this.#cancelRetry();
    const generation = ++this.#generation;
    const current = (action: () => void) => {
      if (generation === this.#generation) action();
    };
    this.#setState({ phase: "connecting", attempt: this.#backoff.attempts + 1 });
    this.#socket = this.#environment.connect({
      opened: () => current(() => this.#opened()),
      message: (payload) => current(() => this.#received(payload)),
      closed: (code, reason) => current(() => this.#closed(code, reason)),
    });
  }

  /** Queues a message and sends it if it can. False where too many wait already. */
  say(text: string): boolean {
    if (this.#outbox.length >= kOutboxMax) return false;
    const outgoing = { envelope: this.#envelope("message", text), sent: false };
    this.#outbox.push(outgoing);
    // A message ends the writing before it, on the other pages too.
    this.#lastTyping = Number.NEGATIVE_INFINITY;
    this.#flush();
    this.#events.outbox();
    return true;
  }

  /** Says that its user is writing; at most every 2.5 seconds. */
  typing(): void {
    const now = this.#environment.now();
    if (this.#state.phase !== "open" || now - this.#lastTyping < kTypingEveryMs) return;
    this.#lastTyping = now;
    this.#send(this.#envelope("typing"));
  }

  rename(name: string): void {
    if (name === this.#self.name) return;
    this.#self.name = name;
    if (this.#state.phase === "open") this.#announce();
  }

  /** Leaves for good: says so, closes, forgets its timers. */
  leave(): void {
    if (this.#state.phase === "open") this.#send(this.#envelope("leave"));
    this.#abandon(1000, "left");
    this.#setState({ phase: "stopped", why: "left" });
  }

  #opened(): void {
    this.#backoff.reset();
    this.members.clear();
    this.#setState({ phase: "open" });
    this.#send(this.#envelope("join"));
    this.#expectEcho();
    this.#scheduleHere();
    for (const outgoing of this.#outbox) outgoing.sent = false;
    this.#flush();
    this.#events.outbox();
  }

  #closed(code: number, reason: string): void {
    this.#abandon(0, "");
    const why = reason === "" ? `${code} ${closeName(code)}` : `${code} ${reason}`;
    if (kFinal.includes(code)) this.#setState({ phase: "stopped", why });
    else this.#retry(why);
  }

  #retry(why: string): void {
    const wait = this.#backoff.next(this.#environment.random());
    const retryAt = this.#environment.now() + wait;
    this.#setState({ phase: "waiting", attempt: this.#backoff.attempts, retryAt, why });
    this.#cancelRetry = this.#environment.after(wait, () => this.connect());
  }

  /** Ends the current socket (with a Close frame if `code`) and every timer. */
  #abandon(code: number, reason: string): void {
    this.#generation++;
    const socket = this.#socket;
    this.#socket = null;
    this.#cancelRetry();
    this.#cancelHere();
    this.#cancelAnswer?.();
    this.#cancelAnswer = null;
    this.#cancelSilence?.();
    this.#cancelSilence = null;
    if (code !== 0) socket?.close(code, reason);
  }

  #received(payload: string | ArrayBuffer): void {
    if (typeof payload !== "string") {
      this.#events.unreadable(null, payload.byteLength);
      return;
    }
    const envelope = parseEnvelope(payload);
    if (envelope === null) {
      this.#events.unreadable(payload, payload.length);
      return;
    }
    if (!this.#isRepeat(envelope.id)) this.#heard(envelope);
    if (envelope.from === this.#self.from) this.#heardItself();
  }

  #heard(envelope: Envelope): void {
    const own = envelope.from === this.#self.from;
    const isNew = !this.members.has(envelope.from);
    const leaves = envelope.type === "leave";
    this.members.hear(envelope, this.#environment.now());
    if (envelope.type === "message") {
      // By id, not by `from`, which anyone in the room could copy.
      this.#events.message(envelope, this.#delivered(envelope.id));
    } else if (!own && ((envelope.type === "join" && isNew) || (leaves && !isNew))) {
      this.#events.moved(envelope);
    }
    if (envelope.type === "join" && !own) this.#answerJoin();
    this.#events.members();
  }

  /** Whether `id` was in the outbox; it no longer is. */
  #delivered(id: string): boolean {
    const waiting = this.#outbox.length;
    this.#outbox = this.#outbox.filter((outgoing) => outgoing.envelope.id !== id);
    if (this.#outbox.length === waiting) return false;
    this.#events.outbox();
    return true;
  }

  #isRepeat(id: string): boolean {
    if (this.#known.has(id)) return true;
    this.#known.add(id);
    if (this.#known.size > kKnownIdsMax) {
      const oldest = this.#known.values().next();
      if (oldest.done !== true) this.#known.delete(oldest.value);
    }
    return false;
  }

  #flush(): void {
    if (this.#state.phase !== "open") return;
    for (const outgoing of this.#outbox) {
      if (outgoing.sent) continue;
      outgoing.sent = true;
      this.#send(outgoing.envelope);
      this.#expectEcho();
    }
  }

  /** The room returns what it is sent: silence after own words means a dead connection. */
  #expectEcho(): void {
    if (this.#cancelSilence !== null) return;
    this.#cancelSilence = this.#environment.after(kSilenceMs, () => {
      this.#abandon(4000, "nothing came back");
      this.#retry("the server fell silent");
    });
  }

  #heardItself(): void {
    this.#cancelSilence?.();
    this.#cancelSilence = null;
    if (this.#outbox.some((outgoing) => outgoing.sent)) this.#expectEcho();
  }

  #announce(): void {
    this.#send(this.#envelope("here"));
    this.#expectEcho();
  }

  #scheduleHere(): void {
    const wait = kHereEveryMs * (0.9 + this.#environment.random() / 10);
    this.#cancelHere = this.#environment.after(wait, () => {
      this.#announce();
      this.#scheduleHere();
      this.#events.members();
    });
  }

  /** Tells a newcomer who is here; late by chance, so that a full room does not answer at once. */
  #answerJoin(): void {
    if (this.#cancelAnswer !== null) return;
    if (this.#environment.random() * this.members.size > kAnswersMax) return;
    this.#cancelAnswer = this.#environment.after(50 + this.#environment.random() * 400, () => {
      this.#cancelAnswer = null;
      this.#announce();
    });
  }

  #envelope(type: EnvelopeType, text = ""): Envelope {
    const id = `${this.#self.from}-${++this.#lastId}`;
    return { id, from: this.#self.from, type, name: this.#self.name, text, time: this.#environment.now() };
  }

  #send(envelope: Envelope): void {
    this.#socket?.send(encodeEnvelope(envelope));
  }

  #setState(state: RoomState): void {
    this.#state = state;
    this.#events.state(state);
  }
}
