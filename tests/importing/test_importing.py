"""ONNX files: read whole and safely, as Keras models that are proved to answer as their origin."""

import json
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import TensorProto

import snnviz
from snnviz import InputError, cli, conversion
from snnviz.importing import files, imported, origin
from snnviz.importing.imported import build, read_onnx
from snnviz.importing.proof import Proof, agreement

from . import graphs


def error_of(function, *args):
    with pytest.raises(InputError) as caught:
        function(*args)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# graphs as others write them


def test_layers_are_named_after_nodes_and_channels_come_last():
    read = build(graphs.classifier(), "a/net.onnx")
    assert read.model.input_shape == (None, 8, 8, 3)
    assert [layer.name.split("_")[0] for layer in read.model.layers] == ["image", "n0", "n1", "n2", "flatten", "n4"]
    assert read.model.name == "net"
    assert read.proof().agreement == 1


def test_transposes_around_nhwc_leave_no_trace():
    given = [("Transpose", ["x"], "x0", {"perm": [0, 3, 1, 2]})]
    read = build(graphs.classifier(given, shape=(None, 8, 8, 3)), "m")
    assert read.model.input_shape == (None, 8, 8, 3)
    assert not [layer for layer in read.model.layers if type(layer).__name__ in ("Permute", "Reshape")]
    assert read.proof().parted is None


@pytest.mark.parametrize("shape", [(None, 3, 6, 6), (None, 6, 6, 3), (2, 3, 6, 6)])
def test_a_flattened_image_keeps_the_order_of_its_numbers(shape):
    weights = np.random.default_rng(1).normal(size=(108, 5)).astype(np.float32)
    nodes = [("Reshape", ["x", "s"], "f", {}), ("MatMul", ["f", "w"], "y", {})]
    made = graphs.graph(nodes, shape, constants={"w": weights, "s": np.array([shape[0] or -1, 108])})
    read = build(made, "m")
    assert read.model.input_shape == (None, 6, 6, 3)
    assert read.proof().deviation < 1e-5


def test_a_mean_and_deviation_in_the_graph_become_one_normalization():
    mean, deviation = (np.array(each, np.float32).reshape(1, 3, 1, 1) for each in ([0.5, 0.4, 0.3], [0.2, 0.3, 0.4]))
    given = [("Sub", ["x", "mean"], "centred", {}), ("Div", ["centred", "std"], "x0", {})]
    read = build(graphs.classifier(given, constants={"mean": mean, "std": deviation}), "m")
    layer = read.model.layers[1]
    assert type(layer).__name__ == "Normalization"
    np.testing.assert_allclose(np.ravel(layer.mean), mean.ravel(), rtol=1e-6)
    assert conversion.input_range(read.model) == 1
    assert read.proof().parted is None


def test_a_mean_and_deviation_that_are_given_are_those_of_the_origin_too():
    read = build(graphs.classifier(), "m", [0.5], [0.25])
    x = np.random.default_rng(3).random((4, 8, 8, 3)).astype(np.float32)
    plain = build(graphs.classifier(), "m")
    np.testing.assert_allclose(read.model(x), plain.model((x - 0.5) / 0.25), rtol=1e-4, atol=1e-5)
    assert read.proof(x).parted is None
    assert "3, one per channel. Received: [0.5, 0.5]" in error_of(build, graphs.classifier(), "m", [0.5, 0.5])
    assert "`std`" in error_of(build, graphs.classifier(), "m", None, [0.0])


def test_8_bit_images_are_given_to_the_origin_as_such():
    given = [("Cast", ["x"], "real", {"to": TensorProto.FLOAT}), ("Mul", ["real", "k"], "x0", {})]
    read = build(graphs.classifier(given, constants={"k": np.float32(1 / 255)}, kind=TensorProto.UINT8), "m")
    assert conversion.input_range(read.model) == 255
    assert read.proof().parted is None


