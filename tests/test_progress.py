"""Progress bars: drawn or not, whoever listens hears every step."""

from snnviz import _progress


def test_a_listener_hears_every_step_of_bars_that_are_drawn_and_not(capsys):
    heard = []
    for show in (True, False):
        listening = _progress.listening(lambda told: heard.append((told["prefix"], told["n"], told["total"])))
        with listening, _progress.bar(3, "counting", "item", show) as bar:
            bar.update(1)
            bar.update(2)
    assert heard == 2 * [("counting", 1, 3), ("counting", 3, 3)]


def test_the_innermost_listener_counts_and_the_outer_one_comes_back():
    outer, inner = [], []
    with _progress.listening(lambda told: outer.append(told["n"])):
        with _progress.listening(lambda told: inner.append(told["n"])), _progress.bar(2, "x", "item") as bar:
            bar.update(1)
        with _progress.bar(2, "x", "item") as bar:
            bar.update(2)
    with _progress.bar(2, "x", "item") as bar:
        bar.update(1)
    assert (outer, inner) == ([2], [1])


def test_nothing_is_drawn_where_drawing_is_off(capsys, monkeypatch):
    monkeypatch.setattr(_progress, "SHOW_AFTER_SECONDS", 0.0)
    with _progress.listening(lambda told: None, draw=False), _progress.bar(2, "counting", "item") as bar:
        bar.update(1)
        bar.refresh()
    assert capsys.readouterr().err == ""
    with _progress.listening(lambda told: None), _progress.bar(2, "counting", "item") as bar:
        bar.update(1)
        bar.refresh()
    assert "counting" in capsys.readouterr().err
