// SPDX-License-Identifier: GPL-3.0-or-later
// How a value of a dimension is shown: a country beside each address, a verdict beside each hash, and names,
// which anyone may have chosen, apart from the text around them.
import type { Beside } from "./api";
import { el } from "./dom";
import { country, flag, hover, isCountry, label, middle, visible } from "./format";

export function name(text: string, most = 60): HTMLElement {
  return el("bdi", { class: "name", title: text.length > most ? hover(text) : null }, visible(middle(text, most)));
}

let drawn: boolean | undefined;

/** Whether there is a font with flags: else their letters would be two boxes. */
function flags(): boolean {
  if (drawn === undefined) {
    const g = Object.assign(document.createElement("canvas"), { width: 20, height: 20 }).getContext("2d", { willReadFrequently: true });
    if (!g) return (drawn = false);
    g.font = "16px sans-serif";
    g.fillText("\u{1f1e9}\u{1f1ea}", 0, 16);
    const pixels = g.getImageData(0, 0, 20, 20).data;
    drawn = pixels.some((v, i) => i % 4 === 0 && v !== pixels[i + 1]);
  }
  return drawn;
}

export function flagOf(code: string): HTMLElement {
  return el("span", { class: "flag", title: country(code) },
    isCountry(code) && flags() && el("span", { "aria-hidden": "true" }, flag(code)), el("span", { class: "code" }, isCountry(code) ? code : country(code)));
}

const VERDICTS: Readonly<Record<string, [string, string]>> = {
  clean: ["good", "clean"], suspicious: ["bad", "suspicious"], unknown: ["plain", "unknown to VirusTotal"], pending: ["plain", "not asked yet"],
  failed: ["warn", "could not be asked"], no_key: ["plain", "not asked: no key"],
};
const MARKS: Readonly<Record<string, string>> = { good: "✓", bad: "⚠", warn: "!", plain: "?" };

/** The verdict, with its numbers, and a link to where it is from. */
export function verdict(of: Beside): HTMLElement {
  const [kind, words] = VERDICTS[of.verdict ?? ""] ?? ["plain", visible(of.verdict ?? "no verdict")];
  const asked = (of.malicious ?? 0) + (of.suspicious ?? 0) + (of.harmless ?? 0) + (of.undetected ?? 0);
  const found = (of.malicious ?? 0) + (of.suspicious ?? 0);
  const text = [el("span", { "aria-hidden": "true" }, MARKS[kind] ?? "?"), ` ${words}${asked ? ` ${found}/${asked}` : ""}`];
  const title = asked ? `${of.malicious ?? 0} malicious, ${of.suspicious ?? 0} suspicious, ${of.harmless ?? 0} harmless, ${of.undetected ?? 0} undetected` : null;
  const link = of.link && /^https:\/\//.test(of.link) ? of.link : null;
  return link
    ? el("a", { class: `badge ${kind}`, href: link, target: "_blank", rel: "noopener noreferrer", title }, ...text)
    : el("span", { class: `badge ${kind}`, title }, ...text);
}

const HASHES = /sha256$/;
const NONE: Readonly<Record<string, string>> = {
  domain: "no name known", unit: "no unit", container: "no container", pod: "no pod", script: "no script", sha256: "no hash", direction: "not known",
};

/** The group of all ports that clients had for a connection each: no value, so it can be neither kept nor opened. */
export function merged(dim: string, value: string): boolean {
  return value === "-2" && (dim === "lport" || dim === "rport");
}

/** What a value is called where there is room for text alone. */
export function plain(dim: string, value: string): string {
  if (dim === "country" || dim === "rcountry") return country(value);
  if (value === "") return `(${NONE[dim] ?? `no ${label(dim).toLowerCase()}`})`;
  if (merged(dim, value)) return "(ports of clients)";
  return value;
}

/** A value in a cell, without what is beside it. */
export function shown(dim: string, value: string, most = 60): Node {
  if (dim === "country") return el("span", {}, flagOf(value), isCountry(value) ? ` ${country(value)}` : "");
  if (value === "" || merged(dim, value)) return el("span", { class: "muted" }, plain(dim, value));
  if (HASHES.test(dim)) return el("code", { class: "name", title: hover(value) }, visible(middle(value, 20)));
  if (dim === "exe" || dim === "pexe" || dim === "gpexe" || dim === "script") return path(value, most);
  return name(value, most);
}

/** The file's name is what is read; its folder is quiet. */
export function path(text: string, most = 60): HTMLElement {
  const at = text.lastIndexOf("/");
  if (at < 0 || text.length > 4096) return name(text, most);
  const file = text.slice(at + 1), folder = text.slice(0, at + 1);
  return el("bdi", { class: "name", title: hover(text) },
    el("span", { class: "folder" }, visible(middle(folder, Math.max(8, most - Math.min(file.length, 30))))), visible(middle(file, most)));
}

export function besides(of: Beside | null | undefined): HTMLElement | null {
  if (!of) return null;
  if (of.verdict !== undefined) return verdict(of);
  if (of.country !== undefined) return flagOf(of.country);
  return null;
}
