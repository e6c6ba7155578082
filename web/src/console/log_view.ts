// SPDX-License-Identifier: MIT
// The list of messages and events: only the rows in sight exist as elements, drawn at most once per frame.
import { byId, el, segments, setIcon } from "../dom";
import { decodeUtf8, toHex } from "../lib/bytes";
import { formatBytes, formatClock, formatCount, previewText } from "../lib/format";
import { type Entry, type Filter, type FrameLog, matches } from "../lib/frame_log";

const kRowPx = 28;
const kOverscanRows = 6;
const kArrows = { in: "↓", out: "↑", local: "•" } as const;
const kSides = { in: "received", out: "sent", local: "event" } as const;

type Row = { element: HTMLElement; cells: HTMLElement[]; entry: Entry | null };

export class LogView {
  readonly #log: FrameLog;
  readonly #select: (entry: Entry | null) => void;
  readonly #box = byId("log", HTMLDivElement);
  readonly #space = byId("log-space", HTMLDivElement);
  readonly #empty = byId("log-empty", HTMLElement);
  readonly #count = byId("log-count", HTMLElement);
  readonly #newest = byId("log-newest", HTMLButtonElement);
  readonly #pause = byId("pause", HTMLButtonElement);
  readonly #filter: Filter = { text: "", direction: "all", probes: false };
  readonly #narrow = matchMedia("(max-width: 760px)");
  readonly #pool: Row[] = [];
  /** What the filter lets through, oldest first. */
  #entries: Entry[] = [];
  #seen = -1;
  #selected = -1;
  #pressed: Entry | null = null;
  #follow = true;
  #paused = false;
  #scheduled = false;

  constructor(log: FrameLog, select: (entry: Entry | null) => void) {
    this.#log = log;
    this.#select = select;
    this.#bindBar();
    this.#bindList();
  }

  /** The entries shown, oldest first. */
  get shown(): readonly Entry[] {
    return this.#entries;
  }

