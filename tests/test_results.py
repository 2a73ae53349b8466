"""The result schema and its file."""

import numpy as np
import pytest
import xarray as xr

from snnviz import Dense, Input, InputError, Record, SpikingNetwork, results, simulate


@pytest.fixture(scope="module")
def result():
    rng = np.random.default_rng(0)
    network = SpikingNetwork(
        input=Input(shape=(4,)),
        layers=(
            Dense(name="hidden", input_shape=(4,), weights=rng.normal(size=(4, 5)), bias=np.zeros(5)),
            Dense(name="out", input_shape=(5,), weights=rng.normal(size=(5, 3)), bias=np.zeros(3)),
        ),
    )
    kept = Record(logits=True, events=True, spikes=("hidden",), potentials=("out",), items=2)
    return simulate(network, rng.random((6, 4)), np.arange(6) % 3, 7, engine="event", record=kept)


def test_save_and_load_give_the_same_result(result, tmp_path):
    path = results.save(result, tmp_path / "r.nc")
    xr.testing.assert_identical(results.load(path), result)
    assert [file.name for file in tmp_path.iterdir()] == ["r.nc"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.drop_vars("accuracy"), "'accuracy'"),
        (lambda r: r.assign(accuracy=r.accuracy + 2), "fractions"),
        (lambda r: r.assign(accuracy=r.accuracy * np.nan), "fractions"),
        (lambda r: r.assign(synaptic_events=-1 - r.synaptic_events), "not negative"),
        (lambda r: r.assign(synaptic_events=r.synaptic_events.T), "dimensions"),
        (lambda r: r.assign_coords(time=r.time - 1), "count steps"),
        (lambda r: r.drop_attrs(), "attribute"),
        (lambda r: 3, "xarray.Dataset"),
    ],
)
def test_validate_names_what_is_wrong(result, change, message):
    with pytest.raises(InputError, match=message):
        results.validate(change(result))


def test_save_refuses_other_suffixes(result, tmp_path):
    with pytest.raises(InputError, match=r"\.nc"):
        results.save(result, tmp_path / "r.txt")


@pytest.fixture(scope="module")
def stored(result, tmp_path_factory):
    return results.save(result, tmp_path_factory.mktemp("result") / "r.nc").read_bytes()


@pytest.mark.parametrize("cut", np.linspace(0, 0.999, 40))
def test_truncated_files_are_refused(tmp_path, stored, cut):
    path = tmp_path / "r.nc"
    path.write_bytes(stored[: int(cut * len(stored))])
    with pytest.raises(InputError, match=r"result file|netCDF"):
        results.load(path)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="not a file"):
        results.load(tmp_path / "none.nc")
    other = tmp_path / "other.nc"
    xr.Dataset({"a": ("x", [1.0])}).to_netcdf(other, engine="h5netcdf")
    with pytest.raises(InputError, match="must hold a simulation result"):
        results.load(other)


def test_random_damage_never_loads_as_something_else(result, stored, tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "r.nc"
    for number in range(1000):
        damaged = bytearray(stored)
        if number % 10 == 0:
            del damaged[rng.integers(len(damaged)) :]
        else:
            at = rng.integers(len(damaged), size=1 + number % 3)
            damaged[at[0]] ^= 1 << rng.integers(8)
            for place in at[1:]:
                damaged[place] ^= rng.integers(1, 256)
        if damaged == stored:
            continue
        path.write_bytes(damaged)
        with pytest.raises(InputError):
            results.load(path)


def test_other_readers_open_the_file_and_files_without_a_seal_load(result, tmp_path):
    path = results.save(result, tmp_path / "r.nc")
    with xr.open_dataset(path, engine="h5netcdf") as opened:
        np.testing.assert_array_equal(opened.accuracy, result.accuracy)
    result.to_netcdf(tmp_path / "plain.nc", engine="h5netcdf")
    np.testing.assert_array_equal(results.load(tmp_path / "plain.nc").accuracy, result.accuracy)
