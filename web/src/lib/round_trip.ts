// SPDX-License-Identifier: MIT
// Round trips as a page can see them: from send() until an identical message came back.

const kOutstandingMax = 256;
const kForgetMs = 30_000;
const kSamples = 64;
const kWholeMax = 512;

export type RoundTrips = { count: number; last: number; min: number; median: number };

/** What two messages must share to count as identical: all of it, or length, start and end. */
export function fingerprint(payload: string | Uint8Array): string {
  if (typeof payload === "string") {
    if (payload.length <= kWholeMax) return `t${payload}`;
    return `t${payload.length}:${payload.slice(0, 128)}:${payload.slice(-128)}`;
  }
  if (payload.length <= kWholeMax) return `b${payload.join()}`;
  return `b${payload.length}:${payload.subarray(0, 128).join()}:${payload.subarray(-128).join()}`;
}

type Sent = { print: string; at: number };

/**
 * Matches messages in with messages out. It measures network, server and both queues of this
 * page together, and only where the peer echoes; browsers let pages neither send nor see pings.
 */
export class EchoTimer {
  #outstanding: Sent[] = [];
  #samples: number[] = [];
  #count = 0;

  sent(payload: string | Uint8Array, now: number): void {
    if (this.#outstanding.length >= kOutstandingMax) this.#outstanding.shift();
    this.#outstanding.push({ print: fingerprint(payload), at: now });
  }

  /** The round trip in milliseconds, or null where nothing outstanding looks the same. */
  received(payload: string | Uint8Array, now: number): number | null {
    this.#forget(now);
    if (this.#outstanding.length === 0) return null;
    const print = fingerprint(payload);
    const at = this.#outstanding.findIndex((sent) => sent.print === print);
    const match = this.#outstanding[at];
    if (match === undefined) return null;
    // Echoes keep their order, so what was sent before the match will not come back.
    this.#outstanding.splice(0, at + 1);
    const elapsed = now - match.at;
    this.#samples.push(elapsed);
    if (this.#samples.length > kSamples) this.#samples.shift();
    this.#count++;
    return elapsed;
  }

  /** Over the last 64 round trips; null before the first. */
  summary(): RoundTrips | null {
    const last = this.#samples.at(-1);
    if (last === undefined) return null;
    const sorted = [...this.#samples].sort((a, b) => a - b);
    const median = sorted[Math.floor(sorted.length / 2)] ?? last;
    return { count: this.#count, last, min: sorted[0] ?? last, median };
  }

  clear(): void {
    this.#outstanding = [];
    this.#samples = [];
    this.#count = 0;
  }

  #forget(now: number): void {
    const stale = this.#outstanding.findIndex((sent) => now - sent.at <= kForgetMs);
    this.#outstanding.splice(0, stale === -1 ? this.#outstanding.length : stale);
  }
}
