"""The documentation runs: every Python block of every page, every command line, every link within the project."""

import re
import shlex
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from snnviz import cli

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [
        ROOT / "README.md",
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "docs" / "decisions").glob("*.md"),
        *(ROOT / "docs" / "api").glob("*.md"),
    ]
)


def blocks(path, language):
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def name(path):
    return path.name


@pytest.mark.parametrize("path", [path for path in PAGES if blocks(path, "python")], ids=name)
def test_python_blocks_run(path, tmp_path, monkeypatch, request):
    monkeypatch.chdir(tmp_path)
    if "hardware import neuron" in path.read_text(encoding="utf-8"):
        request.getfixturevalue("pynn_neuron")
    examples = list(Sybil(parsers=[PythonCodeBlockParser()], pattern="*.md").parse(path).examples())
    assert examples
    for example in examples:
        example.evaluate()
    if path.name == "own-model.md":  # its Python has left the files that its commands take
        for words in commands(path):
            carry_out(words)


def commands(path):
    """The command lines of a page, as words."""
    for block in blocks(path, "console"):
        for line in re.findall(r"^\$ snnviz (.*?)(?:\s+#.*)?$", block.replace("\\\n", " "), re.MULTILINE):
            yield shlex.split(line)


LIGHTER = {"adapt": ["--epochs", "1", "1"], "figures": ["--format", "pdf"]}
"""What makes commands of a page quicker; the tests of figures make each in every format."""


def carry_out(words):
    if words[0] == "dashboard":  # serves until it is stopped
        return
    words += LIGHTER.get(words[0], [])
    if "--minutes" in words:
        at = words.index("--minutes")
        words[at : at + 2] = ["--method", "subplex", "--evaluations", "20"]  # as many on any machine
    assert cli.main(words) == 0, words


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_commands_exist(path):
    parser = cli.parser()
    for words in commands(path):
        parser.parse_args(words)


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_links_within_the_project_lead_somewhere(path):
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", path.read_text(encoding="utf-8"))
    missing = [target for target in targets if not (path.parent / target).exists()]
    assert not missing


def test_make_targets_of_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = re.findall(r"(?:`|\$ )make ([a-z-]+)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert {"demo", "test"} <= set(named)
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in named)
