// SPDX-License-Identifier: GPL-3.0-or-later
// What happened: new and changed programs, verdicts, losses.
import type { Happening } from "./api";
import { name, shown, verdict } from "./cells";
import { el } from "./dom";
import { ago, bytes, count, when } from "./format";
import { actable, picks } from "./table";
import { deeper, on, to, type View } from "./view";

const EVENTS: Readonly<Record<string, [string, string]>> = {
  new_exe: ["new program", "note"], new_name: ["new name", "note"], new_hash: ["new contents", "warn"], changed: ["file changed", "warn"],
};
const ROLES: Readonly<Record<string, string>> = { parent: "as a parent", grandparent: "as a grandparent" };

export function badge(e: Happening): HTMLElement {
  if (e.kind === "loss") return el("span", { class: "badge bad" }, "lost");
  if (e.kind === "verdict") return verdict({ ...e });
  const [text, kind] = EVENTS[e.event ?? ""] ?? [e.event ?? e.kind, "note"];
  return el("span", { class: `badge ${kind}` }, text, ROLES[e.role ?? ""] ? ` ${ROLES[e.role ?? ""]}` : "");
}

function about(view: View, e: Happening): Node[] {
  if (e.kind === "loss") {
    return [el("span", {}, name(e.text || e.stage || "", 120)), el("span", { class: "muted" }, ` ${e.stage ?? ""}: ${count(e.count ?? 0)}`
      + ((e.sent ?? 0) + (e.received ?? 0) ? `, ${bytes(e.sent ?? 0, view.state.unit)} sent and ${bytes(e.received ?? 0, view.state.unit)} received` : "")
      + (e.until && e.until > e.time ? `, until ${when(e.until)}` : ""))];
  }
  const list: Node[] = [];
  if (e.exe) list.push(to(deeper(view.state, "exe", e.exe), { class: "open" }, shown("exe", e.exe, 60)));
  else if (e.sha256) list.push(to(deeper(view.state, "sha256", e.sha256), { class: "open" }, shown("sha256", e.sha256)));
  if (e.kind === "verdict") {
    list.push(el("span", { class: "muted" }, " ", e.text ? name(e.text, 100) : "", e.previous ? ` (before: ${e.previous})` : ""));
    return list;
  }
  const details: (Node | string)[] = [];
  if (e.pexe) details.push("started by ", shown("exe", e.pexe, 40));
  if (e.uid) details.push(details.length ? ", user " : "user ", name(e.uid, 24));
  if (e.unit) details.push(", ", name(e.unit, 32));
  if (e.container) details.push(", container ", name(e.container, 24));
  if (e.expected) details.push(" (expected)");
  list.push(el("span", { class: "muted" }, " ", ...details));
  return list;
}

/** A short list. */
export function happenings(view: View, events: readonly Happening[], t: number): HTMLElement {
  return el("ul", { class: "happenings" }, ...events.map((e) => el("li", {}, el("time", { title: when(e.time, true) }, ago(e.time, t)), badge(e), el("div", {}, ...about(view, e)))));
}

/** All about them. */
export function chronicle(view: View, events: readonly Happening[], caption: string): HTMLElement {
  return el("div", { class: "scroll" }, el("table", { class: "full events" }, el("caption", { class: "aside" }, caption),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Time"), el("th", { scope: "col" }, "What"), el("th", { scope: "col" }, "Which"), el("th", { scope: "col" }, "Command line, SHA-256"))),
    el("tbody", {}, ...events.map((e) => {
      const row = el("tr", {}, el("td", {}, el("time", {}, when(e.time, true))), el("td", {}, badge(e)),
        el("td", { class: "value" }, el("div", {}, el("div", { class: "about" }, ...about(view, e)), e.exe ? picks(view, "exe", e.exe) : null)),
        el("td", { class: "value" }, el("div", { class: "lines" }, e.cmdline ? name(e.cmdline, 70) : null,
          e.sha256 ? to(deeper(on(view.state, "explore"), "sha256", e.sha256), {}, shown("sha256", e.sha256)) : null,
          e.previous && e.kind === "program" ? el("span", { class: "muted" }, "before: ", shown("sha256", e.previous)) : null)));
      if (e.exe) actable(row, { open: () => view.go(deeper(view.state, "exe", e.exe ?? "")) });
      return row;
    }))));
}
