// SPDX-License-Identifier: MIT
// The few things this page does with the DOM. Text goes in as textContent, never as HTML.

/** The element of index.html with that id; a missing or different one is this page's own bug. */
export function byId<T extends Element>(id: string, type: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`index.html has no ${type.name} #${id}`);
  return element;
}

export type Child = Node | string;

export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = "",
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className !== "") element.className = className;
  element.append(...children);
  return element;
}

export function setIcon(owner: Element, name: string): void {
  owner.querySelector("use")?.setAttribute("href", `#icon-${name}`);
}

/** Shows `text` in an element that is hidden while there is nothing to say. */
export function setProblem(element: HTMLElement, text: string | null): void {
  element.hidden = text === null;
  element.textContent = text ?? "";
}

/** A group of toggle buttons of which one is pressed; `name` is their data attribute. */
export function segments(group: Element, name: string, pick: (value: string) => void): void {
  group.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    const value = button?.dataset[name];
    if (value === undefined) return;
    pressSegment(group, name, value);
    pick(value);
  });
}

export function pressSegment(group: Element, name: string, value: string): void {
  for (const button of group.querySelectorAll<HTMLButtonElement>("button")) {
    button.setAttribute("aria-pressed", String(button.dataset[name] === value));
  }
}

export function download(name: string, parts: BlobPart[], type: string): void {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  const link = el("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** localStorage, or nothing where the browser forbids it. */
export const storage = {
  get(key: string): string | null {
    try {
      return localStorage.getItem(`walkie.${key}`);
    } catch {
      return null;
    }
  },
  set(key: string, value: string): void {
    try {
      localStorage.setItem(`walkie.${key}`, value);
    } catch {
      // Private windows and full storages: the page works without.
    }
  },
};
