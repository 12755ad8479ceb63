// SPDX-License-Identifier: GPL-3.0-or-later
// Tables: names to the left, numbers to the right, what is done with a row by click and by key.
import type { Row, Top } from "./api";
import { besides, merged, shown } from "./cells";
import { el, painted, whenIdle } from "./dom";
import { ago, bytes, count, hover, label, middle, share, when } from "./format";
import { add, type Metric, type State } from "./state";
import { deeper, now, to, type View } from "./view";

export interface Acts {
  open: () => void;
  keep?: () => void;
  drop?: () => void;
}

const acts = new WeakMap<Element, Acts>();

export function actsOf(row: Element | null | undefined): Acts | undefined {
  return row ? acts.get(row) : undefined;
}

export function actable(row: HTMLTableRowElement, what: Acts): void {
  row.tabIndex = -1;
  acts.set(row, what);
}

/** A bar beside a number: its part of the largest. */
export function bar(part: number, whole: number): HTMLElement {
  const e = el("span", { class: "meter" });
  e.style.width = `${whole > 0 ? Math.max(1, Math.min(100, (100 * part) / whole)) : 0}%`;
  return el("span", { class: "track", "aria-hidden": "true" }, e);
}

const unmade = new Map<Element, () => void>();
const ALWAYS = matchMedia("(hover: none), (max-width: 700px)"); // as in style.css

function make(root: Element): void {
  const put = unmade.get(root);
  unmade.delete(root);
  put?.();
}

/** All that is left, while there is nothing else to do. */
function makeRest(idle?: IdleDeadline): void {
  for (const root of unmade.keys()) {
    if (idle && idle.timeRemaining() < 2) break;
    if (root.isConnected) make(root);
    else unmade.delete(root);
  }
  if (unmade.size) whenIdle(makeRest);
}

/**
 * Its buttons: only these, not these. `soon`: of a page of rows they would be most of the work, so they are made once
 * the row is at hand, or there is time.
 */
export function picks(view: View, dim: string, value: string, soon = false): HTMLElement | null {
  if (merged(dim, value) || !view.info.dimensions.some((d) => d.name === dim && d.filter)) return null;
  const root = el("span", { class: "picks" });
  const put = (): void => {
    const said = hover(middle(value, 80)) || "nothing";
    root.append(
      el("button", { type: "button", title: `Only ${said}`, "aria-label": `Only ${said}`, onclick: () => view.go(add(view.state, dim, value, false)) }, "+"),
      el("button", { type: "button", title: `Without ${said}`, "aria-label": `Without ${said}`, onclick: () => view.go(add(view.state, dim, value, true)) }, "−"));
  };
  if (!soon || ALWAYS.matches) put();
  else {
    if (!unmade.size) whenIdle(makeRest);
    unmade.set(root, put);
  }
  return root;
}

for (const at of ["pointerover", "focusin"]) {
  document.addEventListener(at, (e) => {
    const row = e.target instanceof Element ? e.target.closest("tr") : null;
    row?.querySelectorAll(".picks:empty").forEach(make);
  });
}

export function measure(row: { sent: number; received: number }, metric: Metric): number {
  return metric === "sent" ? row.sent : metric === "received" ? row.received : row.sent + row.received;
}

/** A value that leads deeper, with what is known about it. */
export function valueCell(view: View, dim: string, row: Top, at: number, most: number): HTMLTableCellElement {
  const value = row.values[at] ?? "";
  return el(at ? "td" : "th", { class: "value", scope: at ? null : "row" },
    el("div", {}, merged(dim, value) ? shown(dim, value, most) : to(deeper(view.state, dim, value), { class: "open" }, shown(dim, value, most)), besides(row.beside[at]), picks(view, dim, value, true)));
}

function acted(view: View, row: HTMLTableRowElement, dim: string, value: string): HTMLTableRowElement {
  if (!merged(dim, value)) actable(row, {
    open: () => view.go(deeper(view.state, dim, value)),
    keep: () => view.go(add(view.state, dim, value, false)),
    drop: () => view.go(add(view.state, dim, value, true)),
  });
  return row;
}

