// SPDX-License-Identifier: GPL-3.0-or-later
// The parts of the page that need no browser.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ask, drawTurn, texts } from "../src/api";
import { stack } from "../src/sums";
import { assign, colourOf, forget, SLOTS, slotOf } from "../src/colours";
import { ago, bytes, count, country, flag, middle, share, span, visible, when } from "../src/format";
import { moment } from "../src/moment";
import { add, address, bounds, encode, parse, question, remove, seconds, shortest, START, step, zoomed, type State } from "../src/state";

const NOW = new Date(2026, 10, 28, 17, 0, 0).getTime() / 1000; // a Saturday

function again(s: State): State {
  const [path = "", search = ""] = address(s).split(/\?(.*)/s);
  return parse(path, search);
}

test("an address says all that is not as at the start, and nothing else", () => {
  assert.equal(address(START), "/");
  const all: State = {
    page: "explore", exe: "", last: "", from: 100, to: 200, by: "domain", and: "exe", metric: "sent", shape: "lines", sort: "-calls", unit: "MB",
    limit: 1000, find: "a&b", kinds: START.kinds, filters: [{ dim: "exe", value: "/a b=c&d+%é", out: true }, { dim: "uid", value: "", out: false }],
  };
  assert.deepEqual(again(all), all);
  const one: State = { ...START, page: "program", exe: "/opt/\u202e<b>\n?#", last: "7d" };
  assert.deepEqual(again(one), one);
  const events: State = { ...START, page: "alerts", kinds: ["loss"], find: "x" };
  assert.deepEqual(again(events), events);
  const long: State = { ...START, filters: [{ dim: "exe", value: "Ж".repeat(100 * 1024), out: false }] };
  assert.deepEqual(again(long), long);
});

test("an address that is not understood is as at the start", () => {
  for (const search of ["?last=x", "?from=5&to=5", "?from=9&to=1", "?from=a&to=b", "?limit=-1", "?limit=1e9", "?sort=drop", "?unit=TB", "?metric=x", "?f==", "?f=exe", "?by=a%20b", "?kind=x"]) {
    assert.deepEqual(parse("/", search), START, search);
  }
  assert.equal(parse("/nowhere", "").page, "overview");
  assert.equal(encode([["f", "a=\ud800 +"]]), "f=a%3D%EF%BF%BD%20%2B");
});

test("filters stack, take the place of their opposite, and go", () => {
  let s = add(add(START, "exe", "/a", false), "exe", "/b", true);
  assert.equal(s.filters.length, 2);
  assert.equal(question(s, [["by", "uid"]]), "by=uid&last=1d&f=exe%3D%2Fa&x=exe%3D%2Fb");
  s = add(s, "exe", "/a", true);
  assert.deepEqual(s.filters.map((f) => [f.value, f.out]), [["/b", true], ["/a", true]]);
  assert.deepEqual(remove(s, s.filters[0]!).filters.map((f) => f.value), ["/a"]);
});

test("history goes back by its length, and forward to the present again", () => {
  const back = step({ ...START, last: "1h" }, -1, NOW);
  assert.deepEqual([back.last, back.from, back.to], ["", NOW - 7200, NOW - 3600]);
  assert.equal(step(back, 1, NOW + 5).last, "1h");
  const twice = step(back, -1, NOW);
  assert.deepEqual([step(twice, 1, NOW).from, step(twice, 1, NOW).to], [back.from, back.to]);
  assert.equal(step({ ...START, last: "all" }, -1, NOW).last, "all");
  assert.equal(step(START, 1, NOW), START);
  assert.equal(shortest(5400), "90min");
  assert.equal(shortest(172800), "2d");
});

test("a range is known in seconds", () => {
  assert.deepEqual([seconds("15min"), seconds("90"), seconds("2w"), seconds("all"), seconds("-3h")], [900, 90, 1209600, 0, 0]);
  assert.deepEqual(bounds({ ...START, last: "all" }, NOW, 77), [77, NOW]);
  const z = zoomed(START, NOW - 3, NOW - 1, NOW);
  assert.equal(z.to - z.from, 10);
  assert.deepEqual([zoomed(START, 50.5, 10.5, NOW).from, zoomed(START, 50.5, 10.5, NOW).to], [10, 51]);
  assert.equal(zoomed(START, NOW - 100, NOW + 100, NOW).to, NOW);
});

