// SPDX-License-Identifier: GPL-3.0-or-later
// A small chart in a line of text.
import { property } from "./colours";

/** The values from left to right, the last at the right edge; it says nothing that is not beside it in numbers. */
export function spark(values: readonly number[], width = 120, height = 22, slots = 60): HTMLCanvasElement {
  const canvas = document.createElement("canvas"), ratio = devicePixelRatio || 1;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.className = "spark";
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  canvas.setAttribute("aria-hidden", "true");
  const g = canvas.getContext("2d"), most = Math.max(...values, 0);
  if (!g) return canvas;
  g.scale(ratio, ratio);
  g.fillStyle = property("--line") || "#ccc";
  g.fillRect(0, height - 1, width, 1);
  g.fillStyle = property("--accent") || "#36c";
  const wide = width / slots;
  values.forEach((v, i) => {
    const h = most > 0 && v > 0 ? Math.max(1, (v / most) * (height - 2)) : 0;
    g.fillRect(width - (values.length - i) * wide, height - 1 - h, Math.max(1, wide - 0.5), h);
  });
  return canvas;
}
