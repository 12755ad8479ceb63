// SPDX-License-Identifier: GPL-3.0-or-later
// Which colours: those of the choice, which this browser remembers; else those of [dash] theme.

export const THEMES: readonly string[] = ["auto", "light", "dark", "cyborg", "darkly", "flatly", "sandstone", "slate", "solar"];

const KEY = "picosnitch.theme";
let chosen = "auto";
let changed: () => void = () => undefined;

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage may be forbidden
  }
}

function put(name: string): void {
  chosen = THEMES.includes(name) ? name : "auto";
  document.documentElement.dataset.theme = chosen;
  changed();
}

export function theme(): string {
  return chosen;
}

/** Before anything is drawn; `redraw` whenever colours change. */
export function startTheme(redraw: () => void): void {
  put(stored() ?? "auto");
  changed = redraw;
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => chosen === "auto" && changed());
}

export function defaultTheme(name: string): void {
  if (stored() === null && name !== chosen) put(name);
}

export function setTheme(name: string): void {
  put(name);
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // Then it lasts as long as the page.
  }
}
