// SPDX-License-Identifier: MIT
// Numbers, times and payloads as short text.

const kUnits = ["B", "kB", "MB", "GB"];

/** 999 B, 1.5 kB, 12 MB: powers of 1000, two significant digits or more. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < kUnits.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 9.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${kUnits[unit]}`;
}

/** 0, 0.5, 12, 3.4k, 120k. */
export function formatCount(count: number): string {
  if (count >= 999_500) return `${(count / 1e6).toFixed(count < 9_950_000 ? 1 : 0)}M`;
  if (count >= 9_999.5) return `${(count / 1000).toFixed(count < 99_950 ? 1 : 0)}k`;
  return Number.isInteger(count) || count >= 9.95 ? count.toFixed(0) : count.toFixed(1);
}

/** Local time of day to the millisecond: 14:03:59.007. */
export function formatClock(at: number): string {
  const date = new Date(at);
  const two = (n: number) => String(n).padStart(2, "0");
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${clock}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** 0.42 ms, 7.3 ms, 120 ms, 1.8 s: with as many digits as a browser's clock is good for. */
export function formatMilliseconds(ms: number): string {
  if (ms >= 999.5) return `${(ms / 1000).toFixed(1)} s`;
  if (ms >= 99.5) return `${ms.toFixed(0)} ms`;
  return `${ms.toFixed(ms < 9.95 ? 2 : 1)} ms`;
}

/** 0:07, 12:05, 3:00:00. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (n: number) => String(n).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}

// Not U+2400 and on, the pictures of control characters: few fixed-width fonts have them.
const kVisible = new Map([
  ["\n", "↵"],
  ["\t", "→"],
]);

/** One line of at most `max` characters; control characters become visible. */
export function previewText(text: string, max = 200): string {
  const cut = text.length > max ? `${text.slice(0, max)}…` : text;
  return cut.replace(/[\u0000-\u001f\u007f]/g, (c) => kVisible.get(c) ?? "·");
}
