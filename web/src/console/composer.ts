// SPDX-License-Identifier: MIT
// Where a message is written: text, hex, base64 or a file; history and repetition.
import { byId, el, segments, setProblem, storage } from "../dom";
import { type Bytes, parseBase64, type Parsed, parseHex, utf8Length } from "../lib/bytes";
import { formatBytes, previewText } from "../lib/format";
import { parseList, remember } from "../lib/history";

type Mode = "text" | "hex" | "base64" | "file";
export type Payload = string | Bytes;

const kHistoryMax = 50;
const kTimesMax = 100_000;
const kBurst = 200;
const kBufferedBytesMax = 1024 * 1024;
const kPlaceholders: Record<Mode, string> = {
  text: "Message",
  hex: "48 65 6c 6c 6f",
  base64: "SGVsbG8=",
  file: "",
};

export interface Sender {
  send(payload: Payload): boolean;
  readonly bufferedBytes: number;
}

export class Composer {
  readonly #sender: Sender;
  readonly #text = byId("message", HTMLTextAreaElement);
  readonly #drop = byId("drop", HTMLLabelElement);
  readonly #file = byId("file", HTMLInputElement);
  readonly #send = byId("send", HTMLButtonElement);
  readonly #repeat = byId("repeat", HTMLButtonElement);
  readonly #history = byId("history", HTMLSelectElement);
  #mode: Mode = "text";
  #chosen: { name: string; bytes: Bytes } | null = null;
  #last: Payload | null = null;
  #sent = parseList(storage.get("history"), kHistoryMax);
  #recalled = -1;
  #open = false;
  #left = 0;

