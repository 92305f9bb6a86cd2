"""The help of idxio: its width, its examples, what is suggested, and completion."""

import itertools
import re
import shlex
import shutil
import subprocess
import sys
import warnings

import pytest

from idxio.cli.main import _COMMANDS, main
from idxio.cli.warnings_once import warnings_once


@pytest.mark.parametrize("columns", [50, 80, 200])
@pytest.mark.parametrize("command", ["", *_COMMANDS])
def test_help_has_one_width(capsys, monkeypatch, command, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main([*command.split(), "--help"]) == 0
    text = capsys.readouterr().out
    paragraph = text.split("\n\n")[1].splitlines()
    # Each line of the description is full: the next one's first word would not fit.
    width = min(columns - 2, 100)
    for line, following in itertools.pairwise(paragraph):
        assert len(line) <= width < len(line) + 1 + len(following.split()[0])


@pytest.mark.parametrize("command", _COMMANDS)
def test_every_command_has_an_example_and_explains_its_arguments(capsys, command):
    main([command, "--help"])
    text = capsys.readouterr().out
    assert "exit codes" not in text
    example = re.search(r"\nexample:\n  (.+)\n$", text)[1]
    words = shlex.split(example)
    assert words[:2] == ["idxio", command]
    assert f"usage: idxio {command}" in text
    arguments = text.split("arguments:\n")[1].split("\n\n")[0] if "arguments:\n" in text else ""
    for line in arguments.splitlines():
        assert re.match(r"  +\S+  +\w|  \S+$|   +\S", line), line


@pytest.mark.parametrize("command", _COMMANDS)
def test_examples_are_command_lines(monkeypatch, command):
    module = "command" if command == "demo" else _COMMANDS[command].module
    seen = []
    package = "idxio.cli.demo" if command == "demo" else "idxio.cli"
    monkeypatch.setattr(f"{package}.{module}.run", lambda arguments: seen.append(arguments) or 0)
    assert main(shlex.split(_COMMANDS[command].example)[1:]) == 0
    assert seen[0].command == command


def test_idxio_alone_lists_the_commands(capsys):
    assert main([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    for command in _COMMANDS:
        assert re.search(rf"^    {command} +\w", err, re.MULTILINE)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["inf"], "did you mean info?"),
        (["exprot", "a", "b"], "did you mean export?"),
        (["zzz"], "they are info, verify, show"),
        (["show", "x", "--nope"], "idxio show: error: unrecognized arguments: --nope"),
    ],
)
def test_wrong_words(capsys, args, said):
    assert main(args) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    if args[0] == "show":
        assert err.startswith("usage: idxio show ")


# --- completion ---


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion(capsys, tmp_path, shell):
    pytest.importorskip("shtab")
    assert main(["--print-completion", shell]) == 0
    script = capsys.readouterr().out
    for word in (*_COMMANDS, "--rows", "--skip-bad"):
        assert word in script
    if shutil.which(shell):
        (tmp_path / "script").write_text(script)
        subprocess.run([shell, "-n", "script"], cwd=tmp_path, check=True)
    if shell == "bash" and shutil.which("bash"):
        code = (
            f"source ./script; COMP_WORDS=(idxio re); COMP_CWORD=1; {completer(script)};"
            ' echo "${COMPREPLY[@]}"'
        )
        done = subprocess.run(
            ["bash", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
        )
        assert done.stdout.split() == ["report", "repack"]


def completer(script):
    """The function that bash calls for idxio."""
    return re.search(r"^complete .*-F (\w+) idxio$", script, re.MULTILINE)[1]


def test_completion_says_what_is_missing(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["--print-completion", "bash"]) == 2
    assert re.fullmatch(
        r"idxio: completion needs shtab: pip install 'idxio\[completion\]' .*\n",
        capsys.readouterr().err,
    )


# --- warnings ---


def test_equal_warnings_are_one_line(capsys):
    with warnings_once():
        for name in ("a", "b", "a", "a"):
            warnings.warn(f"column {name} is left out", stacklevel=1)
    assert capsys.readouterr().err == (
        "idxio: column a is left out (3 times)\nidxio: column b is left out\n"
    )


def test_warnings_of_one_kind_are_one_line(capsys):
    with warnings_once():
        for i in range(7):
            warnings.warn(f"part-{i}.parquet: left out: column {i}", stacklevel=1)
        warnings.warn("part-7.parquet: cut", stacklevel=1)
    assert capsys.readouterr().err == (
        "idxio: 7 alike, as part-0.parquet: left out: column 0; part-1.parquet, part-2.parquet,"
        " part-3.parquet, part-4.parquet, …\nidxio: part-7.parquet: cut\n"
    )


def test_warnings_are_printed_where_the_command_fails(capsys):
    def fail():
        with warnings_once():
            warnings.warn("left out", stacklevel=1)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert capsys.readouterr().err == "idxio: left out\n"
