// SPDX-License-Identifier: MIT
// How long to wait before the next attempt to connect.

export type BackoffOptions = { firstMs: number; maxMs: number; factor: number };

const kDefaults: BackoffOptions = { firstMs: 500, maxMs: 15_000, factor: 2 };

/**
 * Exponential, with jitter: each wait is between half and all of a ceiling that grows by `factor`
 * up to `maxMs`, so that many pages that lost one server do not return in the same instant.
 */
export class Backoff {
  readonly #options: BackoffOptions;
  #attempts = 0;

  constructor(options: Partial<BackoffOptions> = {}) {
    this.#options = { ...kDefaults, ...options };
  }

  get attempts(): number {
    return this.#attempts;
  }

  /** The next wait in milliseconds; `random` is in [0, 1). */
  next(random: number): number {
    const { firstMs, maxMs, factor } = this.#options;
    const ceiling = Math.min(maxMs, firstMs * factor ** this.#attempts);
    this.#attempts++;
    return Math.round(ceiling * (0.5 + random / 2));
  }

  reset(): void {
    this.#attempts = 0;
  }
}
