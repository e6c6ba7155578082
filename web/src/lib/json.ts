// SPDX-License-Identifier: MIT
// JSON laid out for reading, from its text: numbers and duplicate keys stay as they were sent.

export type JsonToken = { kind: "key" | "string" | "number" | "word" | "mark"; text: string };

/** Whether `text` is a JSON object or array. */
export function isJsonDocument(text: string): boolean {
  if (!/^\s*[[{]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const kToken = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[{}[\],:]/g;

/** Tokens of a valid document, white space replaced by an indentation of two. */
export function prettyTokens(text: string): JsonToken[] {
  const tokens: JsonToken[] = [];
  const raw = text.match(kToken) ?? [];
  let depth = 0;
  const mark = (mark: string) => tokens.push({ kind: "mark", text: mark });
  const line = () => mark(`\n${"  ".repeat(depth)}`);
  raw.forEach((token, i) => {
    const next = raw[i + 1];
    if (token === "{" || token === "[") {
      mark(token);
      depth++;
      if (next !== "}" && next !== "]") line();
    } else if (token === "}" || token === "]") {
      depth--;
      const previous = raw[i - 1];
      if (previous !== "{" && previous !== "[") line();
      mark(token);
    } else if (token === ",") {
      mark(token);
      line();
    } else if (token === ":") {
      mark(": ");
    } else {
      tokens.push({ kind: scalarKind(token, next), text: token });
    }
  });
  return tokens;
}

function scalarKind(token: string, next: string | undefined): JsonToken["kind"] {
  if (token.startsWith('"')) return next === ":" ? "key" : "string";
  return /^[tfn]/.test(token) ? "word" : "number";
}

export function prettyJson(text: string): string {
  return prettyTokens(text)
    .map((token) => token.text)
    .join("");
}