@pytest.mark.parametrize("opset", [7, 9, 11, 13, 18, 22])
def test_parameters_are_read_where_each_opset_writes_them(opset):
    constants = {}

    def given(name, value, since):
        if opset < since:
            return [], {name: value}
        constants[name] = np.array(value, np.float32 if isinstance(value, float) else np.int64)
        return [name], {}

    lows, options = given("min", 0.0, 11)
    highs, more = given("max", 0.5, 11)
    axes, where = given("axes", [2, 3], 18)
    nodes = [
        (
            "Pad",
            ["x", "pads"] if opset >= 11 else ["x"],
            "a",
            {} if opset >= 11 else {"pads": [0, 0, 1, 1, 0, 0, 0, 2]},
        ),
        ("Clip", ["a", *lows, *highs], "b", options | more),
        ("ReduceMean", ["b", *axes], "c", {**where, "keepdims": 0}),
        ("Gemm", ["c", "w", "d"], "e", {"transB": 1, "alpha": 0.5, "beta": 2.0}),
        ("Softmax", ["e"], "y", {}),
    ]
    constants["pads"] = np.array([0, 0, 1, 1, 0, 0, 0, 2])
    rng = np.random.default_rng(0)
    constants |= {"w": rng.normal(size=(5, 3)).astype(np.float32), "d": rng.normal(size=5).astype(np.float32)}
    proof = build(graphs.graph(nodes, constants=constants, opset=opset), "m").proof()
    assert proof.parted is None, proof.sentence
    assert proof.deviation < 1e-6


def test_the_shape_of_the_input_is_followed_to_a_reshape():
    nodes = [
        ("Shape", ["x"], "shape", {}), ("Gather", ["shape", "zero"], "items", {}),
        ("Unsqueeze", ["items", "zeros"], "first", {}), ("Concat", ["first", "rest"], "wanted", {"axis": 0}),
        ("Reshape", ["x", "wanted"], "flat", {}), ("MatMul", ["flat", "w"], "y", {}),
    ]  # fmt: skip
    constants = {
        "zero": np.int64(0),
        "zeros": np.array([0]),
        "rest": np.array([-1]),
        "w": np.eye(192, 4, dtype=np.float32),
    }
    assert build(graphs.graph(nodes, constants=constants), "m").proof().parted is None


def test_a_graph_for_a_fixed_number_of_items_is_proved_on_any():
    read = build(graphs.classifier(shape=(3, 3, 8, 8)), "m")
    assert read.proof(np.random.default_rng(0).random((7, 8, 8, 3))).items == 7


# what cannot be expressed


@pytest.mark.parametrize(
    ("node", "said"),
    [
        (("LRN", ["x"], "x0", {"size": 3}), "node 'n0' (LRN): this operator has no layer that does the same; replace local"),
        (("Conv", ["x", "x"], "x0", {}), "its input 1 depends on the image; use one that is constant"),
        (("MatMul", ["x", "x"], "x0", {}), "it multiplies activations by one another"),
        (("Div", ["k", "x"], "x0", {}), "it divides by activations"),
        (("Clip", ["x", "low"], "x0", {}), "it limits values to -2 to inf; use ReLU"),
        (("Cast", ["x"], "x0", {"to": TensorProto.INT64}), "it makes whole numbers of activations"),
        (("Transpose", ["x"], "x0", {"perm": [1, 0, 2, 3]}), "reorders axes as [1, 0, 2, 3], that of the items among them"),
        (("Reshape", ["x", "all"], "x0", {}), "mixes items; keep items apart"),
        (("ReduceMean", ["x", "channels"], "x0", {}), "it takes the mean over channels"),
        (("Pad", ["x", "around"], "x0", {}), "it pads channels; use a convolution"),
        (("Add", ["x", "everywhere"], "x0", {}), "it treats positions differently"),
        (("AveragePool", ["x"], "x0", {"kernel_shape": [3, 3], "pads": [1, 2, 1, 2], "strides": [2, 2]}), "windows at the border"),
        (("Custom", ["x"], "x0", {"domain": "com.example"}), "com.example.Custom"),
        (("Dropout", ["x", "half", "true"], "x0", {}), "it drops numbers at inference too; export the network in evaluation"),
        (("BatchNormalization", ["x", *"kkkk"], ["x0", "m", "v"], {"training_mode": 1}), "its items; export the network in"),
        (("FusedConv", ["x", "k"], "x0", {"domain": "com.microsoft"}), "same; bring the network as it was before ONNX Runtime"),
        (("ZipMap", ["x"], "x0", {"domain": "ai.onnx.ml"}), "same; export the part of the network between"),
        (("Attention", ["x", "x", "x"], "x0", {}), "same; use convolutions in its place"),
        (("Unknown", ["nowhere"], "x0", {}), "(Unknown)"),
        (("Relu", ["nowhere"], "x0", {}), "takes 'nowhere' before it is made"),
    ],
)  # fmt: skip
def test_what_no_layer_expresses_is_refused_with_node_operator_and_remedy(node, said):
    constants = {
        "k": np.ones(1, np.float32), "half": np.float32(0.5), "true": np.array(True), "low": np.float32(-2),
        "all": np.array([-1]), "channels": np.array([1]),
        "around": np.array([0, 1, 0, 0, 0, 1, 0, 0]),
        "everywhere": np.arange(192, dtype=np.float32).reshape(3, 8, 8),
    }  # fmt: skip
    domain = node[3].pop("domain", "")
    made = graphs.classifier([node], constants=constants)
    made.graph.node[0].domain = domain
    assert said in error_of(build, made, "m")


