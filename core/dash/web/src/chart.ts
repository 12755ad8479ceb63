// SPDX-License-Identifier: GPL-3.0-or-later
// Traffic over time: stacked areas or lines, with a crosshair that says what was then, a brush and a wheel that
// choose another range, keys for both, and a table that says the same.
import uPlot from "uplot";
import type { Loss, Series } from "./api";
import { colourOf, OTHER, property } from "./colours";
import { el, fill, say } from "./dom";
import { bytes, hover, middle, rate, several, span, visible, when, whenDay } from "./format";
import type { Metric, Shape, Unit } from "./state";
import { picked, stack, sum } from "./sums";

export interface Drawn {
  name: string;
  colour: string; // a custom property's name
  steps: number[]; // bytes
  total: number;
}

export interface Wanted {
  metric: Metric;
  shape: Shape;
  unit: Unit;
  scroll: boolean;
  nameOf: (value: string) => string;
  title: string;
  zoom: (from: number, to: number) => void;
}

/** What is to be drawn of an answer, the largest first, the rest last. */
export function drawn(answer: Series, want: Wanted): Drawn[] {
  const list: Drawn[] = answer.series.map((s) => {
    const steps = picked(want.metric, s.sent, s.received);
    return { name: want.nameOf(s.value), colour: colourOf(s.value), steps, total: sum(steps) };
  });
  list.sort((a, b) => b.total - a.total);
  if (answer.other && answer.other.groups > 0) {
    const steps = picked(want.metric, answer.other.sent, answer.other.received);
    list.push({ name: `${several(answer.other.groups, "other")}`, colour: OTHER, steps, total: sum(steps) });
  }
  return list;
}

export class Chart {
  readonly root: HTMLElement;
  private readonly plotted: HTMLElement;
  private readonly tip: HTMLElement;
  private readonly legend: HTMLElement;
  private readonly alternative: HTMLElement;
  private plot: uPlot | null = null;
  answer: Series | null = null;
  private want: Wanted | null = null;
  private hidden = new Set<string>();
  private list: Drawn[] = [];
  private wheeled = 0;
  private width = 0; // what was laid out last: to ask costs a layout of the page
  private readonly watcher: ResizeObserver;

  constructor(private readonly height = 260) {
    this.plotted = el("div", { class: "plot", tabindex: "0", role: "img", "aria-label": "Traffic over time: loading" });
    this.tip = el("div", { class: "tip", hidden: true });
    this.legend = el("ul", { class: "legend", "aria-label": "Legend: choose to hide or show" });
    this.alternative = el("div", { class: "scroll" });
    const table = el("details", { class: "alternative" }, el("summary", {}, "Chart as a table"), this.alternative);
    table.addEventListener("toggle", () => this.tell(table.open));
    this.plotted.append(this.tip);
    this.root = el("div", { class: "chart" }, this.plotted, this.legend, table);
    this.watcher = new ResizeObserver(([e]) => this.fit(Math.floor(e?.contentRect.width ?? 0)));
    this.watcher.observe(this.plotted);
    this.plotted.addEventListener("keydown", (e) => this.key(e));
    this.plotted.addEventListener("wheel", (e) => this.wheel(e), { passive: false });
    this.plotted.style.minHeight = `${height}px`;
  }

  close(): void {
    this.watcher.disconnect();
    this.plot?.destroy();
    this.plot = null;
  }

  show(answer: Series, want: Wanted): void {
    this.answer = answer;
    this.want = want;
    this.list = drawn(answer, want);
    this.draw();
  }