test("a point in time is understood as people type it", () => {
  const at = (text: string): string => { const t = moment(text, NOW); return Number.isNaN(t) ? "?" : when(t); };
  assert.equal(at("tue 16:00"), "2026-11-24 16:00");
  assert.equal(at("last Tuesday at 4pm"), "2026-11-24 16:00");
  assert.equal(at("sat 16:00"), "2026-11-28 16:00");
  assert.equal(at("sat 18:00"), "2026-11-21 18:00");
  assert.equal(at("yesterday 9:30"), "2026-11-27 09:30");
  assert.equal(at("18:00"), "2026-11-27 18:00");
  assert.equal(at("2026-11-03"), "2026-11-03 00:00");
  assert.equal(at("2026-11-03T07:08:09"), "2026-11-03 07:08");
  assert.equal(at("3h ago"), "2026-11-28 14:00");
  for (const bad of ["", "soon", "25:00", "2026-02-31", "tue wed2", "12:61", "tue yesterday"]) assert.equal(at(bad), "?", bad);
});

test("bytes, counts and times are short and exact", () => {
  assert.deepEqual([bytes(0), bytes(999), bytes(1000), bytes(1.5e6), bytes(999_999), bytes(123.4e9), bytes(5e15)], ["0 B", "999 B", "1.0 kB", "1.5 MB", "1.0 MB", "123 GB", "5.0 PB"]);
  assert.deepEqual([bytes(1500, "MB"), bytes(12_345_678, "kB"), bytes(1500, "B")], ["0.002 MB", "12\u202f345.7 kB", "1\u202f500 B"]);
  assert.equal(bytes(NaN), "–");
  assert.equal(count(1234567), "1\u202f234\u202f567");
  assert.deepEqual([share(1, 3), share(1, 1000), share(0, 5), share(1, 0)], ["33 %", "<1 %", "0 %", ""]);
  assert.deepEqual([span(86400), span(172800), span(3600), span(90), span(900)], ["24 hours", "2 days", "1 hour", "90 seconds", "15 minutes"]);
  assert.deepEqual([ago(NOW - 5, NOW), ago(NOW - 600, NOW), ago(NOW - 7200, NOW)], ["just now", "10 min ago", "2 h ago"]);
});

test("a name shows what it hides, and is cut in the middle", () => {
  assert.equal(visible("a\u202egnp\u200b\x1b[2J"), "a\\u202egnp\\u200b\\u001b[2J");
  assert.equal(visible("日本語 <b>"), "日本語 <b>");
  assert.equal(visible(`e${"\u0301".repeat(50)}f`), "e\u0301\u0301\u0301…f");
  const cut = middle("Ж".repeat(100 * 1024), 40);
  assert.equal(cut.length, 40);
  assert.match(middle("/usr/lib/very/long/path/to/program", 20), /^\/usr\/li….*program$/);
  assert.doesNotMatch(middle("😀".repeat(50), 20), /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/);
});

test("countries have names, and what is no country is told apart", () => {
  assert.deepEqual([country("DE"), flag("DE"), country("private"), flag("private"), country(""), flag("")], ["Germany", "🇩🇪", "private network", "", "not known", ""]);
  assert.equal(country("<b>"), "<b>");
});

test("a name keeps its colour, and no two that are shown together share one", () => {
  forget();
  const first = Array.from({ length: SLOTS }, (_, i) => `/usr/bin/program-${i}`);
  assign(first);
  const colours = first.map(colourOf);
  assert.equal(new Set(colours).size, SLOTS);
  assign([...first].reverse());
  assert.deepEqual(first.map(colourOf), colours);
  assign(["/other", ...first.slice(1)]);
  assert.equal(new Set(["/other", ...first.slice(1)].map(colourOf)).size, SLOTS);
  assert.ok(slotOf("x".repeat(100000)) < SLOTS);
});

