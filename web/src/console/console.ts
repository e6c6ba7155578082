// SPDX-License-Identifier: MIT
// The console: connects to any WebSocket, sends and lists messages, closes as told.
import { byId, download, el, setProblem, storage } from "../dom";
import { closeError, closeHint, closeName } from "../lib/close";
import { formatDuration, formatMilliseconds } from "../lib/format";
import { type Entry, exportLine, FrameLog, type Kind } from "../lib/frame_log";
import { parseList, remember } from "../lib/history";
import { defaultUrl, parseSubprotocols, parseTarget } from "../lib/target";
import { Composer, type Payload, sizeOf } from "./composer";
import { type Closed, Connection, type Phase } from "./connection";
import { Inspector } from "./inspector";
import { LogView } from "./log_view";
import { Meters } from "./meters";

const kUrlsMax = 12;

export class Console {
  readonly #log = new FrameLog();
  readonly #inspector = new Inspector(() => this.#deselect());
  readonly #view = new LogView(this.#log, (entry) => this.#inspector.show(entry));
  readonly #meters = new Meters((text) => this.#send(text, true));
  readonly #connection: Connection;
  readonly #composer: Composer;
  readonly #url = byId("url", HTMLInputElement);
  readonly #status = byId("status", HTMLElement);
  readonly #error = byId("connect-error", HTMLElement);
  #openedAt = 0;
  #elapsed = "";

