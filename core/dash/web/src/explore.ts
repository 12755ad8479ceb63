// SPDX-License-Identifier: GPL-3.0-or-later
// Any dimension over any range: a chart, and all its rows.
import type { Series, Traffic } from "./api";
import { Chart } from "./chart";
import { choice, select } from "./controls";
import { el, fill, say } from "./dom";
import { bytes, count, label, several } from "./format";
import { MAX_LIMIT, question, type State } from "./state";
import { full, sorted } from "./table";
import { nothing, Panel, to, type Page, type View } from "./view";
import { draw, wantedOf } from "./wanted";

/** Rows of an answer that have the text in a value. */
export function found<T extends { values: string[] }>(rows: readonly T[], text: string): T[] {
  const wanted = text.toLowerCase();
  return wanted ? rows.filter((r) => r.values.some((v) => v.toLowerCase().includes(wanted))) : [...rows];
}

export function explore(): Page {
  const chart = new Chart(280);
  const bar = el("div", { class: "toolbar", role: "group", "aria-label": "What is shown" });
  const time = new Panel("Traffic over time", { class: "wide" });
  const downloads = el("div", { class: "controls" });
  const rows = new Panel("Rows", { class: "wide", aside: downloads });
  let asked = "", answer: Traffic | null = null, charted = "";

  function list(view: View, t: Traffic): void {
    const { state } = view;
    const by = t.by, all = found(sorted(t.rows, state.sort), state.find);
    if (!t.rows.length) {
      rows.show(nothing(view));
      return;
    }
    const said = `${several(t.total.groups, "entry", "entries")}, ${bytes(t.total.sent, state.unit)} sent, ${bytes(t.total.received, state.unit)} received, ${count(t.total.calls)} calls`;
    rows.show(el("p", { class: "sum" }, said, state.find ? `; ${count(all.length)} with “${state.find}”` : "", t.more ? `; the first ${count(t.rows.length)} are shown` : ""),
      full(view, by, all, `By ${by.map(label).join(" and ")}`),
      t.more && state.limit < MAX_LIMIT ? el("p", { class: "more" }, to({ ...state, limit: Math.min(MAX_LIMIT, state.limit * 10) }, {}, "More rows")) : "");
    say(said);
  }

  function controls(view: View): void {
    const { state, info } = view;
    const dims = info.dimensions.filter((d) => d.kind !== "time" && (d.name !== "country" || info.geoip.enabled)).map((d) => [d.name, label(d.name)] as const);
    const old = document.activeElement?.getAttribute("data-keep");
    const find = el("input", { type: "search", value: state.find, placeholder: "Find in rows  /", "aria-label": "Find in rows", "data-find": true, "data-keep": "find", maxlength: 300 });
    find.addEventListener("input", () => view.go({ ...state, find: find.value }, true));
    const go = (more: Partial<State>) => view.go({ ...state, limit: 100, ...more });
    fill(bar,
      el("label", {}, "By ", select("By", dims, state.by, (by) => go({ by, and: by === state.and ? "" : state.and }), { "data-keep": "by" })),
      el("label", {}, "and ", select("And by", [["", "nothing else"], ...dims.filter(([d]) => d !== state.by)], state.and, (and) => go({ and }), { "data-keep": "and" })),
      choice("Bytes", ["total", "sent", "received"], state.metric, (metric) => view.go({ ...state, metric }, true)),
      choice("Shape", ["stacked", "lines"], state.shape, (shape) => view.go({ ...state, shape }, true)), find);
    if (old) {
      const again = bar.querySelector<HTMLElement>(`[data-keep="${old}"]`);
      again?.focus();
      if (again === find) find.setSelectionRange(find.value.length, find.value.length);
    }
    const by = state.and ? `${state.by},${state.and}` : state.by;
    const file = (format: string): string => `/api/v1/export?${question(state, [["format", format], ["by", by]])}`;
    fill(downloads, el("a", { class: "button", href: file("csv"), download: true }, "CSV"), el("a", { class: "button", href: file("json"), download: true }, "JSON"));
  }

  return {
    root: el("div", { class: "page" }, bar, el("div", { class: "grid" }, time.root, rows.root)),
    update(view) {
      const { state } = view;
      const over = question(state, [["by", state.by], ["points", "200"], ["top", "8"]]);
      const take = (s: Series): void => {
        charted = over;
        draw(view, time, chart, s, wantedOf(view, state.by, `Traffic over time by ${label(state.by).toLowerCase()}`));
      };
      time.title.textContent = `Traffic over time, by ${label(state.by).toLowerCase()}`;
      if (charted === over && chart.root.isConnected && chart.answer) chart.show(chart.answer, wantedOf(view, state.by, time.title.textContent));
      else void time.load<Series>(view, `series?${over}`, take);

      const by = state.and ? `${state.by},${state.and}` : state.by, order = state.sort.replace(/^-/, "");
      const path = `traffic?${question(state, [["by", by], ["order", order], ["limit", String(state.limit)]])}`;
      if (path === asked && answer) list(view, answer);
      else {
        void rows.load<Traffic>(view, path, (t) => {
          asked = path;
          answer = t;
          list(view, t);
        });
      }
      controls(view);
    },
    recolour: () => chart.draw(),
    close: () => chart.close(),
  };
}
