// SPDX-License-Identifier: MIT
// Recently used texts, newest first, without repeats.

const kTextLengthMax = 4096;

/** `list` with `text` in front; texts over 4096 characters are not remembered. */
export function remember(list: readonly string[], text: string, max: number): string[] {
  if (text === "" || text.length > kTextLengthMax) return [...list];
  return [text, ...list.filter((other) => other !== text)].slice(0, max);
}

/** A stored list; anything else that may stand in the storage is an empty one. */
export function parseList(stored: string | null, max: number): string[] {
  try {
    const list: unknown = JSON.parse(stored ?? "[]");
    if (!Array.isArray(list)) return [];
    return list.filter((item): item is string => typeof item === "string").slice(0, max);
  } catch {
    return [];
  }
}
