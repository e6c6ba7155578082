// SPDX-License-Identifier: MIT
// The chat part of the page: rooms, people, the conversation and the state of the connection.
import { byId, el, setProblem, storage } from "../dom";
import { parseList, remember } from "../lib/history";
import { defaultUrl } from "../lib/target";
import { browserEnvironment, newNickname, newTabId } from "./browser";
import { cleanName, roomName } from "./envelope";
import type { Member } from "./members";
import { avatar, MessageList } from "./message_list";
import { Room, type RoomState } from "./room";

const kRoomsMax = 12;
const kPeopleShownMax = 40;

export class Chat {
  readonly #from = newTabId();
  readonly #messages = new MessageList();
  readonly #nickname = byId("nickname", HTMLInputElement);
  readonly #roomInput = byId("room", HTMLInputElement);
  readonly #say = byId("say", HTMLTextAreaElement);
  readonly #drafts = new Map<string, string>();
  #name = cleanName(storage.get("nickname") ?? "") || newNickname();
  #room: Room | null = null;
  #roomName = "";
  #hidden = false;

  constructor() {
    this.#nickname.value = this.#name;
    this.#bindForms();
    this.#bindPage();
    setInterval(() => this.#tick(), 500);
  }

  /** Shows the room of the address; "" is none. A room is left when another one is shown. */
  show(input: string): void {
    const name = input === "" ? "" : (roomName(input) ?? "");
    const problem = input !== "" && name === "" ? kRoomProblem : null;
    setProblem(byId("room-error", HTMLElement), problem);
    if (name !== "" && name !== this.#roomName) this.#enter(name);
    else if (name === "" && this.#roomName !== "" && problem === null) this.#backTo(this.#roomName);
    byId("chat", HTMLElement).classList.toggle("in-room", this.#roomName !== "");
    byId("talk-empty", HTMLElement).hidden = this.#roomName !== "";
    byId("talk-full", HTMLElement).hidden = this.#roomName === "";
    this.#drawRooms();
    if (this.#roomName !== "") this.#messages.toEnd();
  }

  /** "#/chat" while in a room: the tab was pressed; the room is still open. */
  #backTo(name: string): void {
    history.replaceState(null, "", hashOf(name));
  }

  #bindForms(): void {
    byId("room-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#takeName();
      // Enter in the name's field of someone who is in a room already.
      if (this.#roomInput.value === "" && this.#roomName !== "") return;
      const name = roomName(this.#roomInput.value || "lobby");
      setProblem(byId("room-error", HTMLElement), name === null ? kRoomProblem : null);
      if (name === null) return;
      this.#roomInput.value = "";
      if (name === this.#roomName) this.#room?.connect();
      location.hash = hashOf(name);
    });
    this.#nickname.addEventListener("change", () => this.#takeName());
    byId("leave", HTMLButtonElement).addEventListener("click", () => this.#leave());
    byId("retry", HTMLButtonElement).addEventListener("click", () => this.#room?.connect());
    byId("say-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#say.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    });
    this.#say.addEventListener("input", () => {
      if (this.#say.value.trim() !== "") this.#room?.typing();
      this.#fitInput();
    });
  }

  #bindPage(): void {
    // A page that is put away says goodbye; one that comes back joins again.
    addEventListener("pagehide", () => {
      this.#hidden = true;
      this.#room?.leave();
    });
    addEventListener("pageshow", () => {
      if (this.#hidden) this.#room?.connect();
      this.#hidden = false;
    });
    addEventListener("online", () => {
      if (this.#room?.state.phase === "waiting") this.#room.connect();
    });
  }

  #enter(name: string): void {
    this.#leaveRoom();
    this.#roomName = name;
    byId("talk-title", HTMLElement).textContent = `#${name}`;
    this.#say.placeholder = `Message #${name}`;
    this.#say.value = this.#drafts.get(name) ?? "";
    const rooms = remember(parseList(storage.get("rooms"), kRoomsMax), name, kRoomsMax);
    storage.set("rooms", JSON.stringify(rooms));
    const url = defaultUrl(location, `/chat/${encodeURIComponent(name)}`);
    this.#room = this.#newRoom(url);
    this.#room.connect();
    this.#drawMembers();
    if (matchMedia("(min-width: 900px)").matches) this.#say.focus();
  }

  #newRoom(url: string): Room {
    const self = { from: this.#from, name: this.#name };
    return new Room(browserEnvironment(url), self, {
      state: (state) => this.#drawState(state),
      message: (envelope, own) => this.#messages.addMessage(envelope, own, Date.now()),
      moved: ({ name, type }) => this.#messages.addNotice(`${name} ${type === "join" ? "joined" : "left"}`),
      unreadable: (text, bytes) => this.#messages.addUnreadable(text, bytes),
      members: () => this.#drawMembers(),
      outbox: () => this.#drawOutbox(),
    });
  }

  #leave(): void {
    this.#leaveRoom();
    location.hash = "#/chat";
  }

  #leaveRoom(): void {
    if (this.#roomName !== "") this.#drafts.set(this.#roomName, this.#say.value);
    const room = this.#room;
    this.#room = null;
    this.#roomName = "";
    room?.leave();
    this.#messages.clear();
    this.#drawMembers();
  }

  #takeName(): void {
    this.#name = cleanName(this.#nickname.value) || this.#name;
    this.#nickname.value = this.#name;
    storage.set("nickname", this.#name);
    this.#room?.rename(this.#name);
  }

  #submit(): void {
    const text = this.#say.value.trim();
    if (text === "" || this.#room === null) return;
    if (!this.#room.say(text)) {
      this.#messages.addNotice("Too many messages wait for the connection; this one was kept in the field");
      return;
    }
    this.#say.value = "";
    this.#fitInput();
    this.#messages.toEnd();
  }

  #fitInput(): void {
    this.#say.style.height = "auto";
    this.#say.style.height = `${Math.min(this.#say.scrollHeight, 140)}px`;
  }

  #drawOutbox(): void {
    if (this.#room === null) return;
    this.#messages.drawOutbox(this.#room.outbox, this.#room.state.phase === "open");
  }

  #drawState(state: RoomState): void {
    byId("room-state", HTMLElement).dataset["phase"] = state.phase;
    byId("retry", HTMLButtonElement).hidden = state.phase !== "waiting" && state.phase !== "stopped";
    this.#drawStateText(state);
    this.#drawOutbox();
  }

  #drawStateText(state: RoomState): void {
    const element = byId("room-state-text", HTMLElement);
    const text = stateText(state, Date.now());
    if (element.textContent !== text) element.textContent = text;
    element.title = "why" in state ? state.why : "";
  }

  /** Countdown, expired members, ended typing. */
  #tick(): void {
    if (this.#room === null || document.hidden) return;
    this.#drawStateText(this.#room.state);
    this.#drawMembers();
  }

  #drawMembers(): void {
    const members = this.#room?.members.list(Date.now()) ?? [];
    const key = members.map(({ from, name }) => `${from} ${name}`).join("\n");
    const list = byId("people", HTMLUListElement);
    if (list.dataset["key"] !== key) {
      list.dataset["key"] = key;
      list.replaceChildren(...this.#memberItems(members));
      const count = members.length === 1 ? "only you, as far as is heard" : `${members.length} heard lately`;
      byId("talk-people", HTMLElement).textContent = members.length === 0 ? "" : count;
    }
    const typing = members.filter((member) => member.typing && member.from !== this.#from);
    const text = typingText(typing.map((member) => member.name));
    const element = byId("typing", HTMLElement);
    if (element.textContent !== text) element.textContent = text;
  }

  #memberItems(members: readonly Member[]): HTMLElement[] {
    const items = members.slice(0, kPeopleShownMax).map(({ from, name }) => {
      const shown = from === this.#from ? `${name} (you)` : name;
      return el("li", "person", avatar(from, name), el("span", "", shown));
    });
    const more = members.length - items.length;
    return more > 0 ? [...items, el("li", "muted", `and ${more} more`)] : items;
  }

  #drawRooms(): void {
    const names = parseList(storage.get("rooms"), kRoomsMax);
    const items = (names.length === 0 ? ["lobby"] : names).map((name) => {
      const link = el("a", "room", `#${name}`);
      link.href = hashOf(name);
      if (name === this.#roomName) link.setAttribute("aria-current", "true");
      return el("li", "", link);
    });
    byId("rooms", HTMLUListElement).replaceChildren(...items);
  }
}

const kRoomProblem = "A room's name has letters, digits, “-”, “_” and “.”; at most 64";

function hashOf(room: string): string {
  return `#/chat/${encodeURIComponent(room)}`;
}

function stateText(state: RoomState, now: number): string {
  switch (state.phase) {
    case "open":
      return "Connected";
    case "connecting":
      return state.attempt > 1 ? `Connecting, attempt ${state.attempt}…` : "Connecting…";
    case "waiting": {
      const seconds = Math.max(1, Math.ceil((state.retryAt - now) / 1000));
      return `Connection lost. Next attempt in ${seconds} s`;
    }
    case "stopped":
      return `Stopped: ${state.why}`;
  }
}

function typingText(names: readonly string[]): string {
  const [first, second] = names;
  if (first === undefined) return "";
  if (second === undefined) return `${first} is writing…`;
  return names.length === 2 ? `${first} and ${second} are writing…` : "Several people are writing…";
}
