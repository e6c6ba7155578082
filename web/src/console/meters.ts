// SPDX-License-Identifier: MIT
// What is measured while a connection runs: rates in and out, totals, round trips.
import { byId } from "../dom";
import { formatBytes, formatCount, formatMilliseconds } from "../lib/format";
import { RateMeter } from "../lib/rate";
import { EchoTimer } from "../lib/round_trip";
import { drawSparkline } from "./sparkline";

const kUnansweredMs = 3000;
const kNotes = {
  passive:
    "From send() until an identical message came back, so it needs a peer that echoes; " +
    "browsers let pages neither send nor see pings.",
  probing:
    "A small text message each second, timed until it comes back. Probes count as messages; " +
    "the list hides them unless you filter by “walkie-probe”.",
  silent: "Probes do not come back: this endpoint does not echo, or it is very slow.",
} as const;

class DirectionMeter {
  readonly #rate = new RateMeter();
  readonly #side: "in" | "out";
  #messages = 0;
  #bytes = 0;

  constructor(side: "in" | "out") {
    this.#side = side;
  }

  add(now: number, bytes: number): void {
    this.#rate.add(now, bytes);
    this.#messages++;
    this.#bytes += bytes;
  }

  clear(): void {
    this.#rate.clear();
    this.#messages = this.#bytes = 0;
  }

  draw(now: number): void {
    const text = (id: string, value: string) => {
      byId(`${id}-${this.#side}`, HTMLElement).textContent = value;
    };
    const { messages, bytes } = this.#rate.rate(now);
    text("rate", formatCount(messages));
    text("bytes", `${formatBytes(bytes)}/s`);
    text("total", `${formatCount(this.#messages)} in all · ${formatBytes(this.#bytes)}`);
    drawSparkline(byId(`spark-${this.#side}`, HTMLCanvasElement), this.#rate.series(now));
  }
}

export class Meters {
  readonly #in = new DirectionMeter("in");
  readonly #out = new DirectionMeter("out");
  readonly #echoes = new EchoTimer();
  readonly #probe = byId("probe", HTMLInputElement);
  readonly #outstanding = new Map<string, number>();
  #probes = 0;

  /** `probe` sends a probe if a connection is open; it says whether it did. */
  constructor(probe: (text: string) => boolean) {
    setInterval(() => this.draw(), 250);
    setInterval(() => {
      if (this.#probe.checked) this.#sendProbe(probe);
    }, 1000);
    this.#probe.addEventListener("change", () => {
      this.#outstanding.clear();
      this.draw();
    });
  }

  /** A new connection: all counts start again. */
  restart(): void {
    this.#in.clear();
    this.#out.clear();
    this.#echoes.clear();
    this.#outstanding.clear();
  }

  sent(payload: string | Uint8Array, bytes: number): void {
    const now = performance.now();
    this.#out.add(now, bytes);
    this.#echoes.sent(payload, now);
  }

  received(payload: string | Uint8Array, bytes: number): void {
    const now = performance.now();
    this.#in.add(now, bytes);
    this.#echoes.received(payload, now);
  }

  /** Whether this is a probe that came back. */
  isReturnedProbe(payload: string | Uint8Array): boolean {
    return typeof payload === "string" && this.#outstanding.delete(payload);
  }

  draw(): void {
    if (document.hidden || byId("console", HTMLElement).hidden) return;
    const now = performance.now();
    this.#in.draw(now);
    this.#out.draw(now);
    this.#drawRoundTrip(now);
  }

  #drawRoundTrip(now: number): void {
    const trips = this.#echoes.summary();
    byId("rtt", HTMLOutputElement).textContent = trips === null ? "–" : formatMilliseconds(trips.last);
    byId("rtt-more", HTMLElement).textContent =
      trips === null
        ? ""
        : `median ${formatMilliseconds(trips.median)} · least ${formatMilliseconds(trips.min)}`;
    const oldest = this.#outstanding.values().next().value;
    const silent = oldest !== undefined && now - oldest > kUnansweredMs;
    const note = !this.#probe.checked ? "passive" : silent ? "silent" : "probing";
    const element = byId("rtt-note", HTMLElement);
    if (element.dataset["note"] === note) return;
    element.dataset["note"] = note;
    element.textContent = kNotes[note];
  }

  #sendProbe(send: (text: string) => boolean): void {
    const text = `walkie-probe ${++this.#probes} ${Math.random().toString(36).slice(2, 8)}`;
    this.#outstanding.set(text, performance.now());
    if (!send(text)) this.#outstanding.delete(text);
    // Ten unanswered ones are enough to know.
    const [first] = this.#outstanding.keys();
    if (this.#outstanding.size > 10 && first !== undefined) this.#outstanding.delete(first);
  }
}