  constructor(sender: Sender) {
    this.#sender = sender;
    this.#bindInput();
    this.#bindFile();
    this.#bindHistory();
    const times = byId("times", HTMLInputElement);
    this.#repeat.addEventListener("click", () => {
      if (this.#left > 0) this.#stop();
      else this.#startRepeating(Number(times.value));
    });
    this.#drawHistory();
  }

  setOpen(open: boolean): void {
    this.#open = open;
    if (!open) this.#stop();
    this.#draw();
  }

  #bindInput(): void {
    const modes = document.querySelector(".composer-bar .segments");
    if (modes !== null) segments(modes, "mode", (mode) => this.#setMode(mode as Mode));
    this.#text.addEventListener("input", () => this.#draw());
    this.#text.addEventListener("keydown", (event) => this.#key(event));
    byId("composer", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  #bindFile(): void {
    this.#file.addEventListener("change", () => this.#choose(this.#file.files?.[0]));
    this.#drop.addEventListener("dragover", (event) => {
      event.preventDefault();
      this.#drop.classList.add("is-over");
    });
    this.#drop.addEventListener("dragleave", () => this.#drop.classList.remove("is-over"));
    this.#drop.addEventListener("drop", (event) => {
      event.preventDefault();
      this.#drop.classList.remove("is-over");
      this.#choose(event.dataTransfer?.files[0]);
    });
  }

  #bindHistory(): void {
    this.#history.addEventListener("change", () => {
      const text = this.#sent[Number(this.#history.value)];
      this.#history.selectedIndex = 0;
      if (text !== undefined) this.#recall(text);
      this.#text.focus();
    });
  }

  #setMode(mode: Mode): void {
    this.#mode = mode;
    this.#text.hidden = mode === "file";
    this.#drop.hidden = mode !== "file";
    this.#text.placeholder = kPlaceholders[mode];
    this.#draw();
  }

  #choose(file: File | undefined): void {
    if (file === undefined) return;
    file.arrayBuffer().then(
      (buffer) => {
        this.#chosen = { name: file.name, bytes: new Uint8Array(buffer) };
        byId("drop-text", HTMLElement).textContent = `${file.name} · ${formatBytes(file.size)}`;
        this.#draw();
      },
      (error: unknown) => setProblem(byId("composer-error", HTMLElement), String(error)),
    );
  }

  #payload(): Parsed<Payload> | null {
    if (this.#mode === "file") {
      return this.#chosen === null ? null : { ok: true, value: this.#chosen.bytes };
    }
    if (this.#mode === "text") return { ok: true, value: this.#text.value };
    return this.#mode === "hex" ? parseHex(this.#text.value) : parseBase64(this.#text.value);
  }

  #submit(): void {
    const payload = this.#payload();
    if (payload === null || !payload.ok || !this.#sender.send(payload.value)) return;
    this.#last = payload.value;
    this.#recalled = -1;
    if (this.#mode === "text") {
      this.#sent = remember(this.#sent, this.#text.value, kHistoryMax);
      storage.set("history", JSON.stringify(this.#sent));
      this.#drawHistory();
      this.#text.value = "";
    }
    this.#draw();
  }

  #key(event: KeyboardEvent): void {
    if (event.isComposing) return;
    const enter = event.key === "Enter" && !event.shiftKey;
    const { selectionStart, selectionEnd, value } = this.#text;
    const atStart = selectionStart === 0 && selectionEnd === 0;
    const recalling = this.#recalled >= 0 && value === this.#sent[this.#recalled];
    if (enter) {
      this.#submit();
    } else if (event.key === "ArrowUp" && this.#mode === "text" && (atStart || recalling)) {
      this.#recallAt(this.#recalled + 1);
    } else if (event.key === "ArrowDown" && recalling) {
      this.#recallAt(this.#recalled - 1);
    } else {
      return;
    }
    event.preventDefault();
  }

  #recallAt(at: number): void {
    if (at >= this.#sent.length) return;
    this.#recalled = Math.max(-1, at);
    this.#text.value = this.#sent[at] ?? "";
    this.#draw();
  }

  #recall(text: string): void {
    if (this.#mode !== "text") {
      document.querySelector<HTMLButtonElement>('[data-mode="text"]')?.click();
    }
    this.#text.value = text;
    this.#draw();
  }

  #startRepeating(times: number): void {
    if (!Number.isInteger(times) || times < 1 || times > kTimesMax) {
      setProblem(byId("composer-error", HTMLElement), `Repeat 1 to ${kTimesMax} times`);
      return;
    }
    this.#left = times;
    this.#repeatSome();
  }

  /** Sends in bursts, and waits while the browser's own queue is long. */
  #repeatSome(): void {
    if (this.#last === null) return;
    for (let i = 0; i < kBurst && this.#left > 0; i++) {
      if (this.#sender.bufferedBytes > kBufferedBytesMax) break;
      if (!this.#sender.send(this.#last)) this.#left = 0;
      else this.#left--;
    }
    if (this.#left > 0) setTimeout(() => this.#repeatSome(), 4);
    this.#draw();
  }

  #stop(): void {
    this.#left = 0;
    this.#draw();
  }

  #draw(): void {
    const payload = this.#payload();
    const typed = this.#mode === "file" || this.#text.value !== "";
    const problem = payload !== null && !payload.ok && typed ? payload.error : null;
    setProblem(byId("composer-error", HTMLElement), problem);
    const bytes = payload?.ok === true ? sizeOf(payload.value) : 0;
    byId("composer-size", HTMLElement).textContent = bytes > 0 ? formatBytes(bytes) : "";
    this.#send.disabled = !this.#open || payload === null || !payload.ok;
    this.#repeat.disabled = !this.#open || this.#last === null;
    const label = this.#left > 0 ? `Stop (${this.#left} left)` : "Repeat last";
    if (this.#repeat.lastChild?.textContent !== label) this.#repeat.lastChild?.replaceWith(label);
  }

  #drawHistory(): void {
    const options = this.#sent.map((text, i) => {
      const option = el("option", "", previewText(text, 60));
      option.value = String(i);
      return option;
    });
    const head = el("option", "", this.#sent.length === 0 ? "Nothing yet" : "Choose a message");
    head.value = "";
    this.#history.replaceChildren(head, ...options);
    this.#history.disabled = this.#sent.length === 0;
  }
}

export function sizeOf(payload: Payload): number {
  return typeof payload === "string" ? utf8Length(payload) : payload.length;
}
