// SPDX-License-Identifier: GPL-3.0-or-later
// One colour for one name, on every chart: the colour is the name's own, and kept while the page is open.

export const SLOTS = 8;
export const OTHER = "--other";

const known = new Map<string, number>();

/** A slot that the name has by itself, so that it is alike for whoever opens the address. */
export function slotOf(name: string): number {
  let h = 2166136261;
  for (let i = 0; i < name.length && i < 4096; i++) h = Math.imul(h ^ name.charCodeAt(i), 16777619);
  h ^= h >>> 15;
  return (h >>> 0) % SLOTS;
}

/**
 * Gives names that are shown together colours, as different as there are: first those that have one
 * keep it, then each takes its own or the next that is free.
 */
export function assign(names: readonly string[]): void {
  const taken = new Set<number>();
  const late: string[] = [];
  for (const name of names) {
    const slot = known.get(name);
    if (slot === undefined || (taken.has(slot) && taken.size < SLOTS)) late.push(name);
    else taken.add(slot);
  }
  for (const name of late) {
    let slot = slotOf(name);
    for (let i = 0; i < SLOTS && taken.has(slot) && taken.size < SLOTS; i++) slot = (slot + 1) % SLOTS;
    taken.add(slot);
    known.set(name, slot);
  }
}

export function forget(): void {
  known.clear();
}

const PROPERTIES = ["--font", "--muted", "--line", "--bad", "--accent", OTHER, ...Array.from({ length: SLOTS }, (_, i) => `--c${i + 1}`)];
const palette = new Map<string, string>();

/** One of PROPERTIES, for what is drawn by hand. All are read at once, and once for each theme: to ask makes the browser work out the style of all that is new. */
export function property(name: string): string {
  if (!palette.size) {
    const style = getComputedStyle(document.documentElement);
    for (const p of PROPERTIES) palette.set(p, style.getPropertyValue(p).trim());
  }
  return palette.get(name) ?? "";
}

/** The theme is another. */
export function forgetPalette(): void {
  palette.clear();
}

/** The custom property with its colour. */
export function colourOf(name: string): string {
  return `--c${(known.get(name) ?? slotOf(name)) + 1}`;
}
