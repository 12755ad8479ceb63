// SPDX-License-Identifier: GPL-3.0-or-later
// Sums of steps.
import type { Metric } from "./state";

/** Sums from below: each line is what is under it, too. */
export function stack(list: readonly number[][]): number[][] {
  const out: number[][] = [];
  for (const steps of list) {
    const below = out[out.length - 1];
    out.push(steps.map((n, i) => n + (below?.[i] ?? 0)));
  }
  return out;
}

export function picked(metric: Metric, sent: readonly number[], received: readonly number[]): number[] {
  return metric === "sent" ? [...sent] : metric === "received" ? [...received] : sent.map((n, i) => n + (received[i] ?? 0));
}

export function sum(list: readonly number[]): number {
  return list.reduce((a, b) => a + b, 0);
}
