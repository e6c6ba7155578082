// SPDX-License-Identifier: MIT
// One line of the list in full: laid out, as it came, or as a hex dump.
import { byId, download, el, pressSegment, segments } from "../dom";
import { type Bytes, decodeUtf8, encodeUtf8, hexDump } from "../lib/bytes";
import { formatBytes, formatClock } from "../lib/format";
import type { Entry } from "../lib/frame_log";
import { isJsonDocument, prettyTokens } from "../lib/json";

type View = "json" | "text" | "hex";
const kNames: Record<View, string> = { json: "JSON", text: "Text", hex: "Hex" };
const kTextMax = 100_000;
const kDumpBytesMax = 16 * 1024;

export class Inspector {
  readonly #panel = byId("inspector", HTMLElement);
  readonly #empty = byId("inspector-empty", HTMLElement);
  readonly #full = byId("inspector-full", HTMLElement);
  readonly #title = byId("inspector-title", HTMLElement);
  readonly #facts = byId("inspector-facts", HTMLElement);
  readonly #views = byId("inspector-views", HTMLElement);
  readonly #payload = byId("payload", HTMLPreElement);
  readonly #note = byId("payload-note", HTMLElement);
  #entry: Entry | null = null;

  constructor(closed: () => void) {
    segments(this.#views, "view", (view) => this.#draw(view as View));
    byId("inspector-close", HTMLButtonElement).addEventListener("click", closed);
    byId("inspector-copy", HTMLButtonElement).addEventListener("click", () => this.#copy());
    byId("inspector-save", HTMLButtonElement).addEventListener("click", () => this.#save());
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") closed();
    });
  }

  show(entry: Entry | null): void {
    this.#entry = entry;
    this.#empty.hidden = entry !== null;
    this.#full.hidden = entry === null;
    this.#panel.classList.toggle("is-open", entry !== null);
    if (entry === null) return;
    this.#title.textContent = titleOf(entry);
    this.#facts.textContent = factsOf(entry);
    const views = viewsOf(entry);
    this.#views.replaceChildren(...views.map(viewButton));
    this.#views.hidden = views.length < 2;
    this.#draw(views[0] ?? "text");
  }

  #draw(view: View): void {
    const entry = this.#entry;
    if (entry === null) return;
    pressSegment(this.#views, "view", view);
    this.#payload.dataset["view"] = view;
    this.#payload.scrollTop = 0;
    const notes: string[] = [];
    if (entry.cut) notes.push(`Only the beginning of this message was kept.`);
    if (view === "hex") this.#drawHex(bytesOf(entry), notes);
    else this.#drawText(textOf(entry) ?? "", view, notes);
    this.#note.hidden = notes.length === 0;
    this.#note.textContent = notes.join(" ");
  }

  #drawHex(bytes: Bytes, notes: string[]): void {
    if (bytes.length > kDumpBytesMax) {
      notes.push(`The first ${formatBytes(kDumpBytesMax)} are shown; save it to have all of it.`);
    }
    this.#payload.textContent = hexDump(bytes.subarray(0, kDumpBytesMax), 8);
  }

  #drawText(text: string, view: View, notes: string[]): void {
    if (text.length > kTextMax) notes.push("The beginning is shown; save it to have all of it.");
    if (view === "json" && text.length <= kTextMax) {
      this.#payload.replaceChildren(
        ...prettyTokens(text).map(({ kind, text: token }) => el("span", `json-${kind}`, token)),
      );
    } else {
      this.#payload.textContent = text.slice(0, kTextMax);
    }
  }

  #copy(): void {
    if (this.#entry === null) return;
    const text = textOf(this.#entry) ?? hexDump(bytesOf(this.#entry));
    // Refused without focus or on plain http of other hosts: the text is there to select.
    navigator.clipboard?.writeText(text).catch(() => {});
  }

  #save(): void {
    const entry = this.#entry;
    if (entry === null) return;
    const isText = typeof entry.payload === "string";
    const name = `message-${entry.seq}.${isText ? "txt" : "bin"}`;
    download(name, [entry.payload], isText ? "text/plain" : "application/octet-stream");
  }
}

function titleOf(entry: Entry): string {
  const side = { in: "Received", out: "Sent", local: "" }[entry.direction];
  const kind = entry.kind.charAt(0).toUpperCase() + entry.kind.slice(1);
  return side === "" ? kind : `${side} ${entry.kind}`;
}

function factsOf(entry: Entry): string {
  const clock = formatClock(entry.at);
  if (entry.direction === "local") return clock;
  const exact = entry.bytes > 999 ? ` (${entry.bytes.toLocaleString("en")} bytes)` : "";
  return `${clock} · ${formatBytes(entry.bytes)}${exact}`;
}

function viewsOf(entry: Entry): View[] {
  const text = textOf(entry);
  if (entry.direction === "local") return ["text"];
  const views: View[] = [];
  if (text !== null && text.length <= kTextMax && isJsonDocument(text)) views.push("json");
  if (typeof entry.payload === "string") views.push("text", "hex");
  else views.push("hex", ...(text === null ? [] : (["text"] as const)));
  return views;
}

function viewButton(view: View): HTMLElement {
  const button = el("button", "", kNames[view]);
  button.type = "button";
  button.dataset["view"] = view;
  return button;
}

function textOf(entry: Entry): string | null {
  return typeof entry.payload === "string" ? entry.payload : decodeUtf8(entry.payload);
}

function bytesOf(entry: Entry): Bytes {
  return typeof entry.payload === "string" ? encodeUtf8(entry.payload) : entry.payload;
}
