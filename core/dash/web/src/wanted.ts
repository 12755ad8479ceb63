// SPDX-License-Identifier: GPL-3.0-or-later
// How a page's chart is to look, by the state.
import type { Series } from "./api";
import { plain } from "./cells";
import type { Chart, Wanted } from "./chart";
import { assign } from "./colours";
import { zoomed } from "./state";
import { nothing, now, type Panel, type View } from "./view";

export function wantedOf(view: View, dim: string, title: string): Wanted {
  const { state, info } = view;
  return {
    metric: state.metric, shape: state.shape, unit: state.unit, scroll: info.scroll_zoom, title,
    nameOf: (value) => plain(dim, value),
    zoom: (from, to) => view.go(zoomed(state, from, to, now())),
  };
}

/** An answer as a chart in its panel, or in words that there is nothing; its values get their colours. */
export function draw(view: View, panel: Panel, chart: Chart, s: Series, wanted: Wanted): void {
  assign(s.series.map((line) => line.value));
  view.losses(s.losses);
  if (!s.series.length) {
    panel.show(nothing(view));
    return;
  }
  if (chart.root.parentNode !== panel.body) panel.show(chart.root);
  chart.show(s, wanted);
}