def test_a_network_in_double_precision_is_judged_by_who_can_run_it():
    made = graphs.classifier(kind=TensorProto.DOUBLE)
    for tensor in made.graph.initializer:
        tensor.CopyFrom(
            onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor).astype(np.float64), tensor.name)
        )
    proof = build(made, "m").proof()  # ONNX Runtime has no convolution in double precision
    assert proof.judge.startswith("the reference evaluator of onnx")
    assert proof.agreement == 1


@pytest.mark.parametrize("opset", [13, 19])
def test_weights_that_are_stored_quantised_are_read(opset):
    made = graphs.classifier(opset=opset)
    (weights,) = (each for each in made.graph.initializer if each.name == "d")
    scale = np.float32(np.abs(onnx.numpy_helper.to_array(weights)).max() / 127)
    rounded = np.rint(onnx.numpy_helper.to_array(weights) / scale).astype(np.int8)
    made.graph.initializer.remove(weights)
    held = {"q": rounded, "s": scale, "z": np.int8(0)}
    made.graph.initializer.extend(onnx.numpy_helper.from_array(value, name) for name, value in held.items())
    made.graph.node.insert(0, onnx.helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"]))
    read = build(made, "m")
    assert read.proof().agreement == 1
    np.testing.assert_allclose(read.model.layers[-1].kernel, rounded * scale, rtol=1e-6)


def test_several_inputs_or_outputs_functions_and_free_sizes_are_refused():
    two = graphs.classifier(outputs=("y", "r"))
    assert "one output. Received: 'm' with 2 ('y', 'r'); `onnx.utils.extract_model" in error_of(build, two, "m")
    free = graphs.classifier(shape=(None, 3, "height", 8))
    assert "whose input 'x' is ['?', 3, 'height', 8]; export it for the size" in error_of(build, free, "m")
    with_function = graphs.classifier()
    with_function.functions.add().name = "f"
    assert "inline_local_functions" in error_of(build, with_function, "m")


# files


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x08\x07", b"PK\x03\x04" + bytes(50)])
def test_a_file_that_holds_no_model_is_refused(content, tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    assert "must be a whole .onnx file" in error_of(read_onnx, path)


def external(folder, location="w.bin", **changes):
    made = graphs.classifier()
    (tensor,) = (each for each in made.graph.initializer if each.name == "w")
    (folder / "w.bin").write_bytes(bytes(64) + tensor.raw_data)
    told = {"location": location, "offset": "64", "length": str(len(tensor.raw_data))} | changes
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in told.items():
        tensor.external_data.add(key=key, value=value)
    return graphs.saved(made, folder)


def test_weights_in_a_file_beside_the_model_are_read(tmp_path):
    read = read_onnx(external(tmp_path))
    expected = build(graphs.classifier(), "m")
    x = np.random.default_rng(0).random((2, 8, 8, 3))
    np.testing.assert_array_equal(read.model(x), expected.model(x))
    assert read.proof().parted is None  # the origin has them too


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"location": "../w.bin"}, "in its own folder"),
        ({"location": "/etc/passwd"}, "in its own folder"),
        ({"location": ""}, "in its own folder"),
        ({"location": "link.bin"}, "in its own folder"),
        ({"location": "m.onnx"}, "in its own folder"),
        ({"location": "other.bin"}, "'other.bin' is not beside it; copy both"),
        ({"offset": "65"}, "is not within the"),
        ({"offset": "-1"}, "is not within the"),
        ({"offset": "x"}, "is not within the"),
        ({"length": "8"}, "is not within the"),
    ],
)
def test_weights_elsewhere_or_not_there_are_refused(changes, said, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "w.bin").write_bytes(bytes(1000))
    (folder / "link.bin").symlink_to(tmp_path / "w.bin")
    assert said in error_of(read_onnx, external(folder, **changes))


