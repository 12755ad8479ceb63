// SPDX-License-Identifier: GPL-3.0-or-later
// What happened, the latest first.
import type { Events } from "./api";
import { el, fill } from "./dom";
import { chronicle } from "./happenings";
import { count, several } from "./format";
import { KINDS, question } from "./state";
import { nothing, Panel, to, type Page } from "./view";

const NAMES: Readonly<Record<string, string>> = { program: "new and changed programs", verdict: "verdicts", loss: "losses" };

export function alerts(): Page {
  const bar = el("div", { class: "toolbar", role: "group", "aria-label": "What is shown" });
  const panel = new Panel("Alerts", { class: "wide" });
  let asked = "", answer: Events | null = null;

  return {
    root: el("div", { class: "page" }, bar, el("div", { class: "grid" }, panel.root)),
    update(view) {
      const { state } = view;
      const kept = document.activeElement?.hasAttribute("data-find");
      const find = el("input", { type: "search", value: state.find, placeholder: "Find  /", "aria-label": "Find in alerts", "data-find": true, maxlength: 300 });
      find.addEventListener("input", () => view.go({ ...state, find: find.value }, true));
      fill(bar, el("div", { class: "choice", role: "group", "aria-label": "Kinds" }, ...KINDS.map((kind) => {
        const only = state.kinds.includes(kind);
        const next = only ? state.kinds.filter((k) => k !== kind) : KINDS.filter((k) => k === kind || state.kinds.includes(k));
        return el("button", { type: "button", "aria-pressed": String(only), onclick: () => view.go({ ...state, kinds: next.length ? next : KINDS }) }, NAMES[kind] ?? kind);
      })), find);
      if (kept) {
        find.focus();
        find.setSelectionRange(find.value.length, find.value.length);
      }
      const limit = Math.min(state.limit, 1000);
      const path = `events?${question(state, [["kind", state.kinds.join(",")], ["limit", String(limit)]])}`;
      const draw = (e: Events): void => {
        asked = path;
        answer = e;
        view.losses([]);
        const wanted = state.find.toLowerCase();
        const list = wanted ? e.events.filter((x) => [x.exe, x.name, x.cmdline, x.text, x.sha256, x.pexe, x.unit, x.uid, x.stage].some((t) => t?.toLowerCase().includes(wanted))) : e.events;
        if (!e.events.length) {
          panel.show(view.info.first === null ? nothing(view) : el("p", { class: "muted" }, "Nothing of these kinds happened in this range."));
          return;
        }
        panel.show(el("p", { class: "sum" }, `${several(list.length, "alert")}${e.more ? `, the latest ${count(e.events.length)}` : ""}${wanted ? ` with “${state.find}”` : ""}`),
          chronicle(view, list, "Alerts, the latest first"),
          e.more && limit < 1000 ? el("p", { class: "more" }, to({ ...state, limit: 1000 }, {}, "More")) : "");
      };
      if (path === asked && answer) draw(answer);
      else void panel.load<Events>(view, path, draw);
    },
    close: () => undefined,
  };
}