  constructor() {
    this.#connection = new Connection({
      phase: (phase) => this.#drawPhase(phase),
      opened: (facts) => this.#opened(facts),
      message: (payload) => this.#received(payload),
      closed: (closed) => this.#closed(closed),
    });
    const connection = this.#connection;
    this.#composer = new Composer({
      send: (payload) => this.#send(payload, false),
      get bufferedBytes() {
        return connection.bufferedBytes;
      },
    });
    this.#bind();
    this.#url.value = defaultUrl(location, "/echo");
    this.#drawUrls();
    setInterval(() => this.#drawUptime(), 500);
  }

  show(): void {
    this.#meters.draw();
    this.#view.schedule();
  }

  #bind(): void {
    byId("connect-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#connection.phase === "connecting") this.#connection.close(1000, "");
      else this.#connect();
    });
    byId("close-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#close();
    });
    byId("export", HTMLButtonElement).addEventListener("click", () => this.#export());
  }

  #connect(): void {
    const target = parseTarget(this.#url.value, location);
    const protocols = parseSubprotocols(byId("protocols", HTMLInputElement).value);
    const problem = !target.ok ? target.error : !protocols.ok ? protocols.error : null;
    this.#url.setAttribute("aria-invalid", String(!target.ok));
    setProblem(this.#error, problem);
    if (!target.ok || !protocols.ok) return;
    byId("endpoint", HTMLElement).textContent = target.value;
    try {
      this.#connection.open(target.value, protocols.value);
    } catch (error) {
      setProblem(this.#error, error instanceof Error ? error.message : String(error));
      return;
    }
    this.#meters.restart();
    this.#note("note", `Connecting to ${target.value}`);
    this.#rememberUrl(this.#url.value.trim());
  }

  #close(): void {
    const reason = byId("close-reason", HTMLInputElement).value;
    const code = Number(byId("close-code", HTMLInputElement).value);
    const problem = closeError(code, reason);
    setProblem(this.#error, problem);
    if (problem !== null) return;
    this.#note("note", `Closing with ${code} ${closeName(code)}${quoted(reason)}`);
    this.#connection.close(code, reason);
  }

  #send(payload: Payload, probe: boolean): boolean {
    if (!this.#connection.send(payload)) return false;
    const bytes = sizeOf(payload);
    this.#meters.sent(payload, bytes);
    this.#add("out", kindOf(payload), payload, bytes, probe);
    return true;
  }

  #received(payload: Payload): void {
    const bytes = sizeOf(payload);
    const probe = this.#meters.isReturnedProbe(payload);
    this.#meters.received(payload, bytes);
    this.#add("in", kindOf(payload), payload, bytes, probe);
  }

  #opened(facts: { elapsedMs: number; protocol: string; extensions: string }): void {
    this.#openedAt = performance.now();
    this.#elapsed = formatMilliseconds(facts.elapsedMs);
    const protocol = facts.protocol === "" ? "no subprotocol" : `subprotocol ${facts.protocol}`;
    const extensions = facts.extensions === "" ? "no extensions" : facts.extensions;
    byId("endpoint-facts", HTMLElement).textContent = `${protocol} · ${extensions}`;
    this.#note("open", `Open after ${this.#elapsed} · ${protocol} · ${extensions}`);
    this.#drawUptime();
    // Not on a phone, where focus brings the keyboard up over the page.
    if (matchMedia("(min-width: 900px)").matches) byId("message", HTMLTextAreaElement).focus();
  }

  #closed({ code, reason, wasClean, opened }: Closed): void {
    const clean = wasClean ? "clean" : "not clean";
    const text = `${opened ? "Closed" : "Failed"} with ${code} ${closeName(code)}${quoted(reason)} · ${clean}`;
    const hint = closeHint(code, opened);
    this.#status.dataset["phase"] = opened && wasClean ? "closed" : "failed";
    this.#drawStatus(text, hint ?? "");
    this.#note(wasClean ? "close" : "error", hint === null ? text : `${text}. ${hint}`);
  }

  #add(direction: "in" | "out" | "local", kind: Kind, payload: Payload, bytes: number, probe: boolean): void {
    const at = performance.timeOrigin + performance.now();
    this.#log.add({ at, direction, kind, bytes, payload, probe });
    this.#view.schedule();
  }

  #note(kind: Kind, text: string): void {
    this.#add("local", kind, text, 0, false);
  }

  #deselect(): void {
    this.#view.select(null);
    this.#view.focus();
  }

  #export(): void {
    const lines = this.#view.shown.map((entry: Entry) => `${exportLine(entry)}\n`);
    const stamp = new Date().toISOString().replace(/[:.]/g, "-");
    download(`walkie-${stamp}.jsonl`, lines, "application/x-ndjson");
  }

  #drawPhase(phase: Phase): void {
    const live = phase === "open" || phase === "closing";
    byId("connect-form", HTMLFormElement).hidden = live;
    byId("close-form", HTMLFormElement).hidden = !live;
    byId("connect", HTMLButtonElement).textContent = phase === "connecting" ? "Cancel" : "Connect";
    byId("disconnect", HTMLButtonElement).disabled = phase === "closing";
    this.#status.dataset["phase"] = phase;
    this.#composer.setOpen(phase === "open");
    setProblem(this.#error, null);
    if (phase === "connecting") this.#drawStatus("Connecting…", "");
    if (phase === "closing") this.#drawStatus("Closing: waiting for the peer's Close frame…", "");
  }

  #drawUptime(): void {
    if (this.#connection.phase !== "open") return;
    const uptime = formatDuration(performance.now() - this.#openedAt);
    this.#drawStatus("Open", `for ${uptime} · connected in ${this.#elapsed}`);
  }

  #drawStatus(text: string, hint: string): void {
    const status = byId("status-text", HTMLElement);
    // Only a change may touch the live region, or screen readers repeat it.
    if (status.textContent !== text) status.textContent = text;
    byId("status-hint", HTMLElement).textContent = hint;
  }

  #rememberUrl(url: string): void {
    const urls = remember(parseList(storage.get("urls"), kUrlsMax), url, kUrlsMax);
    storage.set("urls", JSON.stringify(urls));
    this.#drawUrls();
  }

  #drawUrls(): void {
    const options = parseList(storage.get("urls"), kUrlsMax).map((url) => {
      const option = el("option");
      option.value = url;
      return option;
    });
    byId("url-history", HTMLDataListElement).replaceChildren(...options);
  }
}

function kindOf(payload: Payload): "text" | "binary" {
  return typeof payload === "string" ? "text" : "binary";
}

function quoted(reason: string): string {
  return reason === "" ? "" : ` “${reason}”`;
}
