// SPDX-License-Identifier: MIT
// The page's start: theme, and which of its two parts the address shows.
import { Chat } from "./chat/chat";
import { Console } from "./console/console";
import { byId } from "./dom";
import { applyTheme, bindThemeButton } from "./theme";

type Parts = { console: Console; chat: Chat };

/** #/console, #/chat, #/chat/<room>. */
function show(parts: Parts): void {
  const [part, room] = location.hash.replace(/^#\/?/, "").split("/");
  const inChat = part === "chat";
  for (const [name, on] of [
    ["console", !inChat],
    ["chat", inChat],
  ] as const) {
    byId(name, HTMLElement).hidden = !on;
    const tab = byId(`tab-${name}`, HTMLAnchorElement);
    if (on) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  document.title = inChat ? "Chat · walkie" : "Console · walkie";
  if (inChat) parts.chat.show(room === undefined ? "" : decode(room));
  else parts.console.show();
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return "";
  }
}

applyTheme();
document.addEventListener("DOMContentLoaded", () => {
  byId("host", HTMLElement).textContent = location.host;
  bindThemeButton(byId("theme", HTMLButtonElement));
  const parts = { console: new Console(), chat: new Chat() };
  addEventListener("hashchange", () => show(parts));
  document.querySelector(".skip")?.addEventListener("click", (event) => {
    // By hand: the address's hash says which part is shown.
    event.preventDefault();
    byId("main", HTMLElement).focus();
  });
  show(parts);
});
