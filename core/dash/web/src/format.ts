// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers, times and names as people read them.
import type { Unit } from "./state";

const STEPS: readonly (readonly [Unit | "TB" | "PB", number])[] =
  [["B", 1], ["kB", 1e3], ["MB", 1e6], ["GB", 1e9], ["TB", 1e12], ["PB", 1e15]];

/** "1.5 MB", in the unit or in the one that fits. */
export function bytes(n: number, unit: Unit = "auto"): string {
  if (!Number.isFinite(n)) return "–";
  let [name, size] = STEPS[0]!;
  if (unit === "auto") {
    for (const [u, s] of STEPS) if (Math.abs(n) >= s * 0.9995 || u === "B") [name, size] = [u, s];
  } else {
    [name, size] = STEPS.find(([u]) => u === unit) ?? STEPS[0]!;
  }
  const v = n / size;
  const digits = size === 1 ? (Number.isInteger(v) || v >= 10 ? 0 : 1) : unit === "auto" ? (Math.abs(v) < 99.95 ? 1 : 0) : Math.abs(v) >= 0.1 || v === 0 ? 1 : 3;
  return `${grouped(v, digits)} ${name}`;
}

export function rate(n: number, unit: Unit = "auto"): string {
  return `${bytes(n, unit)}/s`;
}

function grouped(v: number, digits: number): string {
  const [whole = "0", part] = v.toFixed(digits).split(".");
  const said = whole.replace(/\B(?=(\d{3})+$)/g, "\u202f");
  return part ? `${said}.${part}` : said;
}

export function count(n: number): string {
  return Number.isFinite(n) ? grouped(n, 0) : "–";
}

/** "1 row", "2 rows". */
export function several(n: number, one: string, more = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : more}`;
}

export function share(part: number, whole: number): string {
  if (!(whole > 0)) return "";
  const p = (100 * part) / whole;
  return p > 0 && p < 1 ? "<1 %" : `${Math.round(p)} %`;
}

const two = (n: number): string => String(n).padStart(2, "0");
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** "2026-11-23 10:40", here. */
export function when(s: number, withSeconds = false): string {
  const d = new Date(s * 1000);
  if (Number.isNaN(d.getTime())) return "–";
  const day = `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
  return `${day} ${two(d.getHours())}:${two(d.getMinutes())}${withSeconds ? ":" + two(d.getSeconds()) : ""}`;
}

/** "Tue 2026-11-23 10:40". */
export function whenDay(s: number): string {
  const d = new Date(s * 1000);
  return Number.isNaN(d.getTime()) ? "–" : `${DAYS[d.getDay()]} ${when(s)}`;
}

/** "just now", "5 min ago"; the date when it is long ago. */
export function ago(s: number, now: number): string {
  const d = now - s;
  if (d < -60) return when(s);
  if (d < 45) return "just now";
  if (d < 5400) return `${Math.max(1, Math.round(d / 60))} min ago`;
  if (d < 36 * 3600) return `${Math.round(d / 3600)} h ago`;
  if (d < 7 * 86400) return `${Math.round(d / 86400)} days ago`;
  return when(s);
}

const SPANS: readonly (readonly [number, string, string])[] =
  [[86400, "day", "days"], [3600, "hour", "hours"], [60, "minute", "minutes"], [1, "second", "seconds"]];

/** "24 hours", "1 hour", "90 seconds". */
export function span(s: number): string {
  for (const [size, one, more] of SPANS) {
    if (s >= size * (size === 86400 ? 2 : 1) && (s % size === 0 || s > size * 10)) return several(Math.round(s / size), one, more);
  }
  return several(Math.round(s), "second");
}

// What has no shape of its own, or changes the order of what is around it, is spelled out: a name
// that looks like another is how people are deceived.
// eslint-disable-next-line no-control-regex, no-misleading-character-class
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb]/g;

// Marks that are heaped on a letter reach into the lines around it.
const MARKS = /(\p{M}{3})\p{M}+/gu;

export function visible(text: string): string {
  return text.replace(UNSEEN, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`).replace(MARKS, "$1…");
}

/** At most so many characters, cut in the middle; a path keeps more of its end. */
export function middle(text: string, most: number): string {
  if (text.length <= most) return text;
  const keep = Math.max(2, most - 1), tail = Math.ceil(keep * 0.6);
  const head = text.slice(0, keep - tail).replace(/[\ud800-\udbff]$/, "");
  const end = text.slice(text.length - tail).replace(/^[\udc00-\udfff\u0300-\u036f]+/, "");
  return `${head}…${end}`;
}

/** What a hover shows of a name. */
export function hover(text: string): string {
  return visible(middle(text, 2000));
}

const OTHER_PLACES: Readonly<Record<string, string>> = {
  "": "not known", private: "private network", loopback: "this machine", multicast: "multicast", linklocal: "link-local",
  broadcast: "broadcast", reserved: "reserved", unknown: "not known",
};
let names: Intl.DisplayNames | null | undefined;

export function isCountry(code: string): boolean {
  return /^[A-Z]{2}$/.test(code);
}

export function country(code: string): string {
  if (!isCountry(code)) return OTHER_PLACES[code.toLowerCase().replace(/[^a-z]/g, "")] ?? visible(code);
  if (names === undefined) {
    try {
      names = new Intl.DisplayNames(["en"], { type: "region", fallback: "code" });
    } catch {
      names = null;
    }
  }
  return names?.of(code) ?? code;
}

/** The two letters as regional indicators: a flag where there is a font for it. */
export function flag(code: string): string {
  return isCountry(code) ? String.fromCodePoint(...[...code].map((c) => 0x1f1e6 + c.charCodeAt(0) - 65)) : "";
}

const LABELS: Readonly<Record<string, string>> = {
  exe: "Program", name: "Process name", cmdline: "Command line", sha256: "SHA-256", pexe: "Parent", pname: "Parent's name",
  pcmdline: "Parent's command line", psha256: "Parent's SHA-256", gpexe: "Grandparent", gpname: "Grandparent's name",
  gpcmdline: "Grandparent's command line", gpsha256: "Grandparent's SHA-256", uid: "User", lport: "Local port", rport: "Remote port",
  laddr: "Local address", raddr: "Remote address", domain: "Domain", country: "Country", netns: "Network namespace",
  family: "Family", protocol: "Protocol", direction: "Direction", domain_source: "Source of the domain", script: "Script",
  script_sha256: "Script's SHA-256", cgroup: "Control group", unit: "Unit", slice: "Slice", session: "Session",
  engine: "Container engine", container: "Container", pod: "Pod", host: "Machine", time: "Time",
};

export function label(dim: string): string {
  return LABELS[dim] ?? LABELS[dim.replace(/^r/, "")] ?? dim;
}
