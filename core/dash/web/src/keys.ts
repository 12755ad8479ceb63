// SPDX-License-Identifier: GPL-3.0-or-later
// Keys, alike to those of `picosnitch view`, and their help.
import type { Info } from "./api";
import { byId, el, fill } from "./dom";
import { remove, step, UNITS, type State } from "./state";
import { actsOf } from "./table";
import { now, on } from "./view";

const KEYS: readonly (readonly [string, string])[] = [
  ["/", "find"], ["j k ↓ ↑", "next and previous row"], ["Enter", "open the row"], ["f  e", "only, or without, the row's value"],
  ["Backspace", "remove the last filter"], ["t  T", "longer and shorter range"], ["w", "menu of ranges: what was when"], ["h  H", "earlier and later"], ["u  U", "next and previous unit"],
  ["r", "refresh"], ["p", "pause (live)"], ["g o  g e  g a  g l", "overview, explore, alerts, live"], ["← → + −", "on a chart: move, zoom"],
  ["drag, wheel", "on a chart: another range"], ["?", "this help"], ["Esc", "close, leave"],
];

export interface Hands {
  state(): State;
  info(): Info | null;
  go(s: State, replace?: boolean): void;
  refresh(): void;
  openRange(): void;
  page(key: string): boolean;
}

export function help(): void {
  const dialog = byId<HTMLDialogElement>("help");
  if (dialog.open) {
    dialog.close();
    return;
  }
  fill(dialog, el("h2", { id: "help-title" }, "Keys"), el("dl", {}, ...KEYS.flatMap(([key, what]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, what)])),
    el("p", { class: "muted" }, "The address holds what is shown: copy it to share it; “back” goes back. In tables + shows only a value, − leaves it out."),
    el("button", { type: "button", onclick: () => dialog.close() }, "Close"));
  dialog.showModal();
}

function move(by: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>("#main tr[tabindex]")].filter((r) => r.offsetParent !== null);
  const here = document.activeElement?.closest("tr") ?? null;
  const at = here ? rows.indexOf(here) : -1;
  const next = rows[at < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, at + by))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function ranged(s: State, ranges: readonly string[], by: 1 | -1): State {
  const at = ranges.indexOf(s.last);
  const next = ranges[at < 0 ? ranges.indexOf("1d") : Math.max(0, Math.min(ranges.length - 1, at + by))];
  return next ? { ...s, last: next, from: 0, to: 0 } : s;
}

export function keys(hands: Hands): void {
  let going = false;
  document.addEventListener("keydown", (e) => {
    const target = e.target as HTMLElement;
    if (e.ctrlKey || e.altKey || e.metaKey || e.isComposing) return;
    const typing = target.matches("input, textarea, select") || byId<HTMLDialogElement>("help").open;
    if (e.key === "Escape" && target.matches("input")) target.blur();
    if (typing) {
      if (e.key === "?" && byId<HTMLDialogElement>("help").open) byId<HTMLDialogElement>("help").close();
      return;
    }
    const s = hands.state(), info = hands.info();
    if (!info) return;
    const acts = actsOf(target.closest("tr"));
    const went = going;
    going = false;
    if (went && "oeal".includes(e.key)) {
      const page = ({ o: "overview", e: "explore", a: "alerts", l: "live" } as const)[e.key as "o"];
      hands.go(on(s, page));
    } else if (hands.page(e.key)) {
      // The page has taken it.
    } else {
      const units = (by: number): void => hands.go({ ...s, unit: UNITS[(UNITS.indexOf(s.unit) + by + UNITS.length) % UNITS.length] ?? "auto" }, true);
      const last = s.filters[s.filters.length - 1];
      switch (e.key) {
        case "g": going = true; break;
        case "/": document.querySelector<HTMLElement>("[data-find]")?.focus() ?? hands.go(on(s, "explore")); break;
        case "?": help(); break;
        case "j": case "ArrowDown":
          if (e.key === "ArrowDown" && !target.closest("tr")) return;
          move(1);
          break;
        case "k": case "ArrowUp":
          if (e.key === "ArrowUp" && !target.closest("tr")) return;
          move(-1);
          break;
        case "Enter":
          if (!acts || !target.matches("tr")) return;
          acts.open();
          break;
        case "f": acts?.keep?.(); break;
        case "e": acts?.drop?.(); break;
        case "Backspace": if (last) hands.go(remove(s, last)); break;
        case "t": hands.go(ranged(s, info.ranges, 1)); break;
        case "T": hands.go(ranged(s, info.ranges, -1)); break;
        case "w": hands.openRange(); break;
        case "h": hands.go(step(s, -1, now())); break;
        case "H": hands.go(step(s, 1, now())); break;
        case "u": units(1); break;
        case "U": units(-1); break;
        case "r": hands.refresh(); break;
        default: return;
      }
    }
    e.preventDefault();
  });
}
