// SPDX-License-Identifier: GPL-3.0-or-later
// What a page is given, and what pages are made of: panels that load one answer each, and say in words what went wrong.
import { aborted, ask, drawTurn, Trouble, type Info, type Loss } from "./api";
import { el, fill, say } from "./dom";
import { several, when } from "./format";
import { address, bounds, START, type State } from "./state";

export interface View {
  readonly state: State;
  readonly info: Info;
  readonly signal: AbortSignal;
  go(state: State, replace?: boolean): void;
  losses(list: readonly Loss[]): void;
  refresh(): void;
}

export interface Page {
  readonly root: HTMLElement;
  update(view: View): void;
  close(): void;
  recolour?(): void;
  key?(key: string): boolean;
}

/** A link within the page: main.ts follows it without loading anything. */
export function to(state: State, attributes: Record<string, string | null> = {}, ...children: (Node | string)[]): HTMLAnchorElement {
  return el("a", { href: address(state), ...attributes }, ...children);
}

export function now(): number {
  return Math.floor(Date.now() / 1000);
}

const LATE_MS = 250;

export class Panel {
  readonly root: HTMLElement;
  readonly body: HTMLElement;
  readonly title: HTMLElement;
  private turn = 0;
  private late: ReturnType<typeof setTimeout> | undefined;

  constructor(title: string, options: { class?: string; aside?: Node } = {}) {
    this.title = el("h2", {}, title);
    this.body = el("div", { class: "body" }, el("p", { class: "muted wait" }, "Loading …"));
    this.root = el("section", { class: `panel ${options.class ?? ""}`, "aria-label": title },
      el("header", {}, this.title, options.aside ?? null), this.body);
  }

  /** Asks, and draws what comes; what was there stays until then, pale if that is long. `shared`: panels of one answer. */
  async load<T>(view: View, path: string, draw: (answer: T) => void, shared?: { answer: Promise<T>; again: () => void }): Promise<void> {
    const turn = ++this.turn;
    this.root.setAttribute("aria-busy", "true");
    clearTimeout(this.late);
    this.late = setTimeout(() => this.root.classList.add("late"), LATE_MS);
    try {
      const answer = await (shared?.answer ?? ask<T>(path, view.signal));
      await drawTurn();
      if (turn === this.turn) draw(answer);
    } catch (e) {
      if (aborted(e) || turn !== this.turn) return;
      if (!(e instanceof Trouble)) console.error(e);
      fill(this.body, trouble(e, shared?.again ?? (() => void this.load(view, path, draw))));
    } finally {
      if (turn === this.turn) this.rest();
    }
  }

  private rest(): void {
    clearTimeout(this.late);
    this.root.removeAttribute("aria-busy");
    this.root.classList.remove("late");
  }

  show(...children: (Node | string)[]): void {
    this.turn++;
    this.rest();
    fill(this.body, ...children);
  }
}

/** Panels below each other. */
export function half(...panels: Panel[]): HTMLElement {
  return el("div", { class: "half" }, ...panels.map((p) => p.root));
}

const NEXT: Readonly<Record<number, string>> = {
  0: "Is `picosnitch dash` still running? Start it again, then try again.",
  400: "Change the filters or the range above.",
  401: "Open the address with ?token=… that `picosnitch dash` prints at its start.",
  404: "The server is of another version than this page: reload it.",
  421: "Open the page under the name or address that [dash] allows: `names` in picosnitch.ini.",
  503: "The store is away, or too many questions were asked at once. `picosnitch status` says how it is.",
  504: "That was too much to be read in time: choose a shorter range or fewer filters.",
};

/** What went wrong, and what to do next. */
export function trouble(e: unknown, again: () => void): HTMLElement {
  const status = e instanceof Trouble ? e.status : -1;
  const text = e instanceof Trouble ? e.message : "The answer was not understood.";
  say(text);
  return el("div", { class: "notice bad", role: "alert" }, el("p", {}, el("strong", {}, "This could not be shown. "), el("bdi", {}, text)),
    el("p", {}, NEXT[status] ?? "Reload the page; if it happens again, `picosnitch dash` says more where it was started."),
    el("button", { type: "button", onclick: again }, "Try again"));
}

/** Why there is nothing, and what to do next. */
export function nothing(view: View): HTMLElement {
  const { state, info } = view;
  if (info.first === null) {
    return el("div", { class: "notice", role: "status" }, el("p", {}, el("strong", {}, "Nothing is recorded yet.")),
      el("p", {}, "Start the daemon with ", el("code", {}, "picosnitch start"), " (or ", el("code", {}, "systemctl start picosnitch"),
        "); the first rows come within its write interval. ", el("code", {}, "picosnitch status"), " says how it is."));
  }
  const [from, until] = bounds(state, now(), info.first);
  const before = until <= info.first || (info.last !== null && from > info.last);
  return el("div", { class: "notice", role: "status" },
    el("p", {}, el("strong", {}, state.filters.length && !before ? "Nothing in this range passes the filters." : "Nothing is recorded in this range.")),
    el("p", {}, `The store has rows from ${when(info.first)} to ${info.last === null ? "now" : when(info.last)}. `,
      to({ ...state, last: "all", from: 0, to: 0 }, {}, "Show all of it"),
      ...(state.filters.length ? [", or ", to({ ...state, filters: [] }, {}, `take ${several(state.filters.length, "filter")} away`)] : []), "."));
}

/** The same range, unit and filters on another page. */
export function on(state: State, page: State["page"], more: Partial<State> = {}): State {
  return { ...START, last: state.last, from: state.from, to: state.to, unit: state.unit, metric: state.metric, shape: state.shape, filters: state.filters, page, ...more };
}

const AFTER: Readonly<Record<string, string>> = {
  domain: "exe", raddr: "exe", laddr: "exe", country: "domain", uid: "exe", rport: "exe", lport: "exe", unit: "exe", container: "exe",
  pexe: "exe", gpexe: "pexe", sha256: "raddr", name: "exe", cmdline: "raddr", script: "raddr", exe: "raddr",
};

/** Deeper: about one program its page, else only these rows, by what tells more. */
export function deeper(state: State, dim: string, value: string): State {
  if (dim === "exe" && value !== "") return on(state, "program", { exe: value });
  const kept = state.filters.filter((f) => !(f.dim === dim && f.value === value));
  const one = new Set(kept.filter((f) => !f.out).map((f) => f.dim)).add(dim);
  const by = [AFTER[dim] ?? "exe", "exe", "domain", "raddr", "rport", "cmdline"].find((d) => !one.has(d)) ?? "exe";
  return on(state, "explore", { by, filters: [...kept, { dim, value, out: false }] });
}
