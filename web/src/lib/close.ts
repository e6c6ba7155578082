// SPDX-License-Identifier: MIT
// Close codes: their names, what a page may know about them, what a browser lets a page send.
import { utf8Length } from "./bytes";

export const kReasonBytesMax = 123;

const kNames = new Map<number, string>([
  [1000, "normal closure"],
  [1001, "going away"],
  [1002, "protocol error"],
  [1003, "unsupported data"],
  [1005, "no code received"],
  [1006, "connection lost"],
  [1007, "invalid payload"],
  [1008, "policy violation"],
  [1009, "message too big"],
  [1010, "mandatory extension"],
  [1011, "internal error"],
  [1012, "service restart"],
  [1013, "try again later"],
  [1014, "bad gateway"],
  [1015, "TLS handshake failed"],
]);

/** The registered name (RFC 6455 §7.4.1 and the IANA registry), or the range the code is from. */
export function closeName(code: number): string {
  const name = kNames.get(code);
  if (name !== undefined) return name;
  if (code >= 4000 && code <= 4999) return "application code";
  if (code >= 3000 && code <= 3999) return "registered code";
  return "unknown code";
}

/** Why a close may look the way it does to a page, or null where the code says it all. */
export function closeHint(code: number, opened: boolean): string | null {
  if (code === 1005) return "The Close frame carried no code.";
  if (code !== 1006) return null;
  return opened
    ? "The connection ended without a Close frame. Browsers do not tell pages why."
    : "The connection was never opened: refused, no WebSocket there, or a failed TLS or HTTP " +
        "handshake. Browsers do not tell pages which; the developer tools may.";
}

/** What WebSocket.close() would throw, said beforehand; null where it would not. */
export function closeError(code: number, reason: string): string | null {
  if (!Number.isInteger(code) || (code !== 1000 && (code < 3000 || code > 4999))) {
    return "A page may close with 1000 or 3000 to 4999 only";
  }
  const bytes = utf8Length(reason);
  if (bytes > kReasonBytesMax) {
    return `The reason takes ${bytes} bytes of UTF-8; a Close frame holds ${kReasonBytesMax}`;
  }
  return null;
}
