// SPDX-License-Identifier: GPL-3.0-or-later
// The first page: which program moves the most, where to, and what is new.
import type { Events, Series } from "./api";
import { flagOf, shown } from "./cells";
import { Chart } from "./chart";
import { choice } from "./controls";
import { el, fill } from "./dom";
import { happenings } from "./happenings";
import { bytes, several, share } from "./format";
import { question, type Metric, type State } from "./state";
import { measure, ranking } from "./table";
import { loadTops, type Ranked } from "./tops";
import { deeper, half, now, nothing, on, Panel, to, type Page, type View } from "./view";
import { draw, wantedOf } from "./wanted";

const MOVED: Readonly<Record<Metric, string>> = { total: "moved", sent: "sent", received: "received" };

/** One answer in large letters. */
class Tile {
  readonly root: HTMLElement;
  private readonly body = el("div", { class: "tile-body" }, el("p", { class: "big muted" }, "…"));

  constructor(title: string) {
    this.root = el("section", { class: "tile", "aria-label": title }, el("h2", {}, title), this.body);
  }

  say(big: Node | string, ...small: (Node | string)[]): void {
    fill(this.body, el("p", { class: "big" }, big), el("p", { class: "muted" }, ...small));
  }
}

export function overview(): Page {
  const most = new Tile("Moves the most"), where = new Tile("Goes to"), fresh = new Tile("New");
  const chart = new Chart();
  const controls = el("div", { class: "controls" });
  const time = new Panel("Traffic over time, by program", { class: "wide", aside: controls });
  const programs = new Panel("Top programs"), countries = new Panel("Destinations by country"), domains = new Panel("Destinations by name"), news = new Panel("What is new");
  const grid = el("div", { class: "grid" }, time.root, half(programs, domains), half(countries, news));
  const tiles = el("div", { class: "tiles" }, most.root, where.root, fresh.root);

  function more(panel: Panel, state: State, text: string): HTMLElement {
    return el("p", { class: "more" }, to(state, {}, text, el("span", { class: "aside" }, ` (${panel.title.textContent ?? ""})`)));
  }

  function busiest(view: View, geo: string | null, dim: string, { rows: all, total }: Ranked): void {
    const { state } = view;
    // What has no name is no answer, as long as there is another.
    const rows = [...all].sort((a, b) => Number(a.values[0] === "") - Number(b.values[0] === "")), row = rows[0];
    if (!row) {
      where.say("Nowhere", "in this range");
      return;
    }
    const value = row.values[0] ?? "", n = measure(row, state.metric);
    where.say(to(deeper(state, dim, value), {}, shown(dim, value, 34)), `${bytes(n, state.unit)}, ${share(n, measure(total, state.metric))}; then `,
      ...rows.slice(1, 4).flatMap((r, i) => [i ? ", " : "", geo === dim ? flagOf(r.values[0] ?? "") : shown(dim, r.values[0] ?? "", 20)]),
      ...(rows.length < 2 ? ["nowhere else"] : []));
  }

  function list(view: View, dim: string, panel: Panel, { rows, more: others, groups, total }: Ranked): void {
    const { state } = view;
    if (!rows.length) {
      panel.show(nothing(view));
      return;
    }
    panel.show(ranking(view, dim, rows, measure(total, state.metric), state.metric, panel.title.textContent ?? ""),
      more(panel, on(state, "explore", { by: dim }), others ? `All ${several(groups, "entry", "entries")}` : "Explore"));
  }

  return {
    root: el("div", { class: "page" }, tiles, grid),
    update(view) {
      const { state } = view;
      fill(controls, choice("Bytes", ["total", "sent", "received"], state.metric, (metric) => view.go({ ...state, metric }, true)),
        choice("Shape", ["stacked", "lines"], state.shape, (shape) => view.go({ ...state, shape }, true)));
      const geo = view.info.geoip.enabled ? view.info.dimensions.find((d) => d.kind === "country" || d.name === "country")?.name ?? null : null;
      // What takes longest first.
      loadTops(view, state, [["domain", domains], ...(geo ? [[geo, countries] as const] : [])], 10, (dim, panel, ranked) => {
        if (dim === (geo ?? "domain")) busiest(view, geo, dim, ranked);
        list(view, dim, panel, ranked);
      });
      if (!geo) countries.show(el("div", { class: "notice" }, el("p", {}, "Countries need a GeoIP database: ", el("code", {}, "[geoip]"), " in picosnitch.ini.")));
      void time.load<Series>(view, `series?${question(state, [["by", "exe"], ["points", "200"], ["top", "8"]])}`, (s) => {
        draw(view, time, chart, s, wantedOf(view, "exe", "Traffic over time by program"));
      });
      loadTops(view, state, [["exe", programs]], 10, (dim, panel, ranked) => {
        const { rows, groups, total, losses } = ranked, first = rows[0];
        view.losses(losses);
        if (!first) most.say("Nothing", "in this range");
        else {
          const n = measure(first, state.metric);
          most.say(to(deeper(state, "exe", first.values[0] ?? ""), {}, shown("exe", first.values[0] ?? "", 34)),
            `${bytes(n, state.unit)}, ${share(n, measure(total, state.metric))} of what ${several(groups, "program")} ${MOVED[state.metric]}`);
        }
        list(view, dim, panel, ranked);
      });
      void news.load<Events>(view, `events?${question(state, [["kind", "program,verdict"], ["limit", "30"]])}`, (e) => {
        const unexpected = e.events.filter((x) => x.kind === "program" && !x.expected);
        const bad = e.events.filter((x) => x.verdict === "suspicious").length;
        const few = new Set(unexpected.map((x) => x.exe ?? "")).size;
        const first = unexpected[0];
        if (bad) fresh.say(to(on(state, "alerts", { kinds: ["verdict"] }), { class: "bad" }, several(bad, "suspicious verdict")), "and ", to(on(state, "alerts", { kinds: ["program"] }), {}, several(few, "program")), " new or changed");
        else if (!first) fresh.say("Nothing new", "no program was new or changed in this range");
        else fresh.say(to(on(state, "alerts", { kinds: ["program"] }), {}, `${several(few, "program")}${e.more ? " or more" : ""}`), "new or changed; the latest: ", shown("exe", first.exe ?? "", 40));
        news.show(e.events.length ? happenings(view, e.events.slice(0, 8), now()) : el("p", { class: "muted" }, "No program was new or changed, and no verdict came, in this range."),
          more(news, on(state, "alerts"), "All alerts"));
      });
    },
    recolour: () => chart.draw(),
    close: () => chart.close(),
  };
}
