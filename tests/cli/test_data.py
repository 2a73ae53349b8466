"""`snnviz data`."""

import json

import pytest

from snnviz import InputError
from snnviz.cli import parser
from snnviz.datasets.catalog import CATALOG
from snnviz.datasets.origins import UnavailableError


class Source:
    label = "a source"
    network = True

    def __init__(self, gives):
        self.gives = gives

    def get(self, workspace, progress):
        if isinstance(self.gives, Exception):
            raise self.gives
        return self.gives


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SNNVIZ_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    return tmp_path / "data"


def run(*arguments):
    args = parser(["data"]).parse_args(["data", *arguments])
    answer = args.run(args)
    json.dumps(answer, allow_nan=False)
    return answer, args.show(answer)


@pytest.mark.parametrize("arguments", [[], ["list"]])
def test_list_shows_every_data_set_and_where_it_is(folder, arguments):
    answer, text = run(*arguments)
    states = {record["name"]: record["state"] for record in answer["datasets"]}
    others = ("saccade_mnist", "fashion_mnist", "cifar10", "cifar100")
    assert states == {"mnist": "embedded", **dict.fromkeys(others, "not here")}
    lines = text.splitlines()
    assert lines[0].split()[:3] == ["name", "state", "size"]
    assert "11.3 MB" in lines[1]
    assert "CC BY-SA 3.0, Y. LeCun and C. Cortes" in lines[1]
    assert "170.5 MB to fetch" in lines[4]
    assert lines[-1] == f"data folder: {folder}"


def test_fetch_brings_it_here(monkeypatch):
    import dataclasses

    arrays = CATALOG["mnist"].embedded.read("test")
    entry = dataclasses.replace(
        CATALOG["fashion_mnist"],
        items={"test": 10_000},
        digests={},
        sources=(Source({"test": arrays}),),
    )
    monkeypatch.setitem(CATALOG, "fashion_mnist", entry)
    answer, text = run("fetch", "fashion-mnist", "mnist")
    assert [record["state"] for record in answer["fetched"]] == ["cached", "embedded"]
    assert text.startswith("fashion_mnist is cached (7.9 MB; a source; ")
    assert {record["name"]: record["state"] for record in run()[0]["datasets"]}["fashion_mnist"] == "cached"


def test_offline_is_one_sentence(monkeypatch):
    import dataclasses

    entry = dataclasses.replace(CATALOG["cifar100"], sources=(Source(UnavailableError("offline")),))
    monkeypatch.setitem(CATALOG, "cifar100", entry)
    with pytest.raises(
        InputError, match=r"run `snnviz data fetch cifar100` when online, or put cifar-100-python\.tar\.gz into"
    ):
        run("fetch", "cifar100")


@pytest.mark.parametrize("arguments", [["fetch"], ["fetch", "imagenet"], ["list", "mnist"], ["list", "--force"]])
def test_mistakes(arguments):
    with pytest.raises(InputError):
        run(*arguments)
