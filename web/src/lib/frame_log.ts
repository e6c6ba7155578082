// SPDX-License-Identifier: MIT
// The bounded list of what went over a connection, and the part of it that a filter lets through.
import { type Bytes, decodeUtf8, encodeUtf8, toBase64 } from "./bytes";

export type Direction = "in" | "out" | "local";
export type Kind = "text" | "binary" | "open" | "close" | "error" | "note";

export type Entry = {
  seq: number;
  /** Milliseconds since the epoch, with the fraction the browser gives. */
  at: number;
  direction: Direction;
  kind: Kind;
  /** The message's size on the wire, uncompressed and without headers; 0 for events. */
  bytes: number;
  payload: string | Bytes;
  /** Whether `payload` is only the message's beginning. */
  cut: boolean;
  probe: boolean;
};

export type NewEntry = Omit<Entry, "seq" | "cut">;

export type LogLimits = { entriesMax: number; bytesMax: number; payloadBytesMax: number };

const kLimits: LogLimits = {
  entriesMax: 2000,
  bytesMax: 64 * 1024 * 1024,
  payloadBytesMax: 4 * 1024 * 1024,
};
const kCutBytes = 64 * 1024;

/** Keeps the newest entries within three limits; the oldest go first. */
export class FrameLog {
  readonly #limits: LogLimits;
  #entries: Entry[] = [];
  #start = 0;
  #bytes = 0;
  #next = 0;

  constructor(limits: Partial<LogLimits> = {}) {
    this.#limits = { ...kLimits, ...limits };
  }

  /** How many entries there were in all. */
  get total(): number {
    return this.#next;
  }

  get size(): number {
    return this.#entries.length - this.#start;
  }

  add(entry: NewEntry): Entry {
    const cut = entry.bytes > this.#limits.payloadBytesMax;
    const payload = cut ? beginning(entry.payload) : entry.payload;
    const added = { ...entry, payload, cut, seq: this.#next++ };
    this.#entries.push(added);
    this.#bytes += held(added);
    this.#trim();
    return added;
  }

  /** A copy, oldest first. */
  entries(): Entry[] {
    return this.#entries.slice(this.#start);
  }

  /** Those added since the entry `seq`, oldest first. */
  since(seq: number): Entry[] {
    const first = this.#entries[this.#start]?.seq ?? this.#next;
    return this.#entries.slice(this.#start + Math.max(0, seq + 1 - first));
  }

  /** The oldest kept entry's number. */
  get firstSeq(): number {
    return this.#entries[this.#start]?.seq ?? this.#next;
  }

  clear(): void {
    this.#entries = [];
    this.#start = 0;
    this.#bytes = 0;
  }

  #trim(): void {
    const { entriesMax, bytesMax } = this.#limits;
    while (this.size > entriesMax || (this.#bytes > bytesMax && this.size > 1)) {
      const oldest = this.#entries[this.#start++];
      if (oldest !== undefined) this.#bytes -= held(oldest);
    }
    // Dropped slots go in batches, so that a full log costs O(1) per message.
    if (this.#start > entriesMax) {
      this.#entries = this.#entries.slice(this.#start);
      this.#start = 0;
    }
  }
}

function held(entry: Entry): number {
  return entry.cut ? kCutBytes : entry.bytes;
}

/** A copy of the first bytes: a slice of a string or buffer would keep all of it alive. */
function beginning(payload: string | Bytes): string | Bytes {
  if (typeof payload !== "string") return payload.slice(0, kCutBytes);
  return new TextDecoder().decode(encodeUtf8(payload.slice(0, kCutBytes)));
}

export type Filter = {
  text: string;
  direction: "all" | "in" | "out";
  probes: boolean;
};

export function matches(entry: Entry, filter: Filter): boolean {
  if (entry.probe && !filter.probes) return false;
  if (filter.direction !== "all" && entry.direction !== filter.direction) return false;
  if (filter.text === "") return true;
  return searchable(entry).toLowerCase().includes(filter.text.toLowerCase());
}

function searchable(entry: Entry): string {
  if (typeof entry.payload === "string") return `${entry.kind} ${entry.payload}`;
  return `${entry.kind} ${decodeUtf8(entry.payload) ?? ""}`;
}

/** One line of JSON per entry: what "export" writes. */
export function exportLine(entry: Entry): string {
  const payload =
    typeof entry.payload === "string"
      ? { text: entry.payload }
      : { base64: toBase64(entry.payload) };
  return JSON.stringify({
    time: new Date(entry.at).toISOString(),
    direction: entry.direction,
    kind: entry.kind,
    bytes: entry.bytes,
    ...payload,
    ...(entry.cut ? { cut: true } : {}),
    ...(entry.probe ? { probe: true } : {}),
  });
}
