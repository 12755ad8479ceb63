// SPDX-License-Identifier: GPL-3.0-or-later
// What is looked at: all of it is in the address, so that it can be sent to someone, and "back" works.

export type Page = "overview" | "explore" | "program" | "alerts" | "live";
export type Metric = "total" | "sent" | "received";
export type Shape = "stacked" | "lines";
export type Unit = "auto" | "B" | "kB" | "MB" | "GB";

export interface Filter {
  readonly dim: string;
  readonly value: string;
  readonly out: boolean; // is left out
}

export interface State {
  readonly page: Page;
  readonly exe: string; // of the page about a program
  readonly last: string; // "1d", "all"; "" when from and to say it
  readonly from: number; // Unix seconds
  readonly to: number;
  readonly by: string; // what explore's rows are
  readonly and: string; // ... and by what else; may be ""
  readonly metric: Metric;
  readonly shape: Shape;
  readonly sort: string; // a column; with "-" before it the smallest is first
  readonly unit: Unit;
  readonly limit: number;
  readonly find: string;
  readonly kinds: readonly string[]; // of events
  readonly filters: readonly Filter[];
}

export const PATHS: Readonly<Record<Page, string>> = {
  overview: "/", explore: "/explore", program: "/program", alerts: "/alerts", live: "/live",
};
export const KINDS: readonly string[] = ["program", "verdict", "loss"];
export const UNITS: readonly Unit[] = ["auto", "B", "kB", "MB", "GB"];
export const SORTS: readonly string[] = ["total", "sent", "received", "calls", "time", "key"];
export const MAX_LIMIT = 10000;

export const START: State = {
  page: "overview", exe: "", last: "1d", from: 0, to: 0, by: "exe", and: "", metric: "total", shape: "stacked",
  sort: "total", unit: "auto", limit: 100, find: "", kinds: KINDS, filters: [],
};

const LENGTH = /^(\d{1,9})(s|min|h|d|w)?$/;
const SECONDS: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3600, d: 86400, w: 604800 };

/** Seconds of "15min"; 0 for what is no length ("all"). */
export function seconds(length: string): number {
  const m = LENGTH.exec(length);
  return m ? Number(m[1]) * (SECONDS[m[2] ?? "s"] ?? 1) : 0;
}

function oneOf<T extends string>(value: string | null, all: readonly T[], otherwise: T): T {
  return value !== null && (all as readonly string[]).includes(value) ? (value as T) : otherwise;
}

function point(value: string | null): number {
  return value !== null && /^-?\d{1,12}$/.test(value) ? Number(value) : NaN;
}

function dimension(value: string | null, otherwise: string): string {
  return value !== null && /^[a-z0-9_]{1,32}$/.test(value) ? value : otherwise;
}

function filter(text: string, out: boolean): Filter | null {
  const at = text.indexOf("=");
  return at > 0 ? { dim: text.slice(0, at), value: text.slice(at + 1), out } : null;
}

/** What an address says; what it does not, or not in a way that is understood, is as at the start. */
export function parse(path: string, search: string): State {
  const page = (Object.keys(PATHS) as Page[]).find((p) => PATHS[p] === path) ?? "overview";
  const q = new URLSearchParams(search);
  const from = point(q.get("from")), to = point(q.get("to"));
  const fixed = from < to;
  const last = q.get("last") ?? "";
  const sort = q.get("sort") ?? "";
  const limit = Number(q.get("limit") ?? START.limit);
  const filters: Filter[] = [];
  for (const [key, value] of q) {
    const f = key === "f" || key === "x" ? filter(value, key === "x") : null;
    if (f && !filters.some((g) => same(f, g))) filters.push(f);
  }
  const kinds = (q.get("kind") ?? "").split(",").filter((k) => KINDS.includes(k));
  return {
    page,
    exe: q.get("exe") ?? "",
    last: fixed ? "" : last === "all" || seconds(last) > 0 ? last : START.last,
    from: fixed ? from : 0,
    to: fixed ? to : 0,
    by: dimension(q.get("by"), START.by),
    and: dimension(q.get("and"), ""),
    metric: oneOf(q.get("metric"), ["total", "sent", "received"] as const, START.metric),
    shape: oneOf(q.get("shape"), ["stacked", "lines"] as const, START.shape),
    sort: SORTS.includes(sort.replace(/^-/, "")) ? sort : START.sort,
    unit: oneOf(q.get("unit"), UNITS, START.unit),
    limit: Number.isInteger(limit) && limit > 0 && limit <= MAX_LIMIT ? limit : START.limit,
    find: q.get("find") ?? "",
    kinds: kinds.length ? kinds : KINDS,
    filters,
  };
}

