"""What would not fit into memory is refused before it is taken."""

import io
import json
import multiprocessing
import zipfile

import h5py
import numpy as np
import pytest
from PIL import Image

import snnviz
from snnviz import InputError, _backend, _memory, architectures, datasets, results
from snnviz.conversion import load_keras
from snnviz.hardware import nir
from snnviz.network import Conv2D, Dense, Input, SpikingNetwork
from snnviz.simulation import driver
from snnviz.training import save_model
from tests import synthetic

TB = 10**12

# Keras' own saving trips over NumPy's newer conversion protocol; nothing here depends on it
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def test_recording_more_than_memory_is_refused_before_anything_runs(monkeypatch) -> None:
    network = snnviz.pretrained.network("dense-mnist-optimized")
    images = datasets.load("mnist", limit=50)
    monkeypatch.setattr(_memory, "available", lambda: 2**20)
    monkeypatch.setattr(driver, "make_engine", None)  # never reached
    wanted = snnviz.Record(potentials=network.layer_names, items=50)
    with pytest.raises(InputError, match=r"GiB"):
        snnviz.simulate(network, images.x, images.y, 50, engine="event", record=wanted, progress=False)


def test_available_memory_is_some() -> None:
    assert _memory.available() > 2**20


def test_labels_beyond_any_data_set_are_refused(tmp_path) -> None:
    x = np.zeros((2, 4), np.float32)
    y = np.array([0, 10**12])
    np.savez(tmp_path / "d.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    with pytest.raises(InputError, match="class indices below"):
        datasets.load(tmp_path / "d.npz")


def test_arrays_larger_than_memory_are_refused_unread(tmp_path, monkeypatch) -> None:
    np.savez_compressed(tmp_path / "d.npz", x_test=np.zeros((1000, 100), np.float32), y_test=np.zeros(1000, int))
    monkeypatch.setattr(_memory, "available", lambda: 1000)
    with pytest.raises(InputError, match="must fit into memory"):
        datasets.load(tmp_path / "d.npz")


def test_pictures_that_claim_to_be_huge_are_refused(tmp_path, monkeypatch) -> None:
    (tmp_path / "a").mkdir()
    Image.new("L", (40, 40)).save(tmp_path / "a" / "0.png")
    monkeypatch.setattr(datasets.folders, "MOST_PIXELS", 1000)
    with pytest.raises(InputError, match="at most 1000 pixels"):
        datasets.load(tmp_path)


def _use_in_child() -> str:
    try:
        _backend.use()
    except InputError as refusal:
        return str(refusal)
    return "used"


def test_a_forked_process_is_told_instead_of_waiting_for_ever(monkeypatch) -> None:
    monkeypatch.setattr(_backend, "_USED_BY", -1)  # as in a child of a process that used it
    assert "spawn" in _use_in_child()
    monkeypatch.setattr(_backend, "_USED_BY", None)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_use_in_child) == "used"


def test_parts_of_the_time_are_kept_apart() -> None:
    images = datasets.load("mnist", limit=20)
    network = snnviz.pretrained.network("dense-mnist-optimized")
    result = snnviz.simulate(network, images.x, images.y, 5, progress=False)
    parts = [result.attrs[name] for name in ("engine_choice_s", "engine_start_s", "wall_time_s", "ann_s")]
    assert all(part >= 0 for part in parts)


def rezipped(path, change):
    """The zip file at `path` with each member's content changed by `change(name, content)`; None leaves it out."""
    with zipfile.ZipFile(path) as old:
        members = {name: change(name, old.read(name)) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in members.items():
            if content is not None:
                new.writestr(name, content)
    return path


def claiming(path, name, size):
    """The zip file at `path`, whose directory claims that member `name` has `size` bytes unpacked."""
    raw = bytearray(path.read_bytes())
    entry = raw.rindex(name.encode()) - 46
    assert raw[entry : entry + 4] == b"PK\x01\x02"
    raw[entry + 24 : entry + 28] = size.to_bytes(4, "little")
    path.write_bytes(raw)
    return path


def array_claiming(shape):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "<f4", "fortran_order": False, "shape": shape})
    return file.getvalue() + bytes(16)


@pytest.fixture
def network_file(tmp_path):
    layers = (
        Conv2D(name="a", input_shape=(4, 4, 1), weights=np.ones((1, 1, 1, 2)), bias=np.zeros(2)),
        Dense(name="b", input_shape=(4, 4, 2), weights=np.ones((32, 3)), bias=np.zeros(3)),
    )
    return SpikingNetwork(input=Input(shape=(4, 4, 1)), layers=layers).save(tmp_path / "n.npz")


def test_a_network_takes_no_more_than_its_file_holds(network_file):
    def change(name, content):
        return array_claiming((TB,)) if name == "weights_0.npy" else content

    with pytest.raises(InputError, match=r"n\.npz.*weights_0: shape \(1000000000000,\) in 16 bytes"):
        snnviz.load_network(rezipped(network_file, change))


