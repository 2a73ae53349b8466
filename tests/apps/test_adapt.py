"""The page Adapt without a browser: a real adaptation of an uploaded model."""

import keras
import numpy as np
import pytest
from keras import layers as kl

from snnviz import dashboard, jobs
from snnviz.runs import Store
from tests.apps.words import written

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


@pytest.fixture
def uploaded(tmp_path, monkeypatch):
    """The page with an uploaded model and data, whose launches run in this process."""
    rng = np.random.default_rng(0)
    x = rng.random((120, 8, 8, 1), dtype=np.float32)
    y = (x.mean(axis=(1, 2, 3)) > 0.5).astype(np.int64)
    np.savez(tmp_path / "mine.npz", x_train=x[:100], y_train=y[:100], x_test=x[100:], y_test=y[100:])
    model = keras.Sequential([keras.Input((8, 8, 1)), kl.Conv2D(2, 3, activation="gelu"), kl.MaxPooling2D()])
    model.add(kl.Flatten())
    model.add(kl.Dense(2, activation="softmax"))
    model.save(tmp_path / "max.keras")

    def run(spec, store):
        jobs.run(spec, store=store)
        return store.list()[0].id

    monkeypatch.setattr(jobs, "launch", run)
    workspace = dashboard.Workspace(store=Store(tmp_path / "runs"))
    page = dashboard.Adapt(workspace, epochs=1, limit=100)
    assert "Nothing adapted yet" in written(page)
    for name in ("max.keras", "mine.npz"):
        page.dropper.value = {name: (tmp_path / name).read_bytes()}
    return page


def test_an_uploaded_model_is_adapted_and_the_page_says_what_it_cost(uploaded):
    page = uploaded
    page._launch()
    run = page.details.run
    assert (run.kind, run.status) == ("adapt", "FINISHED"), written(page)
    card = page.workspace.card(f"{run.name or run.kind} · {run.id[:6]}")
    text = written(page)
    for stage in ("accuracy_before", "accuracy_replaced", "accuracy_adapted"):
        assert f"{100 * card[stage]:.2f}" in text
    assert "max pooling by average pooling" in text
    assert "Accuracy on the test set" in text
    assert f"run:{run.id}" in dashboard.Sparsity(page.workspace).offered.values(), "what comes next begins with it"


def test_the_preprocessing_of_an_onnx_network_goes_along_and_nonsense_is_refused(tmp_path):
    page = dashboard.Adapt(dashboard.Workspace(store=Store(tmp_path / "runs")), mean="0.1, 0.2,0.3", std="0.5")
    assert page.spec()["options"]["mean"] == [0.1, 0.2, 0.3]
    assert page.spec()["options"]["std"] == [0.5]
    page.mean = "a lot"
    page._launch()
    assert "`mean` must be" in page.notice.object
    assert page.workspace.runs() == []
