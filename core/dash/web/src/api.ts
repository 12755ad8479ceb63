// SPDX-License-Identifier: GPL-3.0-or-later
// Questions to the server, few at once; those of a page that is left are dropped.

export interface Dimension { name: string; kind: "text" | "number" | "time" | "country"; filter: boolean }
export interface Info {
  version: string; store: string; hostname: string; now: number; first: number | null; last: number | null;
  dimensions: Dimension[]; ranges: string[]; units: string[];
  geoip: { enabled: boolean; attribution: { text: string; link: string } | null; built: number | null };
  theme: string; scroll_zoom: boolean; live: boolean;
}
export interface Beside {
  country?: string; verdict?: string; malicious?: number; suspicious?: number; harmless?: number; undetected?: number; link?: string;
}
export interface Row {
  values: string[]; beside: (Beside | null)[]; sent: number; received: number; calls: number; rows: number; first: number; last: number;
}
export interface Loss { stage: string; text: string; count: number; sent: number; received: number; rows: number; first: number; last: number }
export interface Traffic {
  from: number | null; to: number | null; by: string[]; rows: Row[]; more: boolean;
  total: { sent: number; received: number; calls: number; rows: number; groups: number }; losses: Loss[];
}
/** The same of each of several dimensions, asked for at once. */
export type Top = Pick<Row, "values" | "beside" | "sent" | "received" | "rows">;
export interface Tops {
  from: number | null; to: number | null; total: { sent: number; received: number; rows: number }; losses: Loss[];
  tops: { by: string; rows: Top[]; more: boolean; groups: number }[];
}
export interface Line { value: string; beside: Beside | null; sent: number[]; received: number[] }
export interface Series {
  from: number; to: number; step: number; times: number[]; series: Line[];
  other: { groups: number; sent: number[]; received: number[] } | null; losses: Loss[];
}
export interface Happening {
  kind: string; time: number; text: string; event?: string; role?: string; exe?: string; name?: string; cmdline?: string;
  sha256?: string; previous?: string; pexe?: string; unit?: string; container?: string; uid?: string; expected?: boolean;
  until?: number; stage?: string; count?: number; sent?: number; received?: number;
  verdict?: string; malicious?: number; suspicious?: number; harmless?: number; undetected?: number; link?: string;
}
export interface Events { events: Happening[]; more: boolean }

export class Trouble extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

const ATONCE = 6; // as many as a browser has connections to a server; which has a bound of its own
let running = 0;
const waiting: (() => void)[] = [];

async function turn<T>(work: () => Promise<T>): Promise<T> {
  while (running >= ATONCE) await new Promise<void>((go) => waiting.push(go));
  running++;
  try {
    return await work();
  } finally {
    running--;
    waiting.shift()?.();
  }
}

const TOGETHER_MS = 40;
let drawing: Promise<void> | null = null;
let drawNow = (): void => {};

/** When an answer is to be drawn: with those that come soon after it, as each time costs a layout of the page. */
export function drawTurn(): Promise<void> {
  drawing ??= new Promise((go) => {
    const timer = setTimeout(() => drawNow(), TOGETHER_MS);
    drawNow = () => {
      clearTimeout(timer);
      drawing = null;
      go();
    };
  });
  const turn = drawing;
  if (!running) drawNow();
  return turn;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((go, stop) => {
    const timer = setTimeout(go, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      stop(new DOMException("", "AbortError"));
    }, { once: true });
  });
}

/** Values that are numbers (ports, users without a name) are texts here, as they are in filters. */
export function texts(answer: unknown): unknown {
  const { rows, tops, series } = answer as { rows?: { values: unknown[] }[]; tops?: { rows: { values: unknown[] }[] }[]; series?: { value: unknown }[] };
  for (const list of [rows, ...(Array.isArray(tops) ? tops.map((t) => t.rows) : [])]) {
    if (Array.isArray(list)) for (const row of list) row.values = row.values.map((v) => (v === null ? "" : String(v)));
  }
  if (Array.isArray(series)) for (const line of series) line.value = line.value === null || line.value === undefined ? "" : String(line.value);
  return answer;
}

async function once<T>(path: string, signal: AbortSignal): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, { signal, headers: { accept: "application/json" }, credentials: "same-origin" });
  } catch (e) {
    if (signal.aborted) throw e;
    throw new Trouble(0, "The server does not answer.");
  }
  if (response.ok) return texts(await response.json()) as T;
  let why = "";
  try {
    why = String(((await response.json()) as { error?: unknown }).error ?? "");
  } catch {
    // It has said its status, at least.
  }
  throw new Trouble(response.status, why || `The server answers ${response.status}.`);
}

/** One answer of /api/v1. A busy server is asked again, twice. */
export function ask<T>(path: string, signal: AbortSignal): Promise<T> {
  return turn(async () => {
    for (let again = 0; ; again++) {
      signal.throwIfAborted();
      try {
        return await once<T>(`/api/v1/${path}`, signal);
      } catch (e) {
        if (!(e instanceof Trouble) || e.status !== 503 || again === 2) throw e;
        await pause(400 * (again + 1), signal);
      }
    }
  });
}

export function aborted(e: unknown): boolean {
  return e instanceof DOMException && e.name === "AbortError";
}
