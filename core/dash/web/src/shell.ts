// SPDX-License-Identifier: GPL-3.0-or-later
// What is around every page: where one is, the range, the filters, unit, theme, and what was lost.
import type { Info, Loss } from "./api";
import { name, plain } from "./cells";
import { select } from "./controls";
import { byId, el, fill, say } from "./dom";
import { bytes, count, hover, label, middle, several, span, visible, when, whenDay } from "./format";
import { moment } from "./moment";
import { add, bounds, PATHS, remove, seconds, shortest, START, step, UNITS, type Page as PageName, type State, type Unit } from "./state";
import { setTheme, theme, THEMES } from "./themes";
import { now, on, to } from "./view";

const TITLES: Readonly<Record<PageName, string>> = { overview: "Overview", explore: "Explore", program: "Program", alerts: "Alerts", live: "Live" };

export interface Shell {
  update(state: State, info: Info): void;
  losses(list: readonly Loss[], state: State): void;
  openRange(): void;
}

/** "last 24 hours", "Tue 2026-11-24 16:00 to 17:00". */
export function rangeText(state: State): string {
  if (state.last === "all") return "everything";
  if (state.last) return `last ${span(seconds(state.last))}`;
  const [a, b] = [whenDay(state.from), whenDay(state.to)];
  return a.slice(0, 14) === b.slice(0, 14) ? `${a} to ${b.slice(15)}` : `${a} to ${b}`;
}

