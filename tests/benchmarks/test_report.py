import json

import pytest

from benchmarks import report


def row(name, seconds, items=100, events=1000.0, **others):
    times = {"median": seconds, "min": seconds * 0.9, "max": seconds * 1.2, "runs": 5}
    return {
        "name": name,
        "label": f"the {name}",
        "seconds": times,
        "items": items,
        "events": events,
        "peak_mb": 400,
    } | others


def result(name, **parts):
    machine = {
        "cpu": "a processor",
        "cores": 2,
        "memory_gb": 16.0,
        "os": "an OS",
        "python": "3.11",
        "versions": {"numpy": "2"},
    }
    return {"name": name, "date": "2026-11-24T00:00:00+00:00", "threads": 2, "steps": 50, "density": 0.17} | {
        "machine": machine,
        **parts,
    }


def limits():
    return {
        "gemm_flops": {"median": 200e9},
        "adds_per_second": {"median": 35e9, "max": 40e9},
        "adds_per_second_one_core": {"median": 18e9, "max": 20e9},
    }


@pytest.mark.parametrize(
    ("value", "text"), [(0.0871, "0.087 s"), (4.32, "4.3 s"), (10.94, "10.9 s"), (151.2, "151 s"), (0.0, "0 s")]
)
def test_seconds_have_two_or_three_digits(value, text):
    assert report.seconds(value) == text


def test_times_are_scaled_in_proportion_to_the_items_of_the_row():
    assert report.scaled(row("event", 2.0, items=100), 1000) == pytest.approx(20)
    assert report.scaled(row("event", 2.0, items=1000), 1000, "max") == pytest.approx(2.4)


def test_line_through_the_origin_reports_the_worst_point():
    slope, deviation = report.through_origin([1, 10, 100], [2, 20, 200])
    assert (slope, deviation) == pytest.approx((2, 0))
    slope, deviation = report.through_origin([1, 2], [3, 4])
    assert (slope, deviation) == pytest.approx((2.2, 0.2))


def test_line_finds_slope_and_intercept():
    slope, intercept, r2 = report.line([0, 1, 2, 3], [5, 7, 9, 11])
    assert (slope, intercept, r2) == pytest.approx((2, 5, 1))


def test_crossing_is_interpolated_in_logarithms():
    assert report.crossing([0.01, 0.1, 1.0], [1, 10, 100], [10, 10, 10]) == pytest.approx(0.1)
    assert report.crossing([0.01, 1.0], [1, 100], [10, 10]) == pytest.approx(0.1)
    assert report.crossing([0.01, 1.0], [1, 2], [10, 10]) is None


def test_page_shows_times_ratios_notes_and_what_is_missing():
    column = {
        "network": "conv-mnist",
        "items": 100,
        "target_items": 1000,
        "limits": limits(),
        "rows": [
            row("event", 0.5, agreement={"last_step": 1.0, "all_steps": 1.0}, events_ratio=1.0, note=""),
            row("torch", 1.5, agreement={"last_step": 0.99, "all_steps": 0.985}, note="counts by hand"),
            {"name": "sinabs", "label": "sinabs", "note": "", "missing": "environment not set up"},
        ],
    }
    text = report.page({"table": result("table", columns=[column])})
    assert "| the event | 5.0 s* [4.5 - 6.0] |" in text
    assert "| the torch (1) | 15.0 s* [13.5 - 18.0] |" in text
    assert "| the torch | 3.00 |" in text
    assert "(1) counts by hand." in text
    assert "Not measured: sinabs: environment not set up." in text
    assert "99.0% | 98.5%" in text
    assert "40.0 billion a second" in text