/** A short list with bars: the largest of a dimension. */
export function ranking(view: View, dim: string, rows: readonly Top[], whole: number, metric: Metric, caption: string): HTMLElement {
  const most = Math.max(...rows.map((r) => measure(r, metric)), 0);
  return el("table", { class: "ranking" }, el("caption", { class: "aside" }, caption),
    el("thead", {}, el("tr", {}, ...[label(dim), "Bytes", "Part"].map((t, i) => el("th", { scope: "col", class: ["", "size", "part"][i] ?? "" }, el("span", { class: "aside" }, t))))),
    el("tbody", {}, ...rows.map((r) => {
      const n = measure(r, metric);
      return acted(view, el("tr", {}, valueCell(view, dim, r, 0, innerWidth < 700 ? 28 : 44),
        el("td", { class: "number measured" }, el("div", {}, bar(n, most), el("span", {}, bytes(n, view.state.unit)))),
        el("td", { class: "number muted part" }, share(n, whole))), dim, r.values[0] ?? "");
    })));
}

const COLUMNS: readonly (readonly [string, string])[] =
  [["total", "Total"], ["sent", "Sent"], ["received", "Received"], ["calls", "Calls"], ["time", "Last seen"]];

export function sorted(rows: readonly Row[], sort: string): Row[] {
  const column = sort.replace(/^-/, ""), sign = sort.startsWith("-") ? 1 : -1;
  const key = (r: Row): number => column === "time" ? r.last : column === "calls" ? r.calls : measure(r, column as Metric);
  if (column === "key") return [...rows].sort((a, b) => -sign * a.values.join("\0").localeCompare(b.values.join("\0"), "en", { numeric: true }));
  return [...rows].sort((a, b) => sign * (key(a) - key(b)));
}

function heading(view: View, column: string, text: string, kind: string): HTMLElement {
  const { state } = view;
  const active = state.sort.replace(/^-/, "") === column, up = state.sort.startsWith("-");
  // By name a is first, by anything else what is largest.
  const rising = column === "key" ? !up : up;
  const next: State = { ...state, sort: active && !up ? `-${column}` : column };
  return el("th", { scope: "col", class: kind, "aria-sort": active ? (rising ? "ascending" : "descending") : null },
    el("button", { type: "button", class: "sort", onclick: () => view.go(next, true) }, text, el("span", { "aria-hidden": "true" }, active ? (rising ? " ▲" : " ▼") : "")));
}

const AT_ONCE = 40; // a window has room for fewer
const A_FRAME = 200;

/** Fills a table's body: what a window has room for at once, and the rest some rows a frame, once that is seen. */
function fillRows<T>(body: HTMLElement, rows: readonly T[], draw: (row: T) => HTMLElement): HTMLElement {
  let at = 0;
  const put = (n: number): void => {
    body.append(...rows.slice(at, at + n).map(draw));
    at += n;
    if (at >= rows.length) body.removeAttribute("aria-busy");
    else {
      body.setAttribute("aria-busy", "true");
      painted(() => body.isConnected && put(A_FRAME));
    }
  };
  // Who has scrolled down stays there.
  put(scrollY > 0 ? rows.length : AT_ONCE);
  return body;
}

/** All of an answer's columns. */
export function full(view: View, by: readonly string[], rows: readonly Row[], caption: string): HTMLElement {
  const t = now(), most = Math.max(...rows.map((r) => r.sent + r.received), 0), width = innerWidth < 700 ? 26 : by.length > 1 ? 44 : 64;
  return el("div", { class: "scroll" }, el("table", { class: "full even" }, el("caption", { class: "aside" }, caption),
    el("thead", {}, el("tr", {}, ...by.map((d, i) => i ? el("th", { scope: "col" }, label(d)) : heading(view, "key", label(d), "")),
      ...COLUMNS.map(([c, text]) => heading(view, c, text, "number")))),
    fillRows(el("tbody"), rows, (r) => acted(view, el("tr", {}, ...by.map((d, i) => valueCell(view, d, r, i, width)),
      el("td", { class: "number measured" }, el("div", {}, bar(r.sent + r.received, most), el("span", {}, bytes(r.sent + r.received, view.state.unit)))),
      el("td", { class: "number" }, bytes(r.sent, view.state.unit)), el("td", { class: "number" }, bytes(r.received, view.state.unit)),
      el("td", { class: "number" }, count(r.calls)), el("td", { class: "number", title: `${when(r.first, true)} to ${when(r.last, true)}` }, ago(r.last, t))),
    by[0] ?? "exe", r.values[0] ?? ""))));
}
