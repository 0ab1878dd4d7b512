"""The plot of the benchmark as an SVG image: a bar for each row, grouped by what is sent, and in each group a line at
LINE times its first bar, which is nginx. The same rows make the same bytes.

The image has its own background, so that it is readable on any page; where the reader prefers dark pages it is dark
(prefers-color-scheme works inside images as well). Nothing is said by colour alone.
"""
import math
from xml.sax.saxutils import escape

from report import groups

LINE = 0.9
WIDTH, LEFT, RIGHT = 920, 226, 190            # RIGHT: room for the figures behind the longest bar
TOP, BAR, STEP, HEADING, GAP, BOTTOM = 84, 18, 24, 24, 12, 50
TICKS = 6
STYLE = """
    .page { fill: #ffffff; } .text { fill: #1f2328; } .quiet { fill: #59636e; }
    .grid { stroke: #d1d9e0; } .other { fill: #8c959f; } .ours { fill: #0969da; }
    .line { stroke: #bc4c00; stroke-width: 2; stroke-dasharray: 5 3; } .limit { fill: #bc4c00; }
    text { font: 13px system-ui, sans-serif; } .title { font-size: 17px; font-weight: 600; }
    .heading { font-weight: 600; } .label { paint-order: stroke; stroke: #ffffff; stroke-width: 4; }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117; } .text { fill: #f0f6fc; } .quiet { fill: #9198a1; }
      .grid { stroke: #3d444d; } .other { fill: #767e88; } .ours { fill: #4493f8; }
      .line { stroke: #f0883e; } .limit { fill: #f0883e; }
      .label { stroke: #0d1117; }
    }
"""
TITLE = "CPU time per request"


def tick_step(highest):
    """1, 2 or 5 times a power of ten, so that at most TICKS steps reach the highest value."""
    power = 10 ** math.floor(math.log10(highest / TICKS))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power * TICKS >= highest)


def described(rows):
    """All that can be seen, for those who do not see it."""
    sentences = []
    for group in groups(rows):
        bars = ", ".join(f"{r.name} {r.cpu_us:.1f} microseconds ({r.ratio(group[0]):.2f} times nginx)" for r in group)
        sentences.append(f"{group[0].group}: {bars}.")
    return f"A line in each group stands at {LINE} times nginx. " + " ".join(sentences)


def text(x, y, what, style, anchor="start"):
    return f'  <text x="{x:.1f}" y="{y:.1f}" class="{style}" text-anchor="{anchor}">{escape(what)}</text>'


def line(x1, y1, x2, y2, style):
    return f'  <line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{style}"/>'


def axis(scale, step, highest, bottom):
    parts = []
    for number in range(math.floor(highest / step + 1e-9) + 1):
        x = LEFT + number * step * scale
        parts.append(line(x, TOP, x, bottom, "grid"))
        parts.append(text(x, bottom + 18, f"{number * step:g}", "quiet", "middle"))
    parts.append(text(LEFT, bottom + 38, "CPU time per request, microseconds (µs)", "quiet"))
    return parts


def bar(row, base, y, scale):
    style = "ours" if row.name.startswith("gateway") else "other"
    end = LEFT + row.cpu_us * scale
    label = f"{row.cpu_us:.1f} µs" + ("" if row is base else f" = {row.ratio(base):.2f} × nginx")
    return [text(LEFT - 8, y + BAR - 5, row.name, "text", "end"),
            f'  <rect x="{LEFT}" y="{y:.1f}" width="{end - LEFT:.1f}" height="{BAR}" class="{style}"/>',
            text(end + 8, y + BAR - 5, label, "text label")]


def group_parts(group, y, scale):
    limit = LEFT + group[0].cpu_us * LINE * scale
    parts = [text(8, y + HEADING - 8, group[0].group, "text heading")]
    for number, row in enumerate(group):
        parts += bar(row, group[0], y + HEADING + number * STEP, scale)
    end = y + HEADING + len(group) * STEP - (STEP - BAR)
    return parts + [line(limit, y + HEADING - 3, limit, end + 3, "line")]


def svg(rows):
    highest = max(row.cpu_us for row in rows)
    step = tick_step(highest)
    scale = (WIDTH - LEFT - RIGHT) / highest
    parts, y = [], TOP
    for group in groups(rows):
        parts += group_parts(group, y, scale)
        y += HEADING + len(group) * STEP + GAP
    head = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + BOTTOM}" width="{WIDTH}" '
            f'height="{y + BOTTOM}" role="img" aria-labelledby="title desc">',
            f'  <title id="title">{escape(TITLE)}</title>', f'  <desc id="desc">{escape(described(rows))}</desc>',
            f"  <style>{STYLE}  </style>", f'  <rect width="{WIDTH}" height="{y + BOTTOM}" class="page"/>',
            text(8, 26, TITLE, "text title"),
            text(8, 48, "The whole gateway beside plain proxies to the same upstream, one core each; less is better", "quiet"),
            line(8, 64, 32, 64, "line"), text(40, 68, f"{LINE} × nginx under the same load", "limit")]
    return "\n".join([*head, *axis(scale, step, highest, y), *parts, "</svg>"]) + "\n"
