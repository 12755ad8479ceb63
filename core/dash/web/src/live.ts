// SPDX-License-Identifier: GPL-3.0-or-later
// What goes on now, each second: the daemon's own feed.
import { name, path } from "./cells";
import { el, fill, say } from "./dom";
import { bytes, count, rate, several, when } from "./format";
import { spark } from "./spark";
import { actable, picks } from "./table";
import { deeper, on, Panel, to, type Page, type View } from "./view";

interface Program { exe?: string; name?: string; sent_rate: number; received_rate: number; sent: number; received: number; connections: number; peer?: string }
interface Connection { exe?: string; name?: string; direction?: string; protocol?: string; peer?: string; lport?: number; since_ns?: number; closed: boolean; sent: number; received: number }
interface Round {
  state: string; why?: string; host?: string; version?: string; time_ns?: number; since_ns?: number; sent_rate: number; received_rate: number; sent: number; received: number;
  lost?: { alerts: number; count: number; sent: number; received: number }; feed_lost?: number;
  evicted?: { programs: number; connections: number };
  programs: Program[]; connections: Connection[]; events: { time_ns?: number; kind?: string; text?: string }[];
}

const HISTORY = 60, PROGRAMS = 50, CONNECTIONS = 60;

/** Rates of the last minute, by program. */
export class History {
  private readonly kept = new Map<string, number[]>();

  add(list: readonly { key: string; value: number }[]): void {
    const now = new Map(list.map((p) => [p.key, p.value]));
    for (const key of now.keys()) if (!this.kept.has(key)) this.kept.set(key, []);
    for (const [key, values] of this.kept) {
      values.push(now.get(key) ?? 0);
      if (values.length > HISTORY) values.shift();
      if (values.every((v) => v === 0) && !now.has(key)) this.kept.delete(key);
    }
  }

  of(key: string): readonly number[] {
    return this.kept.get(key) ?? [];
  }
}

const keyOf = (p: { exe?: string; name?: string }): string => `${p.exe ?? ""}\0${p.name ?? ""}`;
const rateOf = (p: Program): number => p.sent_rate + p.received_rate;

