// SPDX-License-Identifier: MIT
// The conversation as elements: bubbles grouped by writer, notices, and what waits to be delivered.
import { byId, el } from "../dom";
import { formatBytes, previewText } from "../lib/format";
import { type Envelope, shownTime } from "./envelope";
import type { Outgoing } from "./room";

const kMessagesMax = 500;
const kGroupMs = 3 * 60 * 1000;

/** A hue for who has no picture, the same on every page. */
function hueOf(from: string): string {
  let hash = 7;
  for (const c of from) hash = (hash * 31 + c.charCodeAt(0)) % 360;
  return String(hash);
}

function initials(name: string): string {
  const words = name.split(" ").filter((word) => word !== "");
  const letters = words.slice(0, 2).map((word) => [...word][0] ?? "");
  return letters.join("").toUpperCase();
}

export function avatar(from: string, name: string): HTMLElement {
  const element = el("span", "avatar", initials(name));
  element.style.setProperty("--hue", hueOf(from));
  element.setAttribute("aria-hidden", "true");
  return element;
}

function clock(at: number): string {
  return new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

export class MessageList {
  readonly #list = byId("messages", HTMLOListElement);
  readonly #outbox = byId("outbox", HTMLOListElement);
  readonly #newest = byId("talk-newest", HTMLButtonElement);
  readonly #frame: HTMLElement;
  #last: { from: string; name: string; at: number } | null = null;

  constructor() {
    const frame = this.#list.parentElement;
    if (frame === null) throw new Error("index.html has no frame around #messages");
    this.#frame = frame;
    this.#newest.addEventListener("click", () => this.toEnd());
    this.#frame.addEventListener("scroll", () => {
      if (this.#atEnd()) this.#newest.hidden = true;
    });
    new ResizeObserver(() => {
      if (this.#newest.hidden) this.toEnd();
    }).observe(this.#frame);
  }

  clear(): void {
    this.#list.replaceChildren();
    this.#outbox.replaceChildren();
    this.#last = null;
    this.#newest.hidden = true;
  }

  addMessage(envelope: Envelope, own: boolean, received: number): void {
    const at = shownTime(envelope.time, received);
    const last = this.#last;
    const continues =
      last?.from === envelope.from && last.name === envelope.name && at - last.at < kGroupMs;
    this.#last = { from: envelope.from, name: envelope.name, at };
    this.#append(bubble(envelope, at, own, continues), own);
  }

  addNotice(text: string): void {
    this.#last = null;
    this.#append(el("li", "notice", text), false);
  }

  /** What is no message of this chat, as it came. */
  addUnreadable(text: string | null, bytes: number): void {
    this.#last = null;
    const what = text === null ? `A binary message of ${formatBytes(bytes)}` : previewText(text, 1000);
    const raw = el("li", "raw", el("span", "raw-label", "not from a chat page"), el("code", "", what));
    this.#append(raw, false);
  }

  drawOutbox(outbox: readonly Outgoing[], open: boolean): void {
    const wasAtEnd = this.#atEnd();
    this.#outbox.replaceChildren(
      ...outbox.map((outgoing) => pendingBubble(outgoing, open)),
    );
    if (wasAtEnd) this.toEnd();
  }

  toEnd(): void {
    this.#frame.scrollTop = this.#frame.scrollHeight;
    this.#newest.hidden = true;
  }

  #append(item: HTMLElement, own: boolean): void {
    const follow = own || this.#atEnd();
    this.#list.append(item);
    while (this.#list.childElementCount > kMessagesMax) this.#list.firstElementChild?.remove();
    if (follow) this.toEnd();
    else if (!item.classList.contains("notice")) this.#newest.hidden = false;
  }

  #atEnd(): boolean {
    const { scrollTop, clientHeight, scrollHeight } = this.#frame;
    return scrollTop + clientHeight >= scrollHeight - 40;
  }
}

function bubble(envelope: Envelope, at: number, own: boolean, continues: boolean): HTMLElement {
  const time = el("time", "", clock(at));
  time.dateTime = new Date(at).toISOString();
  const name = el("span", "name", own ? "You" : envelope.name);
  const head = el("p", "head", name, time);
  const text = el("p", "text", envelope.text);
  text.dir = "auto";
  text.title = new Date(at).toLocaleString();
  const item = el("li", "said", avatar(envelope.from, envelope.name), el("div", "bubble", head, text));
  item.classList.toggle("own", own);
  item.classList.toggle("continues", continues);
  item.style.setProperty("--hue", hueOf(envelope.from));
  return item;
}

function pendingBubble({ envelope, sent }: Outgoing, open: boolean): HTMLElement {
  const state = sent && open ? "sending…" : "waits for the connection";
  const text = el("p", "text", envelope.text);
  text.dir = "auto";
  return el("li", "said own pending", el("div", "bubble", text, el("p", "pending-state", state)));
}
