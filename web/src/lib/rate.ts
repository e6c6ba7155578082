// SPDX-License-Identifier: MIT
// Messages and bytes per second, now and over the last minute.

const kBucketMs = 250;
const kBucketsPerSecond = 1000 / kBucketMs;
const kBuckets = 60 * kBucketsPerSecond + kBucketsPerSecond;

export type Rate = { messages: number; bytes: number };

/** Counts in buckets of 250 ms, of which the last minute's are kept. Times must not run back. */
export class RateMeter {
  readonly #messages = new Float64Array(kBuckets);
  readonly #bytes = new Float64Array(kBuckets);
  #current = 0;

  add(now: number, bytes: number): void {
    this.#advance(now);
    const slot = this.#current % kBuckets;
    this.#messages[slot] = (this.#messages[slot] ?? 0) + 1;
    this.#bytes[slot] = (this.#bytes[slot] ?? 0) + bytes;
  }

  /** Over the last whole second of complete buckets. */
  rate(now: number): Rate {
    this.#advance(now);
    return { messages: this.#second(this.#messages, 1), bytes: this.#second(this.#bytes, 1) };
  }

  /** Messages per second at `points` moments 250 ms apart, oldest first. */
  series(now: number, points = 60 * kBucketsPerSecond - kBucketsPerSecond): number[] {
    this.#advance(now);
    return Array.from({ length: points }, (_, i) => this.#second(this.#messages, points - i));
  }

  clear(): void {
    this.#messages.fill(0);
    this.#bytes.fill(0);
  }

  /** The sum of the second that ends `back` buckets before the current, incomplete one. */
  #second(buckets: Float64Array, back: number): number {
    let sum = 0;
    for (let i = 0; i < kBucketsPerSecond; i++) {
      const at = this.#current - back - i;
      if (at >= 0) sum += buckets[at % kBuckets] ?? 0;
    }
    return sum;
  }

  #advance(now: number): void {
    const target = Math.floor(now / kBucketMs);
    const from = Math.max(this.#current + 1, target - kBuckets + 1);
    for (let at = from; at <= target; at++) {
      this.#messages[at % kBuckets] = 0;
      this.#bytes[at % kBuckets] = 0;
    }
    this.#current = Math.max(this.#current, target);
  }
}