export function same(a: Filter, b: Filter): boolean {
  return a.dim === b.dim && a.value === b.value && a.out === b.out;
}

/** "a=1&b=2". Blanks as %20: a plus is a plus. */
export function encode(pairs: readonly (readonly [string, string])[]): string {
  return pairs.map(([k, v]) => `${k}=${encodeURIComponent(v.replace(/\p{Surrogate}/gu, "\ufffd"))}`).join("&");
}

function range(s: State): [string, string][] {
  return s.last ? [["last", s.last]] : [["from", String(s.from)], ["to", String(s.to)]];
}

function filters(s: State): [string, string][] {
  return s.filters.map((f) => [f.out ? "x" : "f", `${f.dim}=${f.value}`]);
}

/** The address of a state: what is as at the start is left out. */
export function address(s: State): string {
  const q: [string, string][] = [];
  if (s.page === "program") q.push(["exe", s.exe]);
  if (s.last !== START.last) q.push(...range(s));
  if (s.page === "explore") {
    if (s.by !== START.by) q.push(["by", s.by]);
    if (s.and) q.push(["and", s.and]);
    if (s.sort !== START.sort) q.push(["sort", s.sort]);
    if (s.limit !== START.limit) q.push(["limit", String(s.limit)]);
  }
  if (s.metric !== START.metric) q.push(["metric", s.metric]);
  if (s.shape !== START.shape) q.push(["shape", s.shape]);
  if (s.unit !== START.unit) q.push(["unit", s.unit]);
  if (s.find) q.push(["find", s.find]);
  if (s.page === "alerts" && s.kinds.length !== KINDS.length) q.push(["kind", s.kinds.join(",")]);
  q.push(...filters(s));
  return PATHS[s.page] + (q.length ? "?" + encode(q) : "");
}

/** The range and filters, for the server, with more filters and other parameters. */
export function question(s: State, more: readonly (readonly [string, string])[] = []): string {
  return encode([...more, ...range(s), ...filters(s)]);
}

/** With one filter more; it takes the place of its opposite. */
export function add(s: State, dim: string, value: string, out: boolean): State {
  const f = { dim, value, out };
  const kept = s.filters.filter((g) => !(g.dim === dim && g.value === value));
  return { ...s, filters: [...kept, f] };
}

export function remove(s: State, f: Filter): State {
  return { ...s, filters: s.filters.filter((g) => !same(f, g)) };
}

/** From and to in seconds; of "all" it is what the store has. */
export function bounds(s: State, now: number, first: number | null): [number, number] {
  if (!s.last) return [s.from, s.to];
  return [s.last === "all" ? first ?? now - 86400 : now - seconds(s.last), now];
}

/** One length of the range earlier (-1) or later (1): from the past, the present is reached again. */
export function step(s: State, by: -1 | 1, now: number): State {
  if (s.last === "all" || (s.last && by > 0)) return s;
  const [from, to] = bounds(s, now, null);
  const length = to - from;
  if (by > 0 && to + length > now - Math.min(length / 2, 60)) {
    return { ...s, last: shortest(length), from: 0, to: 0 };
  }
  return { ...s, last: "", from: from + by * length, to: to + by * length };
}

/** A length in the largest unit that it is a whole number of. */
export function shortest(length: number): string {
  for (const unit of ["d", "h", "min", "s"]) {
    const n = length / (SECONDS[unit] ?? 1);
    if (Number.isInteger(n)) return `${n}${unit}`;
  }
  return START.last;
}

/** A range of at least ten seconds, not past now. */
export function zoomed(s: State, from: number, to: number, now: number): State {
  let a = Math.floor(Math.min(from, to)), b = Math.ceil(Math.max(from, to));
  if (b - a < 10) {
    a = Math.floor((a + b) / 2) - 5;
    b = a + 10;
  }
  if (b > now && a < now - 10) b = Math.ceil(now);
  return { ...s, last: "", from: a, to: b };
}