  /** Colours are read when it is drawn: a new theme needs that again. */
  draw(): void {
    const { answer, want } = this;
    if (!answer || !want) return;
    this.plot?.destroy();
    this.plot = null;
    const colour = (name: string): string => property(name) || "#888";
    const shown = this.list.filter((d) => !this.hidden.has(d.name));
    const perSecond = (steps: number[]): number[] => steps.map((n) => n / Math.max(1, answer.step));
    const lines = shown.map((d) => perSecond(d.steps));
    const stacked = want.shape === "stacked";
    const ys = stacked ? stack(lines).reverse() : lines;
    const order = stacked ? [...shown].reverse() : shown;
    // A step is shown until its end.
    const times = answer.times.length ? [...answer.times, answer.times[answer.times.length - 1]! + answer.step] : [];
    const data = [times, ...ys.map((y) => [...y, y[y.length - 1] ?? 0])] as uPlot.AlignedData;
    const stepped = uPlot.paths.stepped!({ align: 1 });
    const muted = colour("--muted"), line = colour("--line");
    const axis = { stroke: muted, font: `12px ${property("--font") || "sans-serif"}`, grid: { stroke: line, width: 1 }, ticks: { show: false } };
    const options: uPlot.Options = {
      width: Math.max(200, this.width ||= this.plotted.clientWidth), height: this.height,
      legend: { show: false },
      cursor: { drag: { x: true, y: false, setScale: false }, points: { show: false }, y: false },
      scales: { x: { time: true, range: () => [answer.from, Math.max(answer.to, answer.from + 1)] }, y: { range: (_u, _min, max) => [0, max > 0 ? max * 1.08 : 1] } },
      axes: [
        { ...axis, space: 70, values: timeLabels },
        { ...axis, size: 76, gap: 6, values: (_u, splits) => splits.map((v) => (v === 0 ? "0" : rate(v, want.unit))) },
      ],
      series: [{}, ...order.map((d) => {
        const c = colour(d.colour);
        return {
          label: d.name, paths: stepped, points: { show: false },
          // No seams between layers: they would hide the thin ones.
          ...(stacked ? { width: 0, fill: c } : { stroke: c, width: 2 }),
        };
      })],
      hooks: {
        setCursor: [(u) => this.point(u)],
        setSelect: [(u) => {
          if (u.select.width < 4) return;
          const from = u.posToVal(u.select.left, "x"), to = u.posToVal(u.select.left + u.select.width, "x");
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          want.zoom(from, to);
        }],
        draw: [(u) => lossMarks(u, answer.losses, colour("--bad"))],
      },
    };
    this.plot = new uPlot(options, data, (u, ready) => {
      this.plotted.insertBefore(u.root, this.tip);
      ready();
    });
    this.describe();
    this.fillLegend();
    const open = this.root.querySelector<HTMLDetailsElement>("details.alternative");
    this.tell(open?.open ?? false);
  }

  private describe(): void {
    const { answer, want } = this;
    if (!answer || !want) return;
    const most = this.list.slice(0, 3).map((d) => `${hover(middle(d.name, 60))} ${bytes(d.total, want.unit)}`).join(", ");
    this.plotted.setAttribute("aria-label", `${want.title}, ${when(answer.from)} to ${when(answer.to)}, steps of ${span(answer.step)}. `
      + (most ? `Largest: ${most}. ` : "Nothing. ") + "Arrow keys move through it, plus and minus zoom.");
  }

  private fillLegend(): void {
    const want = this.want!;
    fill(this.legend, ...this.list.map((d) => {
      const swatch = el("span", { class: "swatch" });
      swatch.style.background = `var(${d.colour})`;
      return el("li", {}, el("button", {
        type: "button", "aria-pressed": String(!this.hidden.has(d.name)), title: `${hover(d.name)}: hide or show`,
        onclick: () => {
          if (!this.hidden.delete(d.name)) this.hidden.add(d.name);
          this.draw();
        },
      }, swatch, el("bdi", {}, visible(middle(d.name, 40))), el("span", { class: "number muted" }, bytes(d.total, want.unit))));
    }));
  }

  private fit(width: number): void {
    this.width = width;
    if (this.plot && width > 0 && Math.abs(width - this.plot.width) > 1) this.plot.setSize({ width, height: this.height });
  }

  private point(u: uPlot): void {
    const { answer, want } = this;
    const i = u.cursor.idx;
    if (!answer || !want || i === null || i === undefined || (u.cursor.left ?? -1) < 0) {
      this.tip.hidden = true;
      return;
    }
    // The cursor's index is the nearest point's; a step is that which has begun.
    const t = u.posToVal(u.cursor.left!, "x");
    const at = Math.max(0, Math.min(answer.times.length - 1, Math.floor((t - (answer.times[0] ?? 0)) / Math.max(1, answer.step))));
    const parts = this.list.filter((d) => !this.hidden.has(d.name) && (d.steps[at] ?? 0) > 0).sort((a, b) => b.steps[at]! - a.steps[at]!);
    fill(this.tip, el("p", { class: "tip-time" }, whenDay(answer.times[at] ?? 0), el("span", { class: "muted" }, ` for ${span(answer.step)}`)),
      el("ul", {}, ...parts.slice(0, 10).map((d) => {
        const swatch = el("span", { class: "swatch" });
        swatch.style.background = `var(${d.colour})`;
        return el("li", {}, swatch, el("bdi", {}, visible(middle(d.name, 34))), el("span", { class: "number" }, bytes(d.steps[at]!, want.unit)));
      }), !parts.length && el("li", { class: "muted" }, "nothing")),
      parts.length > 1 && el("p", { class: "tip-sum" }, "Together ", el("span", { class: "number" },
        bytes(parts.reduce((a, d) => a + d.steps[at]!, 0), want.unit))));
    this.tip.hidden = false;
    const left = u.cursor.left! + u.over.offsetLeft, room = this.plotted.clientWidth, wide = this.tip.offsetWidth;
    this.tip.style.left = `${Math.max(0, left + 16 + wide < room ? left + 16 : Math.max(0, left - 16 - wide))}px`;
  }

