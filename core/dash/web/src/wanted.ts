// SPDX-License-Identifier: GPL-3.0-or-later
// How a page's chart is to look, by the state.
import { plain } from "./cells";
import type { Wanted } from "./chart";
import { zoomed } from "./state";
import { now, type View } from "./view";

export function wantedOf(view: View, dim: string, title: string): Wanted {
  const { state, info } = view;
  return {
    metric: state.metric, shape: state.shape, unit: state.unit, scroll: info.scroll_zoom, title,
    nameOf: (value) => plain(dim, value),
    zoom: (from, to) => view.go(zoomed(state, from, to, now())),
  };
}
