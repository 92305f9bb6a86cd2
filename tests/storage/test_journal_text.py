"""What a journal says, and what is no journal."""

import io

import pytest

from idxio.storage.journal_text import read_journal, write_folders, write_moves
from idxio.storage.move import Move

FOLDERS = ["/data/a", "/data/b", "/else where/c"]
MOVES = [
    Move("/data/a/.x.tmp", "/data/a/x", (3, 5), (7, 1 << 62), "x"),
    Move("/else where/c/.ü.tmp", "/else where/c/ü\n", None, (0, 0), "../c/ü"),
]


def text():
    file = io.BytesIO()
    write_folders(file, FOLDERS)
    write_moves(file, FOLDERS, MOVES)
    return file.getvalue()


def test_a_journal_is_read_as_it_was_written():
    folders, moves = read_journal(FOLDERS[0], io.BytesIO(text()))
    assert folders == FOLDERS
    # only who wrote it knows how the caller named a target
    assert moves == [move._replace(name=move.path) for move in MOVES]


def test_it_moves_with_its_folders():
    folders, moves = read_journal("/other/a", io.BytesIO(text()))
    assert folders[:2] == ["/other/a", "/other/b"]
    assert moves[0].path == "/other/a/x"


@pytest.mark.parametrize("cut", range(0, len(text()), 7))
def test_what_is_not_complete_moves_nothing(cut):
    folders, moves = read_journal(FOLDERS[0], io.BytesIO(text()[:cut]))
    assert folders[0] == FOLDERS[0]
    assert moves is None


@pytest.mark.parametrize("name", ["../x", "", ".", "..", "x/y", "\0", 5, None])
def test_names_that_leave_the_folder_move_nothing(name):
    import json

    line = json.dumps([[0, ".x.tmp", name, None, [1, 2]]])
    assert read_journal("/data", io.BytesIO(f'["."]\n{line}\n'.encode()))[1] is None
