// SPDX-License-Identifier: GPL-3.0-or-later
// From an address to a page, and from one page to the next.
import { alerts } from "./alerts";
import { aborted, ask, Trouble, type Info } from "./api";
import { forgetPalette } from "./colours";
import { byId, el, fill, say } from "./dom";
import { explore } from "./explore";
import { help, keys } from "./keys";
import { live } from "./live";
import { overview } from "./overview";
import { program } from "./program";
import { isPath, shell } from "./shell";
import { address, parse, type Page as PageName, type State } from "./state";
import { defaultTheme, startTheme } from "./themes";
import { trouble, type Page, type View } from "./view";

const PAGES: Readonly<Record<PageName, () => Page>> = { overview, explore, program, alerts, live };

let state: State = parse(location.pathname, location.search);
let info: Info | null = null;
let page: { name: PageName; is: Page } | null = null;
let asking = new AbortController();

startTheme(() => {
  forgetPalette();
  page?.is.recolour?.();
});
const around = shell(go, refresh, help);

function render(): void {
  if (!info) return;
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  const view: View = { state, info, signal, go, refresh, losses: (list) => !signal.aborted && around.losses(list, state) };
  const moved = page?.name !== state.page;
  if (moved) {
    page?.is.close();
    page = { name: state.page, is: PAGES[state.page]() };
  }
  try {
    // First what asks the server, which has its answers to make meanwhile.
    page!.is.update(view);
  } finally {
    if (moved) fill(byId("main"), page!.is.root);
    around.update(state, info);
  }
}

/** `replace`: what is only another way to look at the same is not a step to go back. */
function go(next: State, replace = false): void {
  const path = address(next), moved = next.page !== state.page;
  if (path !== location.pathname + location.search) history[replace ? "replaceState" : "pushState"](null, "", path);
  state = next;
  render();
  if (moved) {
    scrollTo(0, 0);
    byId("main").focus({ preventScroll: true });
    say(document.title);
  }
}

function refresh(): void {
  void start().then(() => say("Refreshed"));
}

addEventListener("popstate", () => {
  state = parse(location.pathname, location.search);
  render();
});

document.addEventListener("click", (e) => {
  const link = e.target instanceof Element ? e.target.closest("a") : null;
  if (!link || e.button || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey || link.target || link.hasAttribute("download")) return;
  const url = new URL(link.href, location.href);
  if (url.origin !== location.origin || !isPath(url.pathname) || url.hash) return;
  e.preventDefault();
  go(parse(url.pathname, url.search));
});

keys({ state: () => state, info: () => info, go, refresh, openRange: () => around.openRange(), page: (key) => page?.is.key?.(key) ?? false });

async function start(): Promise<void> {
  try {
    info = await ask<Info>("info", new AbortController().signal);
  } catch (e) {
    if (aborted(e)) return;
    fill(byId("main"), el("div", { class: "page" }, trouble(e, () => void start())));
    page?.is.close();
    page = null;
    // A store that is not there yet comes with the daemon's first rows.
    if (e instanceof Trouble && e.status === 503) setTimeout(() => page === null && void start(), 5000);
    return;
  }
  defaultTheme(info.theme);
  render();
}

void start();
