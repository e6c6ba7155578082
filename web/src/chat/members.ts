// SPDX-License-Identifier: MIT
// Who seems to be in a room: those whose page announced itself lately. The server keeps no list.
import type { Envelope } from "./envelope";

export const kHereEveryMs = 25_000;
const kForgetMs = 2.6 * kHereEveryMs;
const kTypingMs = 4000;
const kMembersMax = 500;

export type Member = { from: string; name: string; typing: boolean };
type Seen = { name: string; at: number; typingUntil: number };

export class Members {
  readonly #seen = new Map<string, Seen>();

  get size(): number {
    return this.#seen.size;
  }

  has(from: string): boolean {
    return this.#seen.has(from);
  }

  /** Takes note of anything that was received. */
  hear(envelope: Envelope, now: number): void {
    if (envelope.type === "leave") {
      this.#seen.delete(envelope.from);
      return;
    }
    if (!this.#seen.has(envelope.from) && this.#seen.size >= kMembersMax) return;
    const typingUntil = envelope.type === "typing" ? now + kTypingMs : 0;
    this.#seen.set(envelope.from, { name: envelope.name, at: now, typingUntil });
  }

  /** Those heard of within about a minute, by name. */
  list(now: number): Member[] {
    for (const [from, seen] of this.#seen) {
      if (now - seen.at > kForgetMs) this.#seen.delete(from);
    }
    return [...this.#seen]
      .map(([from, seen]) => ({ from, name: seen.name, typing: seen.typingUntil > now }))
      .sort((a, b) => a.name.localeCompare(b.name) || a.from.localeCompare(b.from));
  }

  clear(): void {
    this.#seen.clear();
  }
}
