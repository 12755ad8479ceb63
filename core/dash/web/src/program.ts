// SPDX-License-Identifier: GPL-3.0-or-later
// One program: its traffic, what it was (hashes over time), who started it, what it started, who used it, and where it went.
import type { Events, Row, Series, Traffic } from "./api";
import { shown, verdict } from "./cells";
import { Chart } from "./chart";
import { choice } from "./controls";
import { el, fill } from "./dom";
import { happenings } from "./happenings";
import { bytes, hover, label, middle, several, visible, when } from "./format";
import { question, type Filter, type State } from "./state";
import { measure, ranking } from "./table";
import { bounds } from "./state";
import { loadTops, type Ranked } from "./tops";
import { deeper, half, now, nothing, on, Panel, to, type Page, type View } from "./view";
import { wantedOf } from "./wanted";

/** The filters of a state, and that of its program. */
function within(state: State, dim = "exe"): State {
  const mine: Filter = { dim, value: state.exe, out: false };
  return { ...state, filters: [...state.filters.filter((f) => f.dim !== dim), mine] };
}

/** Which contents it had when: a strip for each, over the range. */
function strips(view: View, rows: readonly Row[]): HTMLElement {
  const { state, info } = view;
  let [from, until] = bounds(state, now(), info.first);
  from = Math.min(from, ...rows.map((r) => r.first));
  until = Math.max(until, from + 1);
  return el("table", { class: "strips" }, el("caption", { class: "aside" }, "SHA-256 of the program over time"),
    el("thead", { class: "aside" }, el("tr", {}, el("th", { scope: "col" }, "SHA-256"), el("th", { scope: "col" }, "Seen"), el("th", { scope: "col" }, "Bytes"))),
    el("tbody", {}, ...rows.map((r) => {
      const strip = el("span", { class: "strip" }), part = el("span", {});
      part.style.left = `${Math.max(0, (100 * (r.first - from)) / (until - from))}%`;
      part.style.width = `${Math.max(0.7, (100 * (r.last - r.first)) / (until - from))}%`;
      strip.append(part);
      const hash = r.values[0] ?? "", beside = r.beside[0];
      return el("tr", {}, el("th", { class: "value", scope: "row" }, el("div", {}, to(deeper(view.state, "sha256", hash), {}, shown("sha256", hash)), beside ? verdict(beside) : null)),
        el("td", {}, strip, el("span", { class: "muted" }, `${when(r.first)} to ${when(r.last)}`)),
        el("td", { class: "number" }, bytes(r.sent + r.received, state.unit)));
    })));
}

/** Dimensions whose largest values are asked for at once: sums of who it was are fewer, and sooner read. */
const WHERE: readonly string[] = ["domain", "raddr", "rport", "country"], WHO: readonly string[] = ["pexe", "uid", "unit", "container"];

export function program(): Page {
  const heading = el("div", { class: "title" });
  const chart = new Chart(220);
  const controls = el("div", { class: "controls" });
  const time = new Panel("Sent and received", { class: "wide", aside: controls });
  const hashes = new Panel("Contents (SHA-256) over time", { class: "wide" });
  const lists: [string, Panel][] = [["domain", new Panel("Destinations by name")], ["raddr", new Panel("Remote addresses")], ["pexe", new Panel("Started by")],
    ["country", new Panel("Destinations by country")], ["uid", new Panel("Users")], ["rport", new Panel("Remote ports")], ["unit", new Panel("Units")], ["container", new Panel("Containers")]];
  const children = new Panel("What it started"), events = new Panel("Events", { class: "wide" });
  const grid = el("div", { class: "grid" }, time.root, hashes.root, half(...[0, 3, 5].map((i) => lists[i]![1])), half(lists[1]![1], lists[2]![1], children, ...[4, 6, 7].map((i) => lists[i]![1])), events.root);

  function list(view: View, mine: State, dim: string, panel: Panel, { rows, more, groups, total }: Ranked): void {
    const { metric } = view.state, only = rows.length === 1 && rows[0]!.values[0] === "";
    if (!rows.length) {
      panel.show(el("p", { class: "muted" }, "Nothing in this range."));
      return;
    }
    panel.root.hidden = only && (dim === "unit" || dim === "container");
    panel.show(ranking({ ...view, state: mine }, dim, rows, measure(total, metric), metric, panel.title.textContent ?? ""),
      ...(more ? [el("p", { class: "more" }, to(on(mine, "explore", { by: dim, filters: mine.filters }), {}, `All ${several(groups, "entry", "entries")}`, el("span", { class: "aside" }, ` by ${label(dim)}`)))] : []));
  }

  return {
    root: el("div", { class: "page" }, heading, grid),
    update(view) {
      const { state } = view, mine = within(state);
      const file = state.exe.slice(state.exe.lastIndexOf("/") + 1);
      fill(heading, el("h1", {}, el("bdi", { title: hover(state.exe) }, visible(middle(file || "(no program)", 60)))),
        el("p", { class: "muted" }, el("bdi", { class: "name" }, visible(middle(state.exe, 200)))),
        el("p", {}, to(on(mine, "explore", { by: "raddr", filters: mine.filters }), { class: "button" }, "Explore its traffic")));
      document.title = `${visible(middle(file, 40))} · picosnitch`;
      fill(controls, choice("Shape", ["stacked", "lines"], state.shape, (shape) => view.go({ ...state, shape }, true)));
      // What takes longest first.
      for (const together of [WHERE, WHO]) {
        const mineOf = lists.filter(([dim]) => together.includes(dim));
        for (const [dim, panel] of mineOf) panel.root.hidden = !view.info.dimensions.some((d) => d.name === dim) || (dim === "country" && !view.info.geoip.enabled);
        loadTops(view, mine, mineOf.filter(([, panel]) => !panel.root.hidden), 8, (dim, panel, ranked) => list(view, mine, dim, panel, ranked));
      }
      // What is drawn are its two directions, so they are asked for as one line and taken apart.
      void time.load<Series>(view, `series?${question(mine, [["by", "none"], ["points", "200"]])}`, (s) => {
        view.losses(s.losses);
        const line = s.series[0];
        if (!line) {
          time.show(nothing(view));
          return;
        }
        const none = line.sent.map(() => 0);
        if (chart.root.parentNode !== time.body) time.show(chart.root);
        chart.show({ ...s, other: null, series: [{ value: "received", beside: null, sent: none, received: line.received }, { value: "sent", beside: null, sent: line.sent, received: none }] },
          { ...wantedOf(view, "direction", "Sent and received over time"), metric: "total" });
      });
      void hashes.load<Traffic>(view, `traffic?${question(mine, [["by", "sha256"], ["order", "time"], ["limit", "20"]])}`, (t) => hashes.show(t.rows.length ? strips(view, t.rows) : nothing(view)));
      const started = within(state, "pexe");
      void children.load<Traffic>(view, `traffic?${question(started, [["by", "exe"], ["order", state.metric], ["limit", "8"]])}`, (t) => children.show(t.rows.length
        ? ranking(view, "exe", t.rows, measure(t.total, state.metric), state.metric, "What it started") : el("p", { class: "muted" }, "Nothing that it started used the network in this range.")));
      void events.load<Events>(view, `events?${question(mine, [["kind", "program"], ["limit", "30"]])}`, (e) => events.show(e.events.length
        ? happenings(view, e.events, now()) : el("p", { class: "muted" }, "Nothing new about it in this range.")));
    },
    recolour: () => chart.draw(),
    close: () => chart.close(),
  };
}