export function shell(go: (s: State, replace?: boolean) => void, refresh: () => void, help: () => void): Shell {
  const nav = el("nav", { "aria-label": "Pages" }), tools = el("div", { class: "tools" });
  const chips = el("div", { class: "chips", role: "group", "aria-label": "Filters" }), strip = el("div", { class: "lost", role: "status" });
  const host = el("span", { class: "host muted" });
  fill(byId("top"), el("div", { class: "bar" }, to(START, { class: "brand", "aria-label": "picosnitch: overview" }, "picosnitch"), nav, host, tools), chips, strip);
  let current: State = START, known: Info | null = null;

  const panel = el("div", { class: "menu", id: "range-menu", hidden: true, role: "dialog", "aria-label": "Range" });
  const opener = el("button", { type: "button", class: "range", "aria-expanded": "false", "aria-controls": "range-menu", title: "Range  t" });
  const earlier = el("button", { type: "button", title: "Earlier  h", "aria-label": "Earlier" }, "◀");
  const later = el("button", { type: "button", title: "Later  H", "aria-label": "Later" }, "▶");
  const wider = el("button", { type: "button", title: "Twice as long", "aria-label": "Twice as long" }, "⤢");
  const units = el("span"), themes = el("span");

  function shut(focus = false): void {
    if (panel.hidden) return;
    panel.hidden = true;
    opener.setAttribute("aria-expanded", "false");
    if (focus) opener.focus();
  }
  function open(): void {
    if (!known) return;
    menu(known);
    panel.hidden = false;
    opener.setAttribute("aria-expanded", "true");
    panel.querySelector<HTMLElement>("[aria-current], button")?.focus();
  }
  opener.addEventListener("click", () => panel.hidden ? open() : shut(true));
  panel.addEventListener("keydown", (e) => {
    if (e.key !== "Escape") return;
    shut(true);
    e.stopPropagation();
  });
  document.addEventListener("click", (e) => {
    if (e.target instanceof Node && e.target.isConnected && !panel.contains(e.target) && !opener.contains(e.target)) shut();
  });
  earlier.addEventListener("click", () => go(step(current, -1, now())));
  later.addEventListener("click", () => go(step(current, 1, now())));
  wider.addEventListener("click", () => {
    const [a, b] = bounds(current, now(), null), half = (b - a) / 2;
    go(current.last ? { ...current, last: shortest((b - a) * 2) } : { ...current, from: Math.floor(a - half), to: Math.ceil(Math.min(b + half, Math.max(now(), b))) });
  });
  fill(tools, el("div", { class: "steps", role: "group", "aria-label": "Range" }, earlier, el("div", { class: "anchor" }, opener, panel), later, wider),
    units, themes,
    el("button", { type: "button", title: "Refresh  r", "aria-label": "Refresh", onclick: refresh }, "↻"),
    el("button", { type: "button", title: "Help  ?", "aria-label": "Help", onclick: help }, "?"));

  function menu(info: Info): void {
    const at = el("input", { type: "text", placeholder: "tue 16:00, yesterday 9:30, 2026-11-24 16:00", "aria-label": "Beginning at", maxlength: 60, id: "range-at" });
    const length = el("select", { "aria-label": "For" }, ...["5min", "15min", "1h", "3h", "12h", "1d", "7d"].map((l) => el("option", { value: l, selected: l === "1h" }, span(seconds(l)))));
    const wrong = el("p", { class: "bad", role: "alert" });
    const from = el("input", { type: "datetime-local", "aria-label": "From", step: 1 }), until = el("input", { type: "datetime-local", "aria-label": "To", step: 1 });
    const [a, b] = bounds(current, now(), info.first);
    const local = (s: number): string => when(s, true).replace(" ", "T");
    [from.value, until.value] = [local(a), local(b)];
    fill(panel, el("h2", {}, "Up to now"), el("div", { class: "presets" }, ...[...new Set([...info.ranges])].map((r) => el("button", {
      type: "button", "aria-current": current.last === r ? "true" : null, onclick: () => {
        shut(true);
        go({ ...current, last: r, from: 0, to: 0 });
      },
    }, r === "all" ? "all" : span(seconds(r))))),
    el("h2", {}, "A point in time"), el("form", { onsubmit: (e: Event) => {
      e.preventDefault();
      const t = moment(at.value, now());
      if (Number.isNaN(t)) {
        wrong.textContent = "This is not understood: try “tue 16:00” or “2026-11-24 16:00”.";
        return;
      }
      shut(true);
      go({ ...current, last: "", from: t, to: t + seconds(length.value) });
    } }, el("label", {}, "At ", at), el("label", {}, " for ", length), el("button", { type: "submit" }, "Show"), wrong),
    el("h2", {}, "From and to"), el("form", { onsubmit: (e: Event) => {
      e.preventDefault();
      const x = Math.floor(new Date(from.value).getTime() / 1000), y = Math.floor(new Date(until.value).getTime() / 1000);
      if (!(x < y)) return;
      shut(true);
      go({ ...current, last: "", from: x, to: y });
    } }, from, " to ", until, el("button", { type: "submit" }, "Show")),
    el("p", { class: "muted" }, `Times are those of ${Intl.DateTimeFormat().resolvedOptions().timeZone || "this browser"}.`));
  }

  function filterMenu(info: Info): HTMLElement {
    const dim = el("select", { "aria-label": "Dimension" });
    const value = el("input", { type: "text", "aria-label": "Value", placeholder: "value, whole" });
    const put = (out: boolean) => (): void => {
      if (value.value || dim.value) go(add(current, dim.value, value.value, out));
    };
    const form = el("form", { class: "add", hidden: true, onsubmit: (e: Event) => {
      e.preventDefault();
      put(false)();
    } }, dim, value, el("button", { type: "submit" }, "Only"), el("button", { type: "button", onclick: put(true) }, "Without"));
    return el("span", { class: "adder" }, el("button", { type: "button", class: "chip plain", "aria-expanded": "false", onclick: (e: Event) => {
      form.hidden = !form.hidden;
      if (!dim.length) fill(dim, ...info.dimensions.filter((d) => d.filter).map((d) => el("option", { value: d.name, selected: d.name === "exe" }, label(d.name))));
      (e.currentTarget as HTMLElement).setAttribute("aria-expanded", String(!form.hidden));
      if (!form.hidden) value.focus();
    } }, "+ filter"), form);
  }

  return {
    openRange: open,
    update(state, info) {
      current = state;
      const pages: PageName[] = state.page === "program" ? ["overview", "explore", "program", "alerts", "live"] : ["overview", "explore", "alerts", "live"];
      fill(nav, ...pages.filter((p) => p !== "live" || info.live).map((p) => el("a", {
        href: (p === state.page ? to(state) : to(on(state, p))).getAttribute("href"), "aria-current": p === state.page ? "page" : null,
      }, TITLES[p])));
      host.textContent = `on ${visible(middle(info.hostname, 40))}`;
      host.title = `${hover(info.hostname)}, store ${info.store}, picosnitch ${info.version}`;
      const text = rangeText(state);
      fill(opener, text, el("span", { "aria-hidden": "true" }, " ▾"));
      opener.setAttribute("aria-label", `Range: ${text}`);
      earlier.disabled = state.last === "all";
      later.disabled = state.last !== "";
      wider.disabled = state.last === "all";
      tools.classList.toggle("timeless", state.page === "live");
      known = info;
      if (!panel.hidden) menu(info);
      fill(units, select("Unit", UNITS.map((u) => [u, u === "auto" ? "B…GB" : u]), state.unit, (unit) => go({ ...state, unit: unit as Unit }, true), { title: "Unit  u" }));
      fill(themes, select("Theme", THEMES.map((t) => [t, t]), theme(), setTheme, { title: "Theme" }));
      chips.hidden = state.page === "live";
      fill(chips, ...state.filters.map((f) => el("span", { class: `chip ${f.out ? "out" : ""}` },
        el("button", { type: "button", class: "flip", title: f.out ? "Make it: only" : "Make it: without", onclick: () => go(add(state, f.dim, f.value, !f.out)) }, f.out ? "without" : "only"),
        ` ${label(f.dim)} `, name(plain(f.dim, f.value), 48),
        el("button", { type: "button", "aria-label": `Remove the filter on ${label(f.dim)} ${hover(middle(f.value, 60))}`, title: "Remove", onclick: () => go(remove(state, f)) }, "×"))),
      state.filters.length > 1 && el("button", { type: "button", class: "chip plain", onclick: () => go({ ...state, filters: [] }) }, "remove all"), filterMenu(info));
      if (state.page !== "program") document.title = `${TITLES[state.page]} · ${rangeText(state)} · picosnitch`;
      const geo = info.geoip.attribution;
      fill(byId("foot"), el("p", {}, `picosnitch ${info.version}`, geo && " · ", geo && el("a", { href: /^https:\/\//.test(geo.link) ? geo.link : "#", target: "_blank", rel: "noopener noreferrer" }, geo.text),
        info.geoip.built ? ` (${when(info.geoip.built).slice(0, 10)})` : "", " · ", el("a", { href: licences() }, "licences"), " · press ", el("kbd", {}, "?"), " for keys"));
    },
    losses(list, state) {
      if (!list.length) {
        strip.replaceChildren();
        return;
      }
      const lost = list.reduce((a, l) => a + l.sent + l.received, 0), times = list.reduce((a, l) => a + l.rows, 0);
      const text = `Not everything was seen in this range: ${several(times, "loss", "losses")}${lost ? ` of ${bytes(lost, state.unit)}` : ""}.`;
      fill(strip, el("details", {}, el("summary", {}, el("span", { "aria-hidden": "true" }, "⚠ "), text),
        el("ul", {}, ...list.map((l) => el("li", {}, el("strong", {}, name(l.stage, 40)), " ", name(l.text, 200), ` (${count(l.count)}${l.sent + l.received ? `, ${bytes(l.sent)} sent and ${bytes(l.received)} received` : ""}, ${when(l.first)} to ${when(l.last)})`))),
        el("p", {}, to(on(state, "alerts", { kinds: ["loss"], filters: [] }), {}, "Losses in detail"))));
      say(text);
    },
  };
}

function licences(): string {
  return document.querySelector<HTMLScriptElement>("script[src]")?.dataset.licences ?? "/assets/licences.txt";
}

export function isPath(path: string): boolean {
  return Object.values(PATHS).includes(path);
}
