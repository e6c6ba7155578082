// SPDX-License-Identifier: MIT
// What a person types into the address and subprotocol fields, checked before the browser throws.
import type { Parsed } from "./bytes";

export type PageLocation = { protocol: string; host: string };

/** ws(s)://<this host><path>, by the page's own scheme. */
export function defaultUrl(page: PageLocation, path: string): string {
  return `${page.protocol === "https:" ? "wss:" : "ws:"}//${page.host}${path}`;
}

/**
 * A whole ws: or wss: URL. Takes "/path" (this host), "host:port/path" (ws, or wss from an https
 * page) and http(s) URLs too.
 */
export function parseTarget(input: string, page: PageLocation): Parsed<string> {
  const text = input.trim();
  if (text === "") return { ok: false, error: "Enter a URL: ws://host:port/path" };
  const secure = page.protocol === "https:";
  let candidate = text;
  if (text.startsWith("/")) candidate = defaultUrl(page, text);
  else if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) candidate = `${secure ? "wss" : "ws"}://${text}`;
  candidate = candidate.replace(/^http(s?):/i, "ws$1:");

  let url: URL;
  try {
    url = new URL(candidate);
  } catch {
    return { ok: false, error: `“${text}” is not a URL` };
  }
  if (url.protocol !== "ws:" && url.protocol !== "wss:") {
    return { ok: false, error: `${url.protocol}// is not a WebSocket scheme: use ws:// or wss://` };
  }
  if (url.hash !== "") return { ok: false, error: "A WebSocket URL has no #fragment (RFC 6455 §3)" };
  if (url.hostname === "") return { ok: false, error: "The URL names no host" };
  // Some browsers escape what no host name may contain instead of refusing it.
  if (/[\s%]/.test(url.hostname)) return { ok: false, error: `“${text}” is not a URL` };
  return { ok: true, value: url.href };
}

// RFC 6455 §4.1: a token of RFC 9110 §5.6.2.
const kToken = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Names between commas or spaces; each a token, none twice (RFC 6455 §4.1). */
export function parseSubprotocols(input: string): Parsed<string[]> {
  const names = input.split(/[\s,]+/).filter((name) => name !== "");
  for (const [i, name] of names.entries()) {
    if (!kToken.test(name)) return { ok: false, error: `“${name}” cannot be a subprotocol's name` };
    if (names.indexOf(name) !== i) return { ok: false, error: `“${name}” is listed twice` };
  }
  return { ok: true, value: names };
}
