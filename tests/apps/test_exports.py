"""Files of plots are written where no session waits for them."""

from snnviz import dashboard
from tests.synthetic import dense_mnist


def test_files_are_written_apart_from_the_page(monkeypatch):
    page = dashboard.Explorer(dense_mnist())
    (button,) = [
        each for each in page.figures["accuracy_over_time"].view.select() if getattr(each, "label", "") == "PDF"
    ]
    apart = []
    monkeypatch.setattr(page, "apart", lambda work, done, _button=None: apart.append((work, done)))
    button._clicks += 1
    ((work, done),) = apart
    assert button.data is None
    done(work())
    assert button.data.startswith("data:application/pdf;base64,JVBE")  # %PD
    assert button._transfers == 1


def test_a_plot_that_cannot_be_written_is_said(monkeypatch):
    page = dashboard.Explorer(dense_mnist())
    figure = page.figures["accuracy_over_time"]
    (button,) = [each for each in figure.view.select() if getattr(each, "label", "") == "PDF"]
    monkeypatch.setattr(button, "_drawn", lambda: 1 / 0)
    button._clicks += 1
    assert "ZeroDivisionError" in page.notice.object
