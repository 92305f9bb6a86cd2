"""The names of splits: what each is called in IDX files, and which other words mean the same."""

from __future__ import annotations

import re

# By what MNIST's files call each split: the word that most others use first, then the rest.
_WORDS = {
    "train": ("train", "training"),
    "t10k": ("test", "t10k", "testing"),
    "val": ("val", "validation", "valid", "dev"),
}
_SPLIT_OF = {word: split for split, words in _WORDS.items() for word in words}
# Words that are looked for inside others: "val" and "dev" stand in too many.
_INSIDE = ("train", "test", "t10k", "valid")
_OWN = re.compile(r"[a-z0-9_-]+")
_KNOWN_LAST = re.compile(rf"(.*[-_.])?({'|'.join(_SPLIT_OF)})")

KNOWN = tuple(_WORDS)
"""The splits that have a name everywhere, as IDX files have it."""


def known_split(word: str) -> str | None:
    """ "train", "t10k" or "val" for a word that means it, in any case; None for any other."""
    return _SPLIT_OF.get(word.lower())


def split_named(word: str) -> str | None:
    """The split that a word names: a known one, or one of its own name; None if that can't be one
    in a file name.

    What ends in a known word behind a mark, as my_val, is none: that would be the split val of a
    dataset my.
    """
    word = word.lower()
    if split := known_split(word):
        return split
    return word if _OWN.fullmatch(word) and part_of(word)[1] is None else None


def common_name(split: str) -> str:
    """What other formats call a split: "test" for "t10k", the others as they are."""
    return _WORDS[split][0] if split in _WORDS else split


def part_of(stem: str) -> tuple[str, str | None]:
    """What stands before the known word at the end of a name, with the mark between them, and the
    split it means.

    ("", None) for a name that ends in no such word.
    """
    match = _KNOWN_LAST.fullmatch(stem.lower())
    return (match[1] or "", _SPLIT_OF[match[2]]) if match else ("", None)


def synonyms(stem: str) -> list[str]:
    """The name itself, and the same with other words for its split, whatever dataset's name stands
    before that.
    """
    before, split = part_of(stem)
    others = [before + word for word in _WORDS[split]] if split else []
    return list(dict.fromkeys([stem.lower(), *others]))


def words_in(name: str) -> list[tuple[str, str]]:
    """The known words that stand by themselves in the name of a file, each with its split."""
    words = re.findall(r"[A-Z0-9]+(?![a-z])|[A-Z]?[a-z0-9]+", name)
    return [(word, split) for word in words if (split := known_split(word))]


def has_word_inside(name: str) -> bool:
    """Whether part of another word could be meant to say which split this is: mnisttest, latest."""
    return any(word in name.lower() for word in _INSIDE)
