// SPDX-License-Identifier: MIT
// One browser WebSocket at a time, with the moments of its life as events.
import type { Bytes } from "../lib/bytes";

export type Phase = "idle" | "connecting" | "open" | "closing" | "closed";

export type Closed = {
  code: number;
  reason: string;
  wasClean: boolean;
  /** Whether it had been open. */
  opened: boolean;
};

export type ConnectionEvents = {
  phase(phase: Phase): void;
  opened(facts: { elapsedMs: number; protocol: string; extensions: string }): void;
  message(payload: string | Bytes): void;
  closed(closed: Closed): void;
};

export class Connection {
  readonly #events: ConnectionEvents;
  #socket: WebSocket | null = null;
  #phase: Phase = "idle";

  constructor(events: ConnectionEvents) {
    this.#events = events;
  }

  get phase(): Phase {
    return this.#phase;
  }

  get bufferedBytes(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** Throws what the WebSocket constructor throws: a URL or subprotocol it refuses, mixed content. */
  open(url: string, protocols: string[]): void {
    const socket = new WebSocket(url, protocols);
    const start = performance.now();
    let opened = false;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      opened = true;
      this.#setPhase("open");
      const { protocol, extensions } = socket;
      this.#events.opened({ elapsedMs: performance.now() - start, protocol, extensions });
    };
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      this.#events.message(typeof data === "string" ? data : new Uint8Array(data));
    };
    socket.onclose = ({ code, reason, wasClean }) => {
      this.#socket = null;
      this.#setPhase("closed");
      this.#events.closed({ code, reason, wasClean, opened });
    };
    this.#socket = socket;
    this.#setPhase("connecting");
  }

  /** Whether it was handed to the browser; it may still wait there (bufferedBytes). */
  send(payload: string | Bytes): boolean {
    if (this.#phase !== "open" || this.#socket === null) return false;
    this.#socket.send(payload);
    return true;
  }

  /** Starts the closing handshake, or gives up connecting. */
  close(code: number, reason: string): void {
    if (this.#socket === null) return;
    this.#socket.close(code, reason);
    this.#setPhase("closing");
  }

  #setPhase(phase: Phase): void {
    this.#phase = phase;
    this.#events.phase(phase);
  }
}
