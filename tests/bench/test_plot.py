"""The plot of fixed figures, read back as XML."""
import xml.etree.ElementTree as ElementTree

import plot
import pytest
from report import Row

SVG = "{http://www.w3.org/2000/svg}"
ROWS = [Row("nginx", "POST", "nginx", 20), Row("haproxy", "POST", "HAProxy", 16), Row("sync", "POST", "gateway, sync", 15),
        Row("nginx-get", "GET & <HEAD>", "nginx", 10), Row("sync-get", "GET & <HEAD>", "gateway, sync", 40)]


@pytest.fixture
def image():
    return ElementTree.fromstring(plot.svg(ROWS))


def bars(image):
    return [r for r in image.iter(f"{SVG}rect") if r.get("class") in ("ours", "other")]


def lines(image):
    """Those at LINE times nginx: the first one explains them."""
    return [r for r in image.iter(f"{SVG}line") if r.get("class") == "line"][1:]


def texts(image):
    return [t.text for t in image.iter(f"{SVG}text")]


def test_bars_are_as_long_as_their_figures(image):
    widths = [float(b.get("width")) for b in bars(image)]
    assert widths == pytest.approx([w * max(widths) / 40 for w in (20, 16, 15, 10, 40)], abs=0.1)


def test_all_bars_start_at_zero_and_do_not_overlap(image):
    zero = float(image.find(f".//{SVG}line[@class='grid']").get("x1"))
    assert {float(b.get("x")) for b in bars(image)} == {zero}
    tops = [float(b.get("y")) for b in bars(image)]
    assert all(after - before >= float(bars(image)[0].get("height")) for before, after in zip(tops, tops[1:]))


def test_the_gateway_looks_unlike_the_others(image):
    assert [b.get("class") for b in bars(image)] == ["other", "other", "ours", "other", "ours"]


def test_labels_say_microseconds_and_the_ratio_to_nginx_of_the_same_group(image):
    labels = [t for t in texts(image) if "µs" in t and t[0].isdigit()]
    assert labels == ["20.0 µs", "16.0 µs = 0.80 × nginx", "15.0 µs = 0.75 × nginx", "10.0 µs", "40.0 µs = 4.00 × nginx"]


def test_the_line_of_each_group_stands_at_nine_tenths_of_its_nginx(image):
    bar_of = bars(image)
    zero = float(bar_of[0].get("x"))
    per_us = (float(bar_of[4].get("width"))) / 40
    assert [float(n.get("x1")) for n in lines(image)] == pytest.approx([zero + 18 * per_us, zero + 9 * per_us], abs=0.1)
    assert [n.get("x1") for n in lines(image)] == [n.get("x2") for n in lines(image)]
    first = lines(image)[0]
    assert float(first.get("y1")) < float(bar_of[0].get("y")) and float(first.get("y2")) > float(bar_of[2].get("y"))


def test_ticks_are_round_and_stand_where_they_say(image):
    grid = [float(n.get("x1")) for n in image.iter(f"{SVG}line") if n.get("class") == "grid"]
    width = float(bars(image)[4].get("width"))
    assert [t for t in texts(image) if t.isdigit()] == ["0", "10", "20", "30", "40"]
    assert grid == pytest.approx([grid[0] + n * width / 4 for n in range(5)], abs=0.1)


@pytest.mark.parametrize("highest, step", [(6, 1), (6.1, 2), (55, 10), (61, 20), (0.5, 0.1), (92, 20), (600, 100)])
def test_steps_of_the_axis_are_one_two_or_five_times_a_power_of_ten(highest, step):
    assert plot.tick_step(highest) == pytest.approx(step)


def test_nothing_leaves_the_image(image):
    width, height = (float(image.get(name)) for name in ("width", "height"))
    for shape in image.iter(f"{SVG}rect"):
        assert float(shape.get("x", 0)) + float(shape.get("width")) <= width
        assert float(shape.get("y", 0)) + float(shape.get("height")) <= height
    for t in image.iter(f"{SVG}text"):
        assert 0 <= float(t.get("x")) <= width and 0 <= float(t.get("y")) <= height


def test_title_and_description_tell_all_figures(image):
    assert image.get("role") == "img"
    named = {image.find(f"{SVG}title").get("id"), image.find(f"{SVG}desc").get("id")}
    assert set(image.get("aria-labelledby").split()) == named
    assert image.find(f"{SVG}desc").text == (
        "A line in each group stands at 0.9 times nginx. POST: nginx 20.0 microseconds (1.00 times nginx), "
        "HAProxy 16.0 microseconds (0.80 times nginx), gateway, sync 15.0 microseconds (0.75 times nginx). "
        "GET & <HEAD>: nginx 10.0 microseconds (1.00 times nginx), gateway, sync 40.0 microseconds (4.00 times nginx).")


def test_dark_pages_get_other_colours_of_every_kind():
    light, dark = plot.STYLE.split("@media (prefers-color-scheme: dark)")
    for style in ("page", "text", "quiet", "grid", "other", "ours", "line", "limit", "label"):
        assert f".{style} {{" in light and f".{style} {{" in dark


def test_the_same_figures_make_the_same_bytes():
    assert plot.svg(ROWS) == plot.svg([Row(r.key, r.group, r.name, r.cpu_us) for r in ROWS])