def test_trained_networks_have_both_times():
    points = [
        {"name": "small", "what": "stop", "steps": 50, "mean_exit": 4.25, "rates": [0.01, 0.2], "events": 2e6, "wall_s": 1e-3,
         "cpu_s": 2e-3, "runs": 5},
        {"name": "small", "what": "classifier", "steps": 0, "wall_s": 3e-4, "cpu_s": 5e-4, "runs": 5},
    ]  # fmt: skip
    text = report.page({"sparse": result("sparse", points=points)})
    assert "until sure (margin 0.9) | 4.25 | 0.010 to 0.200 | 2.00 M | 1.000 ms | 2.000 ms | 1.00 G |" in text
    assert "| Keras' predict of its classifier | - | - | - | 0.300 ms | 0.500 ms | - |" in text
    assert "medians of 5 runs" in text


def test_layers_are_held_against_the_limit_of_their_own_run():
    point = {"network": "layer-64", "items": 100, "limits": limits(), "rows": [row("event", 2.0, events=60e9)]}
    assert "| 64 | 30.0 | 40.0 | 75% |" in report.page({"layers": result("layers", points=[point])})


def sweep(event_times, graph_times):
    points = [
        {
            "density": density,
            "items": 100,
            "rows": [row("event", a, events=density * 1e9), row("graph", b, events=density * 1e9)],
        }
        for density, a, b in zip((0.05, 0.5), event_times, graph_times, strict=True)
    ]
    return result("density", network="conv-mnist", points=points)


def test_density_names_slope_saving_and_crossing():
    text = report.page({"density": sweep([0.05, 0.5], [0.2, 0.2])}, "figure.svg")
    assert "1.000 ns an event" in text
    assert "10.0 times fewer events (50.0% to 5.0%) take 10.0 times less time" in text
    assert "equally long at 20.0% of the neurons" in text
    assert "(figure.svg)" in text


def test_density_says_when_the_engines_do_not_cross():
    assert "the event engine is faster throughout" in report.page({"density": sweep([0.05, 0.1], [0.2, 0.2])})


def test_scaling_and_threads():
    scaling = result(
        "scaling",
        network="conv-mnist",
        items=[{"items": 100, "steps": 50, "rows": [row("event", 1.0), row("graph", 2.0)]}],
        steps=[{"items": 100, "steps": 10, "rows": [row("event", 1.0)]}],
    )
    threads = result(
        "threads",
        points=[{"network": "conv-mnist", "threads": count, "rows": [row("event", 2.0 / count)]} for count in (1, 2)],
    )
    text = report.page({"scaling": scaling, "threads": threads})
    assert "| 100 | 0.2000 | 400 MB | 0.4000 | 400 MB |" in text
    assert "| 10 | 1.0000 | 400 MB | - | - |" in text
    assert "| conv MNIST | event engine | 1: 20.0 s, 2: 10.0 s | 2.00 |" in text


def test_write_makes_page_and_figure(tmp_path):
    (tmp_path / "density.json").write_text(json.dumps(sweep([0.05, 0.5], [0.2, 0.2])))
    report.write(tmp_path, tmp_path / "page.md")
    assert "benchmarks_events.svg" in (tmp_path / "page.md").read_text()
    assert "<svg" in (tmp_path / "benchmarks_events.svg").read_text()


def test_streams_are_held_against_the_time_they_took(tmp_path):
    same = {"agreement": {"last_step": 1.0, "all_steps": 0.999}, "versions": {"torch": "2"}}
    rows = [row("event", 0.1, cpu_seconds=0.2, **same), row("torch", 1.0, cpu_seconds=1.0, **same)]
    readers = [row("read", 0.1, cpu_seconds=0.1, **same), {"name": "tonic", "label": "tonic", "missing": "not set up"}]
    about = {"camera_events": 100_000, "stream_s": 30.0, "step_ms": 10.0, "load": [1.0, 2.0]}
    page = report.page({"stream": result("stream", rows=rows, readers=readers, **about)})
    assert "| the event | 2.00 ms | 1.00 ms | 0.50 M | 150 | 1.0 | 99.9% |  |" in page
    assert "| the torch | 10.00 ms | 10.00 ms | 0.10 M | 30 | 5.0 | 99.9% | torch 2 |" in page
    assert "| tonic | - | - | - | - | - | - | not set up |" in page