@pytest.mark.parametrize(
    "nodes",
    [
        [("ConstantOfShape", ["big"], "b", {})],
        [("Expand", ["one", "big"], "b", {})],
        [("Tile", ["row", "times"], "b", {})],
        [("Range", ["zero", "far", "step"], "b", {})],
        [("MatMul", ["column", "row"], "b", {})],
        [("Add", ["column", "row"], "b", {})],
    ],
    ids=lambda nodes: nodes[0][0],
)
def test_constants_that_would_fill_memory_are_refused_before_they_are_made(nodes, monkeypatch):
    monkeypatch.setattr("snnviz._memory.available", lambda: 2.0**20)
    constants = {
        "big": np.array([2**20, 2**20]), "one": np.ones(1, np.float32), "zero": np.int64(0), "far": np.int64(2**40),
        "step": np.int64(1), "row": np.ones((1, 2**10), np.float32), "column": np.ones((2**10, 1), np.float32),
        "times": np.array([1, 2**30]),
    }  # fmt: skip
    made = graphs.classifier([*nodes, ("Add", ["x", "b"], "x0", {})], constants=constants)
    assert "fit into memory" in error_of(build, made, "m")


def test_a_file_larger_than_memory_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = graphs.saved(graphs.classifier(), tmp_path)
    monkeypatch.setattr("snnviz._memory.available", lambda: 100.0)
    assert "fit into memory" in error_of(files.read, path)


# the proof


def test_a_model_that_answers_otherwise_is_not_loaded_and_the_layer_is_named(tmp_path, monkeypatch):
    path = graphs.saved(graphs.classifier(), tmp_path)
    wrong = dict(imported.READERS)
    wrong["Relu"] = imported.READERS["Tanh"]
    monkeypatch.setattr(imported, "READERS", wrong)
    said = error_of(conversion.load_keras, path)
    assert "answers as its original on 99.9 % of items or more" in said
    assert "they part at layer 'n1' (Relu)" in said


def test_the_reference_evaluator_judges_where_onnx_runtime_is_not_installed(monkeypatch):
    before = build(graphs.classifier(), "m").proof()
    monkeypatch.setattr(origin.importlib.util, "find_spec", lambda name: None)
    proof = build(graphs.classifier(), "m").proof()
    assert proof.judge == f"the reference evaluator of onnx {onnx.__version__}"
    assert proof.parted is None
    assert before.judge.startswith("ONNX Runtime")


def test_a_proof_counts_ties_as_the_same_answer_and_survives_json():
    scores = np.array([[1.0, 1.0, 0.0], [0.0, 2.0, 1.0]])
    assert agreement(scores, np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])) == 0.5
    proof = build(graphs.classifier(), "m").proof()
    assert Proof.of(json.loads(json.dumps(proof.as_json()))) == proof
    with pytest.raises(InputError, match="when folded"):
        replace(proof, folded=0.998).check("m")


# what takes it


@pytest.fixture
def residual(tmp_path):
    rng = np.random.default_rng(0)
    constants = {name: rng.normal(size=(3, 3, 3, 3)).astype(np.float32) for name in ("a", "b")}
    pads = {"pads": [1, 1, 1, 1]}
    nodes = [
        ("Conv", ["x", "a"], "c1", pads), ("Relu", ["c1"], "r1", {}), ("Conv", ["r1", "b"], "c2", pads),
        ("Add", ["r1", "c2"], "s", {}), ("Relu", ["s"], "x0", {}),
    ]  # fmt: skip
    return graphs.saved(graphs.classifier(nodes, constants=constants), tmp_path, "residual.onnx")


def test_convert_takes_a_path_and_leaves_the_proof_in_the_network(residual):
    x = np.random.default_rng(1).random((40, 3, 8, 8)).astype(np.float32)
    network = snnviz.convert(str(residual), x)
    proof = Proof.of(network.metadata["import"])
    assert (proof.items, proof.given, proof.agreement, proof.folded) == (40, True, 1.0, 1.0)
    last = snnviz.convert(residual, x.transpose(0, 2, 3, 1))
    assert last.hash == network.hash  # channels first or last


def test_items_that_are_normalised_already_are_refused_with_what_to_give(residual):
    said = error_of(snnviz.convert, residual, np.full((4, 8, 8, 3), -0.5, np.float32))
    assert "give items before their normalisation, and its `mean` and `std`" in said
    assert "`mean` and `std` must be None" in error_of(
        lambda: snnviz.convert("dense-mnist", np.zeros((1, 28, 28)), mean=[0.5])
    )


