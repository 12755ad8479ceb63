// SPDX-License-Identifier: GPL-3.0-or-later
// Elements. Text is only ever text: nothing here, or anywhere else, parses markup.

type Child = Node | string | null | undefined | false;
type Value = string | number | boolean | null | undefined | ((e: never) => void);

/** An element; "on..." are listeners, true is an attribute without a value, null and false none. */
export function el<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Record<string, Value> = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const e = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") e.addEventListener(key.slice(2), value as EventListener);
    else if (value === true) e.setAttribute(key, "");
    else if (value !== null && value !== undefined && value !== false) e.setAttribute(key, String(value));
  }
  e.append(...children.filter((c): c is Node | string => c !== null && c !== undefined && c !== false));
  return e;
}

export function fill(parent: Element, ...children: Child[]): void {
  parent.replaceChildren(...children.filter((c): c is Node | string => c !== null && c !== undefined && c !== false));
}

export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const e = document.getElementById(id);
  if (!e) throw new Error(`no #${id}`);
  return e as T;
}

/** Once what has been done so far is on the screen. */
export function painted(then: () => void): void {
  requestAnimationFrame(() => setTimeout(then));
}

/** When there is nothing else to do; some browsers do not tell: then soon. */
export function whenIdle(then: (idle?: IdleDeadline) => void): void {
  if ("requestIdleCallback" in window) requestIdleCallback(then);
  else setTimeout(then, 200);
}

let polite: HTMLElement | undefined;

/** For who cannot see that the page has changed. */
export function say(text: string): void {
  polite ??= byId("said");
  if (polite.textContent !== text) polite.textContent = text;
}
