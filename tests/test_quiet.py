"""TensorFlow starts without a word, except to those who ask for its notes."""

import os
import subprocess
import sys

import pytest

LEVEL = "TF_CPP_MIN_LOG_LEVEL"


def started(code, **environment):
    kept = {name: value for name, value in os.environ.items() if name != LEVEL}
    return subprocess.run(
        [sys.executable, "-c", code], env=kept | environment, capture_output=True, text=True, check=True, timeout=300
    )


@pytest.mark.filterwarnings("ignore")
def test_keras_starts_without_notes_and_other_words_are_kept(tmp_path):
    (tmp_path / "tensorflow.py").write_text(
        "import os\nos.write(2, b'x oneDNN custom operations are on.\\nsomething else\\n')\nanswer = 42\n"
    )
    code = "import snnviz, tensorflow; print(tensorflow.answer)"
    done = started(code, PYTHONPATH=os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    assert (done.stdout, done.stderr) == ("42\n", "something else\n")
    loud = started(code, PYTHONPATH=os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]), **{LEVEL: "0"})
    assert "oneDNN" in loud.stderr


@pytest.mark.slow
def test_tensorflow_itself_is_silent():
    assert started("import snnviz, tensorflow").stderr == ""
