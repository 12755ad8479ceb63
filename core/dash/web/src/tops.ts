// SPDX-License-Identifier: GPL-3.0-or-later
// The largest values of several dimensions: one answer, of which each panel draws its own.
import { ask, type Loss, type Top, type Tops } from "./api";
import { question, type State } from "./state";
import type { Panel, View } from "./view";

export interface Ranked { rows: Top[]; more: boolean; groups: number; total: Tops["total"]; losses: readonly Loss[] }

export function loadTops(view: View, state: State, panels: readonly (readonly [string, Panel])[], limit: number, draw: (dim: string, panel: Panel, ranked: Ranked) => void): void {
  if (!panels.length) return;
  const path = `tops?${question(state, [["by", panels.map(([dim]) => dim).join(",")], ["order", state.metric], ["limit", String(limit)]])}`;
  const shared = { answer: ask<Tops>(path, view.signal), again: () => loadTops(view, state, panels, limit, draw) };
  for (const [dim, panel] of panels) {
    void panel.load<Tops>(view, path, ({ tops, total, losses }) => {
      for (const t of tops) if (t.by === dim) draw(dim, panel, { ...t, total, losses });
    }, shared);
  }
}