  /** Draws with the browser's next frame. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#draw();
    });
  }

  clear(): void {
    this.#log.clear();
    this.#refilter();
    this.select(null);
  }

  select(entry: Entry | null): void {
    this.#selected = entry?.seq ?? -1;
    this.#select(entry);
    this.schedule();
  }

  focus(): void {
    this.#box.focus();
  }

  #bindBar(): void {
    const filter = byId("filter", HTMLInputElement);
    filter.addEventListener("input", () => {
      this.#filter.text = filter.value.trim();
      this.#filter.probes = this.#filter.text.startsWith("walkie-probe");
      this.#refilter();
    });
    const directions = document.querySelector(".frames-bar .segments");
    if (directions !== null) {
      segments(directions, "direction", (value) => {
        this.#filter.direction = value === "in" || value === "out" ? value : "all";
        this.#refilter();
      });
    }
    this.#pause.addEventListener("click", () => this.#setPaused(!this.#paused));
    byId("clear", HTMLButtonElement).addEventListener("click", () => this.clear());
    this.#newest.addEventListener("click", () => {
      this.#setPaused(false);
      this.#follow = true;
      this.schedule();
    });
  }

  #bindList(): void {
    this.#box.addEventListener("scroll", () => {
      const { scrollTop, clientHeight, scrollHeight } = this.#box;
      this.#follow = scrollTop + clientHeight >= scrollHeight - kRowPx / 2;
      this.schedule();
    });
    // The row under the pointer may already show another entry when the click arrives.
    this.#box.addEventListener("pointerdown", (event) => {
      this.#pressed = this.#entryUnder(event.target);
    });
    this.#box.addEventListener("click", (event) => {
      const entry = this.#pressed ?? this.#entryUnder(event.target);
      this.#pressed = null;
      if (entry !== null) this.select(entry);
    });
    this.#box.addEventListener("keydown", (event) => this.#key(event));
    this.#narrow.addEventListener("change", () => {
      for (const row of this.#pool) row.entry = null;
      this.schedule();
    });
    new ResizeObserver(() => this.schedule()).observe(this.#box);
  }

  #entryUnder(target: EventTarget | null): Entry | null {
    return this.#pool.find((row) => target instanceof Node && row.element.contains(target))?.entry ?? null;
  }

  #key(event: KeyboardEvent): void {
    const last = this.#entries.length - 1;
    const at = this.#entries.findIndex((entry) => entry.seq === this.#selected);
    const page = Math.max(1, Math.floor(this.#box.clientHeight / kRowPx) - 1);
    const from = at === -1 ? last + 1 : at;
    const moves: Record<string, number> = {
      ArrowUp: from - 1,
      ArrowDown: at === -1 ? last : from + 1,
      PageUp: from - page,
      PageDown: from + page,
      Home: 0,
      End: last,
      Enter: at === -1 ? last : at,
    };
    const target = moves[event.key];
    if (event.key === "Escape") this.select(null);
    else if (target === undefined || last < 0) return;
    else this.#moveTo(Math.min(last, Math.max(0, target)));
    event.preventDefault();
  }

  #moveTo(at: number): void {
    const top = at * kRowPx;
    const { scrollTop, clientHeight } = this.#box;
    if (top < scrollTop) this.#box.scrollTop = top;
    else if (top + kRowPx > scrollTop + clientHeight) this.#box.scrollTop = top + kRowPx - clientHeight;
    this.#follow = at === this.#entries.length - 1;
    this.select(this.#entries[at] ?? null);
  }

  #setPaused(paused: boolean): void {
    this.#paused = paused;
    this.#pause.setAttribute("aria-pressed", String(paused));
    const label = paused ? "Resume the list" : "Pause the list";
    this.#pause.setAttribute("aria-label", label);
    this.#pause.title = label;
    setIcon(this.#pause, paused ? "play" : "pause");
    this.schedule();
  }

  #refilter(): void {
    this.#entries = [];
    this.#seen = -1;
    this.#takeNew();
    this.schedule();
  }

  /** Adds what is new and drops what the log dropped; returns how many rows went at the top. */
  #takeNew(): number {
    for (const entry of this.#log.since(this.#seen)) {
      if (matches(entry, this.#filter)) this.#entries.push(entry);
    }
    this.#seen = this.#log.total - 1;
    const first = this.#log.firstSeq;
    const gone = this.#entries.findIndex((entry) => entry.seq >= first);
    return this.#entries.splice(0, gone === -1 ? this.#entries.length : gone).length;
  }

  #draw(): void {
    const gone = this.#paused ? 0 : this.#takeNew();
    this.#space.style.height = `${this.#entries.length * kRowPx}px`;
    if (this.#follow && !this.#paused) this.#box.scrollTop = this.#box.scrollHeight;
    else if (gone > 0) this.#box.scrollTop -= gone * kRowPx;
    this.#drawRows();
    this.#drawBar();
  }

  #drawRows(): void {
    const first = Math.max(0, Math.floor(this.#box.scrollTop / kRowPx) - kOverscanRows);
    const wanted = Math.ceil(this.#box.clientHeight / kRowPx) + 2 * kOverscanRows;
    const visible = this.#entries.slice(first, first + wanted);
    while (this.#pool.length < visible.length) this.#pool.push(this.#newRow());
    this.#pool.forEach((row, i) => {
      const entry = visible[i];
      row.element.hidden = entry === undefined;
      if (entry === undefined) row.entry = null;
      else this.#drawRow(row, entry, first + i);
    });
    const active = visible.some((entry) => entry.seq === this.#selected);
    if (active) this.#box.setAttribute("aria-activedescendant", `frame-${this.#selected}`);
    else this.#box.removeAttribute("aria-activedescendant");
  }

  #newRow(): Row {
    const cells = ["time", "arrow", "kind", "size", "preview"].map((name) => el("span", name));
    const element = el("div", "row", ...cells);
    element.setAttribute("role", "option");
    this.#space.append(element);
    return { element, cells, entry: null };
  }

  #drawRow(row: Row, entry: Entry, position: number): void {
    const { element, cells } = row;
    element.style.transform = `translateY(${position * kRowPx}px)`;
    element.setAttribute("aria-selected", String(entry.seq === this.#selected));
    element.setAttribute("aria-posinset", String(position + 1));
    element.setAttribute("aria-setsize", String(this.#entries.length));
    if (row.entry === entry) return;
    row.entry = entry;
    element.id = `frame-${entry.seq}`;
    element.dataset["direction"] = entry.direction;
    element.dataset["kind"] = entry.kind;
    const texts = [
      // A phone has no room for the hour.
      formatClock(entry.at).slice(this.#narrow.matches ? 3 : 0),
      kArrows[entry.direction],
      entry.kind,
      entry.direction === "local" ? "" : formatBytes(entry.bytes),
      preview(entry),
    ];
    cells.forEach((cell, i) => (cell.textContent = texts[i] ?? ""));
    cells[1]?.setAttribute("aria-label", kSides[entry.direction]);
  }

  #drawBar(): void {
    const { size, total } = this.#log;
    this.#empty.hidden = this.#entries.length > 0;
    this.#empty.textContent =
      size > 0 && this.#filter.text + this.#filter.direction !== "all"
        ? "Nothing that is listed passes the filter."
        : "Connect, then send something: every message in and out is listed here.";
    const parts = [formatCount(this.#entries.length)];
    if (this.#entries.length < total) parts.push(`of ${formatCount(total)}`);
    this.#count.textContent = total === 0 ? "" : parts.join(" ");
    this.#count.title = "The list keeps the newest 2000, and at most 64 MB of them";
    const newer = total - 1 - this.#seen;
    this.#newest.hidden = this.#entries.length === 0 || (this.#follow && !this.#paused);
    const label = this.#newest.querySelector("span");
    if (label === null) return;
    label.textContent = this.#paused ? `Paused · ${formatCount(newer)} newer` : "Newest";
  }
}

function preview(entry: Entry): string {
  if (typeof entry.payload === "string") return previewText(entry.payload);
  const start = entry.payload.subarray(0, 48);
  const text = decodeUtf8(start);
  const readable = text !== null && text !== "" && !/[\u0000-\u0008\u000e-\u001f]/.test(text);
  return readable ? `${toHex(start.subarray(0, 12))}  ${previewText(text)}` : toHex(start);
}