def test_fold_check_and_load_take_a_path(residual, tmp_path):
    assert snnviz.check_convertible(residual) == []
    assert conversion.fold(residual).classes == 5
    refused = graphs.saved(graphs.classifier([("LRN", ["x"], "x0", {"size": 3})]), tmp_path, "lrn.onnx")
    (problem,) = snnviz.check_convertible(refused)
    assert (problem.layer, problem.kind) == ("n0", "LRN")


def run(capsys, *words):
    try:
        code = cli.main([str(word) for word in words])
    except SystemExit as left:  # a mistake that argparse sees
        code = left.code
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_commands_take_an_onnx_file(residual, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    data = {f"{axis}_{split}": values for split in ("train", "test") for axis, values in
            (("x", rng.random((20, 8, 8, 3)).astype(np.float32)), ("y", np.arange(20) % 5))}  # fmt: skip
    np.savez(tmp_path / "data.npz", **data)
    code, out, _ = run(capsys, "convert", residual, "--data", "data.npz", "--json")
    assert (code, json.loads(out)["import"]["agreement"]) == (0, 1.0)
    assert any("does not show how images were prepared" in text for text in json.loads(out)["warnings"])
    code, out, _ = run(capsys, "convert", residual, "--data", "data.npz", "--mean", "0.5", "--std", "0.2", "--json")
    assert not any("prepared" in text for text in json.loads(out)["warnings"])
    code, out, _ = run(capsys, "convert", residual, "--data", "data.npz", "--report", "--report-items", 5, "--steps", 5)
    assert "same answers as the original on 100.00 % of 20 of your items" in out
    assert "largest deviation from the original, layer by layer" in out
    code, out, _ = run(capsys, "check", residual)
    assert (code, "can be converted" in out) == (0, True)
    code, out, _ = run(capsys, "import", residual, "--mean", "0.5,0.4,0.3", "--std", "0.2")
    assert (code, "residual.keras: " in out) == (0, True)
    assert conversion.load_keras("residual.keras").layers[1].name == "preprocessing"
    short = ["--data", "data.npz", "--epochs", 1, "--no-track"]
    code, _, err = run(capsys, "adapt", residual, *short, "--out", "adapted.keras")
    assert (code, "if a mean was subtracted" in err) == (0, True)
    code, _, err = run(capsys, "adapt", residual, *short, "--mean", "0.5", "--std", "0.2", "--out", "adapted.keras")
    assert (code, "if a mean was subtracted" in err) == (0, False)
    assert conversion.load_keras("adapted.keras").layers[1].name == "preprocessing"
    code, _, err = run(capsys, "finetune", residual, *short, "--out", "fine.keras")
    assert (code, "`snnviz import` takes --mean and --std" in err) == (0, True)
    for words in (["import", "x.keras"], ["import", residual, "--out", "x.npz"], ["import", residual, "--mean", "a"],
                  ["check", "nothing.onnx"], ["convert", "model.pth"], ["convert", "dense-mnist", "--std", "1"]):  # fmt: skip
        code, out, err = run(capsys, *words)
        assert (code, out, err.count("\n")) == (2, "", 1), words


def test_a_pytorch_file_is_not_opened_and_the_way_out_is_said(tmp_path):
    path = tmp_path / "net.pth"
    path.write_bytes(b"x")
    assert 'torch.onnx.export(module, (example,), "net.onnx")' in error_of(conversion.load_keras, path)


def test_pages_keep_an_uploaded_onnx_file_that_is_whole(tmp_path):
    from snnviz.dashboard import uploads
    from snnviz.dashboard.sparsity_page import Sparsity

    kind, path = uploads.keep(tmp_path, "net.onnx", graphs.classifier().SerializeToString())
    assert (kind, path.suffix) == (uploads.MODEL, ".onnx")
    assert list(uploads.known(tmp_path, ".onnx").values()) == [uploads.called(path)]
    assert uploads.located(tmp_path, uploads.called(path)) == str(path)
    assert ".onnx" in Sparsity.suffixes
    with pytest.raises(InputError, match="Received: 'an upload', which cannot be read"):
        uploads.keep(tmp_path, "net.onnx", b"nonsense")
    folder = tmp_path / "with-data"
    folder.mkdir()
    with pytest.raises(InputError, match=r"'w.bin' is not beside it"):
        uploads.keep(tmp_path, "net.onnx", external(folder).read_bytes())
