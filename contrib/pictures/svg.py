# SPDX-License-Identifier: GPL-3.0-or-later
"""A terminal's screen (pyte) as an SVG picture: text stays text."""
from xml.sax.saxutils import escape

WIDTH, HEIGHT, MARGIN = 8.4, 18, 14  # of a character, in pixels
PAPER, INK = "#10141a", "#d5dbe3"
NO_BREAK = "\u00a0"  # several spaces together are one in SVG
COLOURS = {"black": "#10141a", "red": "#ff6b6b", "green": "#63d68d", "brown": "#e8c268", "blue": "#6ca8ff", "magenta": "#d18cff",
           "cyan": "#5fd3d8", "white": "#d5dbe3"}


def colour(name, otherwise):
    if name in COLOURS:
        return COLOURS[name]
    return "#" + name if len(name) == 6 and name.isalnum() else otherwise


def look(char):
    """Ink, paper (None: the page's) and whether it is bold."""
    ink, paper = colour(char.fg, INK), colour(char.bg, None) if char.bg != "default" else None
    if char.reverse:
        ink, paper = paper or PAPER, ink
    return ink, paper, char.bold


def runs(row, columns):
    """(column, text, look) of what stands together."""
    start, text, last = 0, "", None
    for x in range(columns):
        char = row[x]
        now = look(char)
        if now != last and text:
            yield start, text, last
            text = ""
        if not text:
            start = x
        text, last = text + (char.data or ""), now
    if text:
        yield start, text, last


def picture(screen, title):
    columns, rows = screen.columns, screen.lines
    wide, high = columns * WIDTH + 2 * MARGIN, rows * HEIGHT + 2 * MARGIN
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:.0f}" height="{high:.0f}" viewBox="0 0 {wide:.0f} {high:.0f}"'
           f' role="img"><title>{escape(title)}</title>',
           f'<rect width="100%" height="100%" rx="8" fill="{PAPER}"/>',
           '<g font-family="ui-monospace,DejaVu Sans Mono,Menlo,Consolas,monospace" font-size="14">']
    for y in range(rows):
        for x, text, (ink, paper, bold) in runs(screen.buffer[y], columns):
            left, top, length = MARGIN + x * WIDTH, MARGIN + y * HEIGHT, len(text) * WIDTH
            if paper:
                out.append(f'<rect x="{left:.1f}" y="{top}" width="{length:.1f}" height="{HEIGHT}" fill="{paper}"/>')
            shown = text.rstrip()
            if shown:
                weight = ' font-weight="bold"' if bold else ""
                out.append(f'<text x="{left:.1f}" y="{top + 13}" textLength="{len(shown) * WIDTH:.1f}" fill="{ink}"{weight}>'
                           f"{escape(shown).replace(' ', NO_BREAK)}</text>")
    out.append("</g></svg>\n")
    return "\n".join(out)
