// SPDX-License-Identifier: MIT
// The real clock, timers, random numbers and WebSockets for a Room.
import type { RoomEnvironment, RoomSocket, SocketHandlers } from "./room";

/** A browser gives up a connection attempt after minutes; a chat sooner. */
const kConnectMs = 8000;

export function browserEnvironment(url: string): RoomEnvironment {
  return {
    now: () => Date.now(),
    random: () => Math.random(),
    connect: (handlers) => openSocket(url, handlers),
    after: (ms, action) => {
      const timer = setTimeout(action, ms);
      return () => clearTimeout(timer);
    },
  };
}

function openSocket(url: string, handlers: SocketHandlers): RoomSocket {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  const giveUp = setTimeout(() => socket.close(), kConnectMs);
  socket.onopen = () => {
    clearTimeout(giveUp);
    handlers.opened();
  };
  socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => handlers.message(data);
  socket.onclose = ({ code, reason }) => {
    clearTimeout(giveUp);
    handlers.closed(code, reason);
  };
  return {
    send: (text) => socket.send(text),
    close: (code, reason) => {
      clearTimeout(giveUp);
      socket.close(code, reason);
    },
  };
}

/** A random identifier for this tab. */
export function newTabId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(6));
  return Array.from(bytes, (byte) => byte.toString(36).padStart(2, "0")).join("");
}

const kFirst = ["Amber", "Brisk", "Calm", "Dusky", "Early", "Fern", "Gentle", "Hazel", "Keen", "Lunar", "Mellow", "Quiet"];
const kSecond = ["Badger", "Curlew", "Dormouse", "Egret", "Finch", "Heron", "Ibex", "Lynx", "Otter", "Plover", "Stoat", "Wren"];

/** Something friendly for who has no name yet. */
export function newNickname(): string {
  const pick = (words: readonly string[]) => words[Math.floor(Math.random() * words.length)] ?? "";
  return `${pick(kFirst)} ${pick(kSecond)}`;
}
