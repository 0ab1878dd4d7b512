"""Tables, targets and the block of the page, of fixed figures."""
import bench
import plot
import pytest
import report
from report import Row, Target

NGINX, SYNC = Row("nginx", "POST", "nginx", 20, 50000, 0.99, 1000, 2000, 12, 13, 0.04), Row("sync", "POST", "gateway, sync", 18)


def rows(**cpu_us):
    """Rows that meet every target exactly, with some other figures."""
    exact = {"nginx": 20, "haproxy": 19, "sync": 18, "nginx-delivered": 10, "async1": 9, "async5": 25}
    return [Row(key, "-", key, cpu_us.get(key.replace("-", "_"), us), idle_mib=32) for key, us in exact.items()]


def missed(found):
    return [target.text for target, _, is_met in report.outcome(bench.TARGETS, found) if not is_met]


def test_figures_at_the_limit_meet_their_targets():
    assert missed(rows()) == []


@pytest.mark.parametrize("worse, text", [
    ({"sync": 18.1}, "sync: CPU per request over that of nginx"),
    ({"haproxy": 18}, "sync: CPU per request over that of HAProxy"),   # below, not as much as
    ({"async1": 9.1}, "async, 1 subscriber: over nginx"),
    ({"async5": 25.1}, "async, 5 subscribers: over nginx")])
def test_a_figure_over_its_limit_misses_its_target_alone(worse, text):
    assert missed(rows(**worse)) == [text]


def test_asynchronous_rows_are_held_against_nginx_under_their_own_load():
    assert missed(rows(nginx_delivered=9)) == ["async, 1 subscriber: over nginx", "async, 5 subscribers: over nginx"]


def test_idle_memory_over_its_limit_misses_its_target():
    fat = [Row(r.key, r.group, r.name, r.cpu_us, idle_mib=32.1) for r in rows()]
    assert missed(fat) == ["memory when idle, MiB"]


def test_each_target_is_a_row_that_says_ok_or_missed():
    targets = [Target("a", lambda row: row["sync"].cpu_us, "<=", 18), Target("b", lambda row: 1, "<", 1)]
    assert report.targets_table(report.outcome(targets, [NGINX, SYNC])).splitlines()[2:] == [
        "| a | &lt;= 18 | 18.00 | ok |", "| b | &lt; 1 | 1.00 | missed |"]


def test_ratios_in_the_table_are_to_the_first_row_of_the_same_request():
    other = [Row("nginx-get", "GET", "nginx", 10), Row("sync-get", "GET", "gateway, sync", 5)]
    lines = report.table([NGINX, SYNC, *other]).splitlines()
    assert lines[2] == "| POST | nginx | 20.0 | +4% | 1.00 | 50000 | 99% | 1000 | 2000 | 12.0 | 13.0 |"
    assert [line.split(" | ")[4] for line in lines[2:]] == ["1.00", "0.90", "1.00", "0.50"]
    assert len({line.count("|") for line in lines}) == 1


def test_rows_that_were_not_measured_alone_are_named():
    calm = Row("nginx", "POST", "nginx", 20, busy=0.9, noise=0.1)
    loud = [Row("sync", "POST", "gateway, sync", 18, busy=0.9, noise=0.11), Row("haproxy", "POST", "HAProxy", 18, busy=0.89)]
    assert report.disturbed([calm]) == ""
    assert report.disturbed([calm, *loud]).startswith(
        "Disturbed: 2 of 3 rows have a noise over 10% or used less than 90% of their core: "
        "POST: gateway, sync (noise 11%, core busy 90%); POST: HAProxy (noise 0%, core busy 89%).")
    assert "Disturbed" in report.docs_block([], [calm, *loud], []) and "Disturbed" not in report.docs_block([], [calm], [])


def test_the_results_of_the_page_are_replaced_and_nothing_else(tmp_path):
    page = tmp_path / "performance.md"
    page.write_text(f"before\n\n{report.BEGIN}\nold\n{report.END}\n\nafter\n")
    for _ in range(2):
        report.write_docs(page, ["Machine: this one."], [NGINX, SYNC], [], plot.svg([NGINX, SYNC]))
        text = page.read_text()
        assert text.startswith(f"before\n\n{report.BEGIN}\n") and text.endswith(f"\n{report.END}\n\nafter\n")
        assert "old" not in text and text.count("Machine: this one.") == 1 and text.count("| gateway, sync |") == 1
    assert (tmp_path / "performance.svg").read_text() == plot.svg([NGINX, SYNC])


@pytest.mark.parametrize("text", ["none", report.BEGIN, f"{report.END} {report.BEGIN}",
                                  f"{report.BEGIN} {report.BEGIN} {report.END}"])
def test_a_page_without_one_place_for_results_is_refused_and_left_alone(tmp_path, text):
    page = tmp_path / "performance.md"
    page.write_text(text)
    with pytest.raises(SystemExit, match="needs one"):
        report.write_docs(page, [], [NGINX], [], "<svg/>")
    assert page.read_text() == text and not (tmp_path / "performance.svg").exists()


def test_the_page_in_docs_has_its_place_for_results_and_its_plot():
    page = (bench.ROOT / "docs" / "performance.md").read_text()
    assert report.replaced(page, "") != page
    assert f"]({report.PLOT})" in page and (bench.ROOT / "docs" / report.PLOT).read_text().startswith("<svg ")