  private key(e: KeyboardEvent): void {
    const { plot: u, answer, want } = this;
    if (!u || !answer || !want || e.ctrlKey || e.altKey || e.metaKey) return;
    const width = answer.to - answer.from, n = answer.times.length;
    const t = (u.cursor.left ?? -1) >= 0 ? u.posToVal(u.cursor.left!, "x") : answer.from + width / 2;
    const at = Math.floor((t - (answer.times[0] ?? 0)) / Math.max(1, answer.step));
    if (e.key === "ArrowLeft" || e.key === "ArrowRight") {
      const next = Math.max(0, Math.min(n - 1, at + (e.key === "ArrowLeft" ? -1 : 1)));
      u.setCursor({ left: u.valToPos((answer.times[next] ?? 0) + answer.step / 2, "x"), top: 10 });
      const most = [...this.list].sort((a, b) => (b.steps[next] ?? 0) - (a.steps[next] ?? 0))[0];
      say(`${when(answer.times[next] ?? 0)}: ${bytes(sum(this.list.map((d) => d.steps[next] ?? 0)), want.unit)}${most ? `, most by ${hover(middle(most.name, 60))}` : ""}`);
    } else if (e.key === "+" || e.key === "=") want.zoom(t - width / 4, t + width / 4);
    else if (e.key === "-") want.zoom(answer.from - width / 2, answer.to + width / 2);
    else return;
    e.preventDefault();
    e.stopPropagation();
  }

  private wheel(e: WheelEvent): void {
    const { plot: u, answer, want } = this;
    if (!u || !answer || !want || !want.scroll || e.ctrlKey || e.shiftKey || !e.deltaY) return;
    e.preventDefault();
    const now = performance.now();
    if (now - this.wheeled < 250) return; // one notch, one question
    this.wheeled = now;
    const box = u.over.getBoundingClientRect();
    const t = u.posToVal(Math.max(0, Math.min(box.width, e.clientX - box.left)), "x");
    const by = e.deltaY > 0 ? 2 : 0.5;
    want.zoom(t - (t - answer.from) * by, t + (answer.to - t) * by);
  }

  private tell(open: boolean): void {
    const { answer, want } = this;
    if (!answer || !want || !open) {
      this.alternative.replaceChildren();
      return;
    }
    fill(this.alternative, el("table", {}, el("caption", { class: "aside" }, want.title),
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Time"), ...this.list.map((d) => el("th", { scope: "col", class: "number" }, el("bdi", {}, visible(middle(d.name, 30))))))),
      el("tbody", {}, ...answer.times.map((t, i) => el("tr", {}, el("th", { scope: "row" }, when(t)),
        ...this.list.map((d) => el("td", { class: "number" }, bytes(d.steps[i] ?? 0, want.unit))))))));
  }
}

function timeLabels(_u: uPlot, splits: number[], _axis: number, _space: number, increment: number): string[] {
  let day = "";
  return splits.map((t) => {
    const text = when(t, increment < 60);
    const [date = "", clock = ""] = text.split(" ");
    if (increment >= 86400) return date.slice(5);
    const fresh = date !== day;
    day = date;
    return fresh ? `${clock}\n${whenDay(t).slice(0, 3)} ${date.slice(5)}` : clock;
  });
}

/** Where something was lost, a red stroke above. */
function lossMarks(u: uPlot, losses: readonly Loss[], colour: string): void {
  const { ctx, bbox } = u, ratio = devicePixelRatio || 1;
  ctx.save();
  ctx.fillStyle = colour;
  for (const loss of losses) {
    const a = Math.max(bbox.left, u.valToPos(loss.first, "x", true));
    const b = Math.min(bbox.left + bbox.width, u.valToPos(Math.max(loss.last, loss.first), "x", true));
    if (b >= bbox.left && a <= bbox.left + bbox.width) ctx.fillRect(a, bbox.top, Math.max(4 * ratio, b - a), 6 * ratio);
  }
  ctx.restore();
}
