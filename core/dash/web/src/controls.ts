// SPDX-License-Identifier: GPL-3.0-or-later
// Small controls: one of a few, one of many.
import { el } from "./dom";

/** One of a few, all of them to be seen. */
export function choice<T extends string>(name: string, all: readonly T[], chosen: T, pick: (value: T) => void): HTMLElement {
  return el("div", { class: "choice", role: "group", "aria-label": name },
    ...all.map((value) => el("button", { type: "button", "aria-pressed": String(value === chosen), onclick: () => pick(value) }, value)));
}

/** One of many. */
export function select(name: string, all: readonly (readonly [string, string])[], chosen: string, pick: (value: string) => void, attributes: Record<string, string> = {}): HTMLElement {
  const known = all.some(([value]) => value === chosen) ? all : [...all, [chosen, chosen] as const];
  const e = el("select", { "aria-label": name, ...attributes, onchange: () => pick(e.value) },
    ...known.map(([value, text]) => el("option", { value, selected: value === chosen }, text)));
  return e;
}
