"""Files are whole or absent."""

import pytest

from snnviz._files import replacing


def test_a_failure_leaves_the_old_file_and_no_litter(tmp_path):
    target = tmp_path / "deep" / "a.txt"
    with replacing(target) as temporary:
        temporary.write_text("old")

    def fail():
        with replacing(target) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert target.read_text() == "old"
    assert [path.name for path in target.parent.iterdir()] == ["a.txt"]


def test_the_suffix_stays_and_the_file_is_an_ordinary_one(tmp_path):
    with replacing(tmp_path / "a.npz") as temporary:
        assert temporary.suffix == ".npz"
        temporary.write_bytes(b"")
    plain = tmp_path / "plain"
    plain.touch()
    assert (tmp_path / "a.npz").stat().st_mode == plain.stat().st_mode
