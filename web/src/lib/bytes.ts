// SPDX-License-Identifier: MIT
// Bytes as people type and read them: hex, base64, hex dumps, UTF-8.

export type Parsed<T> = { ok: true; value: T } | { ok: false; error: string };

/** A view on an ArrayBuffer: what WebSocket.send and Blob take. */
export type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function encodeUtf8(text: string): Bytes {
  return new Uint8Array(encoder.encode(text));
}

/** The text, or null where the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return null;
  }
}

/** Length in UTF-8 without encoding; a lone surrogate counts as U+FFFD, as WebSocket.send sends it. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) {
      bytes += 1;
    } else if (isPair(text, i)) {
      bytes += 2;
      i++;
    } else {
      bytes += 2;
    }
  }
  return bytes;
}

function isPair(text: string, i: number): boolean {
  const high = text.charCodeAt(i);
  const low = text.charCodeAt(i + 1);
  return high >= 0xd800 && high < 0xdc00 && low >= 0xdc00 && low < 0xe000;
}

/** Hex digits; spaces, commas, colons and 0x prefixes between bytes are skipped. */
export function parseHex(input: string): Parsed<Bytes> {
  const digits = input.replace(/0x/gi, "").replace(/[\s,:]+/g, "");
  const bad = /[^0-9a-f]/i.exec(digits);
  if (bad) return { ok: false, error: `“${bad[0]}” is not a hex digit` };
  if (digits.length % 2 !== 0) {
    return { ok: false, error: "An odd number of hex digits: a byte takes two" };
  }
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = Number.parseInt(digits.slice(i * 2, i * 2 + 2), 16);
  }
  return { ok: true, value: bytes };
}

/** Base64 in either alphabet (RFC 4648 §4 and §5), padded or not; white space is skipped. */
export function parseBase64(input: string): Parsed<Bytes> {
  const text = input.replace(/\s+/g, "").replaceAll("-", "+").replaceAll("_", "/");
  const bad = /[^A-Za-z0-9+/=]/.exec(text);
  if (bad) return { ok: false, error: `“${bad[0]}” is not a base64 digit` };
  try {
    const binary = atob(text);
    return { ok: true, value: Uint8Array.from(binary, (c) => c.charCodeAt(0)) };
  } catch {
    return { ok: false, error: "Not base64: the length or the padding is wrong" };
  }
}

export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let i = 0; i < bytes.length; i += 0x2000) {
    binary += String.fromCharCode(...bytes.subarray(i, i + 0x2000));
  }
  return btoa(binary);
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/** Lines of `00000010  68 65 6c 6c 6f  hello`, `width` bytes each. */
export function hexDump(bytes: Uint8Array, width = 16): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += width) {
    const row = bytes.subarray(at, at + width);
    const ascii = Array.from(row, (b) => (b >= 0x20 && b < 0x7f ? String.fromCharCode(b) : "·"));
    const offset = at.toString(16).padStart(8, "0");
    lines.push(`${offset}  ${toHex(row).padEnd(width * 3 - 1)}  ${ascii.join("")}`);
  }
  return lines.join("\n");
}