export function live(): Page {
  const bar = el("div", { class: "toolbar", role: "group", "aria-label": "Live" });
  const state = el("p", { class: "sum", role: "status" }, "Connecting …");
  const programs = new Panel("Programs, now", { class: "wide" }), connections = new Panel("Newest connections", { class: "wide" }), events = new Panel("New programs and alerts", { class: "wide" });
  const root = el("div", { class: "page" }, bar, state, el("div", { class: "grid" }, programs.root, connections.root, events.root));
  const find = el("input", { type: "search", placeholder: "Find  /", "aria-label": "Find in programs and connections", "data-find": true, maxlength: 300 });
  const hold = el("button", { type: "button", class: "button", "aria-pressed": "false" }, "Pause");
  const history = new History(), all = new History();
  let source: EventSource | null = null, round: Round | null = null, paused = false, view: View | null = null, gone = "";

  fill(bar, hold, find, el("span", { class: "muted" }, "Rates are those of the last second; the small charts are the last minute."));
  hold.addEventListener("click", () => pause());
  find.addEventListener("input", () => view?.go({ ...view.state, find: find.value }, true));

  function pause(): void {
    paused = !paused;
    hold.setAttribute("aria-pressed", String(paused));
    hold.textContent = paused ? "Go on" : "Pause";
    say(paused ? "Paused" : "Live again");
    if (!paused) draw();
  }

  function match(...texts: (string | undefined)[]): boolean {
    const wanted = (view?.state.find ?? "").toLowerCase();
    return !wanted || texts.some((t) => t?.toLowerCase().includes(wanted));
  }

  function programName(v: View, p: { exe?: string; name?: string }, most: number): HTMLElement {
    return el("div", {}, p.exe ? to(deeper(v.state, "exe", p.exe), { class: "open" }, path(p.exe, most)) : el("span", {}, name(p.name ?? "(no name)", most)),
      p.exe ? picks({ ...v, go: (s) => v.go(on(s, "explore", { filters: s.filters })) }, "exe", p.exe) : null);
  }

  function draw(): void {
    if (!round || !view || document.hidden) return;
    const r = round, v = view, unit = v.state.unit;
    // Where the focus is stays where it is: the rows below it are made anew.
    const focus = document.activeElement?.closest("tr")?.getAttribute("data-key");
    const lost = r.lost && (r.lost.alerts || r.lost.count);
    fill(state, el("strong", { class: "big" }, `↑ ${rate(r.sent_rate, unit)}  ↓ ${rate(r.received_rate, unit)}`), " ", spark(all.of("\0"), 160, 26),
      el("span", { class: "muted" }, ` ${several(r.programs.length, "program")}${r.since_ns ? `, since ${when(r.since_ns / 1e9, true)}` : ""}${paused ? ", paused" : ""}. `),
      lost ? el("strong", { class: "bad" }, `Lost: ${several(r.lost!.alerts, "alert")}, ${bytes(r.lost!.sent + r.lost!.received, unit)}.`) : el("span", { class: "muted" }, r.feed_lost ? `The feed was lost ${several(r.feed_lost, "time")}.` : "Nothing lost."));
    const shownPrograms = r.programs.filter((p) => match(p.exe, p.name, p.peer)).sort((a, b) => rateOf(b) - rateOf(a) || b.sent + b.received - a.sent - a.received);
    const head = (...titles: [string, string?][]): HTMLElement => el("thead", {}, el("tr", {}, ...titles.map(([t, c]) => el("th", { scope: "col", class: c ?? null }, t))));
    programs.show(shownPrograms.length ? el("div", { class: "scroll" }, el("table", { class: "full" }, el("caption", { class: "aside" }, "Programs by rate"),
      head(["Program"], ["Last minute"], ["Sent/s", "number"], ["Received/s", "number"], ["Sent", "number"], ["Received", "number"], ["Connections", "number"], ["Last peer"]),
      el("tbody", {}, ...shownPrograms.slice(0, PROGRAMS).map((p) => {
        const row = el("tr", { "data-key": keyOf(p).slice(0, 300) }, el("th", { scope: "row", class: "value" }, programName(v, p, 44)),
          el("td", {}, spark(history.of(keyOf(p)))), el("td", { class: "number" }, p.sent_rate ? rate(p.sent_rate, unit) : "–"),
          el("td", { class: "number" }, p.received_rate ? rate(p.received_rate, unit) : "–"),
          el("td", { class: "number" }, bytes(p.sent, unit)), el("td", { class: "number" }, bytes(p.received, unit)), el("td", { class: "number" }, count(p.connections)),
          el("td", {}, p.peer ? name(p.peer, 40) : ""));
        if (p.exe) actable(row, { open: () => v.go(deeper(v.state, "exe", p.exe ?? "")) });
        return row;
      })))) : el("p", { class: "muted" }, v.state.find ? "No program has that in its name." : "No program has used the network since this page was opened."));
    const shownConnections = r.connections.filter((c) => match(c.exe, c.name, c.peer));
    connections.show(shownConnections.length ? el("div", { class: "scroll" }, el("table", { class: "full" }, el("caption", { class: "aside" }, "Newest connections"),
      head(["Since"], ["Program"], ["Peer"], ["Protocol"], ["Sent", "number"], ["Received", "number"], ["State"]),
      el("tbody", {}, ...shownConnections.slice(0, CONNECTIONS).map((c) => el("tr", { class: c.closed ? "muted" : null }, el("td", {}, el("time", {}, c.since_ns ? when(c.since_ns / 1e9, true).slice(11) : "")),
        el("td", { class: "value" }, programName(v, c, 36)),
        el("td", {}, el("span", { class: "muted" }, c.direction === "in" ? "from " : c.direction === "out" ? "to " : ""), name(c.peer ?? "", 44), c.direction === "in" && c.lport !== undefined ? ` at :${c.lport}` : ""),
        el("td", {}, name(c.protocol ?? "", 12)), el("td", { class: "number" }, bytes(c.sent, unit)), el("td", { class: "number" }, bytes(c.received, unit)), el("td", {}, c.closed ? "closed" : "open")))))) : el("p", { class: "muted" }, "None."));
    events.show(r.events.length ? el("ul", { class: "happenings" }, ...r.events.slice(0, 30).map((e) => el("li", {}, el("time", {}, e.time_ns ? when(e.time_ns / 1e9, true).slice(11) : ""),
      el("span", { class: `badge ${e.kind === "program" ? "note" : "warn"}` }, e.kind ?? ""), el("div", {}, name(e.text ?? "", 160))))) : el("p", { class: "muted" }, "Nothing new since this page was opened."));
    if (focus) for (const row of programs.body.querySelectorAll<HTMLElement>("tr[data-key]")) if (row.getAttribute("data-key") === focus) row.focus({ preventScroll: true });
  }

  function away(why: string): void {
    if (gone === why) return;
    gone = why;
    say("The daemon does not answer");
    fill(state, el("span", { class: "notice bad" }, el("strong", {}, "Nothing live: "), el("bdi", {}, why), " Start the daemon with ", el("code", {}, "picosnitch start"), "; this page goes on by itself. What was recorded is under Overview and Explore."));
    for (const p of [programs, connections, events]) p.show(el("p", { class: "muted" }, "Waiting for the daemon."));
  }

  function open(): void {
    source = new EventSource("/api/v1/live");
    source.addEventListener("message", (e) => {
      let next: Round;
      try {
        next = JSON.parse(String(e.data)) as Round;
      } catch {
        return;
      }
      if (next.state === "away") {
        away(next.why ?? "there is no live feed.");
        return;
      }
      gone = "";
      history.add(next.programs.map((p) => ({ key: keyOf(p), value: rateOf(p) })));
      all.add([{ key: "\0", value: next.sent_rate + next.received_rate }]);
      if (!paused) {
        round = next;
        draw();
      }
    });
    source.addEventListener("gone", (e) => {
      let why = "";
      try {
        why = String((JSON.parse(String((e as MessageEvent).data)) as { error?: string }).error ?? "");
      } catch {
        // It is gone in any case.
      }
      away(why || "there is no live feed.");
    });
    source.addEventListener("error", () => {
      // The browser tries again by itself, unless it was refused.
      if (source?.readyState === EventSource.CLOSED) away("the server gives no live feed (too many pages may be open). Reload to try again.");
      else away("the server does not answer.");
    });
  }

  return {
    root,
    update(next) {
      view = next;
      next.losses([]);
      if (find.value !== next.state.find) find.value = next.state.find;
      if (!source) open();
      draw();
    },
    key(key) {
      if (key !== "p") return false;
      pause();
      return true;
    },
    recolour: draw,
    close: () => source?.close(),
  };
}