def test_what_no_layer_asks_for_is_never_unpacked(network_file, monkeypatch):
    expected = snnviz.load_network(network_file).hash
    with zipfile.ZipFile(network_file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("junk.npy", bytes(2**22))
    monkeypatch.setattr(_memory, "available", lambda: 2**21)
    assert snnviz.load_network(network_file).hash == expected


def test_a_member_that_cannot_have_its_size_is_refused(network_file):
    with pytest.raises(InputError, match=r"weights_1\.npy claims 2000000000 bytes and has"):
        snnviz.load_network(claiming(network_file, "weights_1.npy", 2 * 10**9))


def test_neurons_beyond_memory_are_refused(network_file):
    def change(name, content):
        if name != "header.npy":
            return content
        header = json.loads(np.load(io.BytesIO(content)).tobytes())
        header["input"]["shape"] = header["layers"][0]["input_shape"] = [10**6, 10**6, 1]
        header["layers"] = header["layers"][:1]
        header["layers"][0]["strides"] = [10**6, 10**6]
        header["layers"].append({**header["layers"][0], "kind": "dense", "name": "b", "input_shape": [1, 1, 2]})
        file = io.BytesIO()
        np.save(file, np.frombuffer(json.dumps(header).encode(), np.uint8))
        return file.getvalue()

    def fits(name, content):  # the dense layer behind the one position that is left
        if name != "weights_1.npy":
            return content
        file = io.BytesIO()
        np.save(file, np.ones((2, 3), np.float32))
        return file.getvalue()

    with pytest.raises(InputError, match=r"must fit into memory.*1000000000005 neurons"):
        snnviz.load_network(rezipped(rezipped(network_file, change), fits))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "m.keras"
    save_model(architectures.build("dense-mnist-pooled", seed=0), path)
    return path.read_bytes()


def test_layers_that_the_file_has_no_weights_for_are_refused(model, tmp_path):
    def change(name, content):
        return content.replace(b'"units": 10,', b'"units": 1000000000,') if name == "config.json" else content

    path = tmp_path / "m.keras"
    path.write_bytes(model)
    with pytest.raises(InputError, match=r"m\.keras.*config\.json claims \d{11,} weights.*bytes are there"):
        load_keras(rezipped(path, change))
    path.write_bytes(model)
    assert load_keras(path).count_params() > 0  # nothing of the refusal stays


def test_a_model_is_checked_before_it_is_unpacked(model, tmp_path, monkeypatch):
    path = tmp_path / "m.keras"
    path.write_bytes(model)
    with pytest.raises(InputError, match=r"config\.json claims 2000000000 bytes and has"):
        load_keras(claiming(path, "config.json", 2 * 10**9))
    path.write_bytes(model)
    monkeypatch.setattr(_memory, "available", lambda: float(len(model)))
    with pytest.raises(InputError, match=r"m\.keras.*must fit into memory|must fit into memory.*m\.keras"):
        load_keras(path)


def test_weights_that_claim_to_be_huge_are_refused(model, tmp_path):
    def change(name, content):
        if not name.endswith(".h5"):
            return content
        file = io.BytesIO(content)
        with h5py.File(file, "r+") as weights:
            weights.create_dataset("huge", (TB,), "f4", chunks=(1024,))
        return file.getvalue()

    path = tmp_path / "m.keras"
    path.write_bytes(model)
    with pytest.raises(InputError, match=r"m\.keras.*the sum of its arrays claims 3725\.\d GiB"):
        load_keras(rezipped(path, change))


def test_results_and_graphs_that_claim_to_be_huge_are_refused(tmp_path, network_file):
    result = tmp_path / "r.nc"
    result.write_bytes(results.save(synthetic.dense_mnist(), result).read_bytes()[512:])  # as of before the checksum
    graph = nir.save(snnviz.load_network(network_file), tmp_path / "g.nir")
    for path, load in ((result, results.load), (graph, nir.load)):
        whole = path.read_bytes()
        with h5py.File(path, "r+") as file:
            file.create_dataset("huge", (TB,), "f4", chunks=(1024,))
        with pytest.raises(InputError, match=rf"{path.name}.*the sum of its arrays claims 3725\.\d GiB"):
            load(path)
        path.write_bytes(whole)
        with h5py.File(path, "r+") as file:
            file["elsewhere"] = h5py.ExternalLink("other.h5", "/a")
        with pytest.raises(InputError, match="another file"):
            load(path)
        path.write_bytes(whole)
        load(path)


def test_a_graph_that_takes_more_than_memory_is_refused(network_file, monkeypatch):
    network = snnviz.load_network(network_file)
    monkeypatch.setattr(_memory, "available", lambda: 500)
    with pytest.raises(InputError, match="`network` must have a graph that fits into memory"):
        nir.to_graph(network)