test("values are texts, also where they are numbers", () => {
  assert.deepEqual(texts({ rows: [{ values: [443, "root", null] }], series: [{ value: 33 }, { value: null }] }),
    { rows: [{ values: ["443", "root", ""] }], series: [{ value: "33" }, { value: "" }] });
  assert.deepEqual(texts({ tops: [{ rows: [{ values: [443] }] }, { rows: [{ values: [null] }] }] }), { tops: [{ rows: [{ values: ["443"] }] }, { rows: [{ values: [""] }] }] });
});

test("what is stacked adds up", () => {
  assert.deepEqual(stack([[1, 2], [3, 4], [0, 1]]), [[1, 2], [4, 6], [4, 7]]);
});

// ---- palettes ----

type Colour = [number, number, number];
const linear = (hex: string): Colour => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)) as Colour;
const luminance = (hex: string): number => { const [r, g, b] = linear(hex); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const contrast = (a: string, b: string): number => { const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p) as [number, number]; return (x + 0.05) / (y + 0.05); };
// Machado, Oliveira and Fernandes (2009), severity 1.
const EYES: Record<string, number[][]> = {
  all: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
};
function oklab(hex: string, eye: string): Colour {
  const v = linear(hex);
  const [r, g, b] = EYES[eye]!.map((row) => Math.min(1, Math.max(0, row.reduce((a, k, i) => a + k * v[i]!, 0)))) as Colour;
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b), m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b), s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s, 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s, 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s];
}
const apart = (a: string, b: string, eye: string): number => { const x = oklab(a, eye), y = oklab(b, eye); return 100 * Math.hypot(x[0] - y[0], x[1] - y[1], x[2] - y[2]); };

test("every palette is readable, and its colours are told apart by every kind of eye", () => {
  const css = readFileSync(process.env.PALETTES ?? "themes.css", "utf8");
  const blocks = [...css.matchAll(/data-theme="(\w+)"\] \{([^}]*)\}/g)];
  assert.equal(new Set(blocks.map((b) => b[1])).size, 9);
  for (const [, name, block] of blocks) {
    const of = Object.fromEntries([...block!.matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map((m) => [m[1], m[2]])) as Record<string, string>;
    for (const ground of ["surface", "bg", "raised"]) {
      for (const text of ["text", "muted", "accent", "good", "warn", "bad"]) {
        assert.ok(contrast(of[text]!, of[ground]!) >= 4.5, `${name}: ${text} on ${ground}: ${contrast(of[text]!, of[ground]!).toFixed(2)}`);
      }
    }
    assert.ok(contrast(of["on-accent"]!, of.accent!) >= 4.5, `${name}: on accent`);
    const series = Array.from({ length: SLOTS }, (_, i) => of[`c${i + 1}`]!);
    for (const [i, c] of [...series, of.other!].entries()) {
      assert.ok(contrast(c, of.surface!) >= 3, `${name}: series ${i + 1}: ${contrast(c, of.surface!).toFixed(2)}`);
    }
    for (const eye of Object.keys(EYES)) {
      for (let i = 0; i < SLOTS; i++) for (let j = i + 1; j < SLOTS; j++) assert.ok(apart(series[i]!, series[j]!, eye) >= 8, `${name}: ${i + 1} and ${j + 1} with ${eye}`);
    }
  }
});

/** What happens in which order, of answers that take so many milliseconds each. */
async function drawn(...times: number[]): Promise<string> {
  const order: string[] = [], { fetch } = globalThis;
  globalThis.fetch = async (path) => {
    await new Promise((go) => setTimeout(go, times[Number(String(path).at(-1))]));
    return Response.json({});
  };
  await Promise.all(times.map(async (_, i) => {
    await ask(String(i), new AbortController().signal);
    order.push(`answer ${i}`);
    await drawTurn();
    order.push(`draw ${i}`);
  }));
  globalThis.fetch = fetch;
  return order.join(", ");
}

test("answers that come close together are drawn together, and none waits for long", async () => {
  assert.equal(await drawn(0), "answer 0, draw 0");
  assert.equal(await drawn(0, 10), "answer 0, answer 1, draw 0, draw 1");
  assert.equal(await drawn(0, 400), "answer 0, draw 0, answer 1, draw 1");
});
