// SPDX-License-Identifier: MIT
// Light, dark, or as the system says.
import { setIcon, storage } from "./dom";

const kThemes = ["auto", "light", "dark"] as const;
type Theme = (typeof kThemes)[number];

function current(): Theme {
  const stored = storage.get("theme");
  return kThemes.find((theme) => theme === stored) ?? "auto";
}

/** Before the body exists, so that nothing is painted in the wrong theme. */
export function applyTheme(theme: Theme = current()): void {
  document.documentElement.dataset["theme"] = theme;
}

export function bindThemeButton(button: HTMLElement): void {
  const show = () => {
    const theme = current();
    setIcon(button, theme);
    button.setAttribute("aria-label", `Theme: ${theme}`);
    button.title = theme === "auto" ? "Theme: as the system" : `Theme: ${theme}`;
  };
  button.addEventListener("click", () => {
    const next = kThemes[(kThemes.indexOf(current()) + 1) % kThemes.length] ?? "auto";
    storage.set("theme", next);
    applyTheme(next);
    show();
  });
  show();
}
