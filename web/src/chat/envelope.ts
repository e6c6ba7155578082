// SPDX-License-Identifier: MIT
// The chat's messages: JSON objects in text messages, which the server passes on unread.
//
//   {"id":"k3v9-1","from":"k3v9","type":"message","name":"Mole","text":"hello","time":1700000000000}
//
// type     "message", "join", "leave", "typing", or "here": the answer to a join and a sign of life.
// id       unique; a sender recognises its own messages by it, and repeats after a reconnect are dropped.
// from     the page that sent it: one open tab.
// time     the sender's clock, milliseconds since the epoch.

export type EnvelopeType = "message" | "join" | "leave" | "typing" | "here";

export type Envelope = {
  id: string;
  from: string;
  type: EnvelopeType;
  name: string;
  text: string;
  time: number;
};

export const kTextLengthMax = 4000;
export const kNameLengthMax = 32;
export const kRoomLengthMax = 64;
const kIdLengthMax = 64;
const kTypes: readonly string[] = ["message", "join", "leave", "typing", "here"];

export function encodeEnvelope(envelope: Envelope): string {
  return JSON.stringify(envelope);
}

/** The envelope in `text`, or null where it is anything else: that is shown as it came. */
export function parseEnvelope(text: string): Envelope | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { id, from, type, name, text: body, time } = value as Record<string, unknown>;
  if (!isShort(id, kIdLengthMax) || !isShort(from, kIdLengthMax)) return null;
  if (typeof type !== "string" || !kTypes.includes(type)) return null;
  if (typeof name !== "string" || cleanName(name) === "") return null;
  if (typeof body !== "string" || body.length > kTextLengthMax) return null;
  if (typeof time !== "number" || !Number.isFinite(time)) return null;
  return { id, from, type: type as EnvelopeType, name: cleanName(name), text: body, time };
}

function isShort(value: unknown, max: number): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= max;
}

// Control characters, and those that reorder or hide text around them.
const kInvisible = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** One line, trimmed and of limited length; empty where nothing visible remains. */
export function cleanName(name: string): string {
  const visible = name.replace(kInvisible, " ").replace(/\s+/g, " ").trim();
  return [...visible].slice(0, kNameLengthMax).join("").trim();
}

/** A room's name as it stands in the path, or null: letters, digits, '-', '_', '.'; lower case. */
export function roomName(input: string): string | null {
  const name = input.trim().toLowerCase().replace(/^#/, "").replace(/\s+/g, "-");
  if (name === "" || name.length > kRoomLengthMax) return null;
  if (!/^[\p{L}\p{N}_.-]+$/u.test(name) || /^\.+$/.test(name)) return null;
  return name;
}

/** When a message was written, as far as the sender's clock can be believed. */
export function shownTime(sent: number, received: number): number {
  const ahead = sent - received;
  return ahead > 0 || ahead < -24 * 3600 * 1000 ? received : sent;
}
