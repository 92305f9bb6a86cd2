"""BatchOptions: the arguments of Dataset.batches, checked once."""

import dataclasses
import inspect

import numpy as np
import pytest

from idxio import Dataset
from idxio.loader.options import BatchOptions


def test_fields_are_the_arguments_of_batches():
    """The same names in the same order, with the same defaults."""
    arguments = inspect.signature(Dataset.batches).parameters.values()
    fields = dataclasses.fields(BatchOptions)
    assert [field.name for field in fields] == [argument.name for argument in arguments][1:]
    for field, argument in zip(fields, list(arguments)[1:], strict=True):
        is_required = argument.default is inspect.Parameter.empty
        default = dataclasses.MISSING if is_required else argument.default
        assert field.default is default, field.name


def test_every_argument_reaches_its_field(monkeypatch):
    from idxio.loader import batches

    options = []
    monkeypatch.setattr(batches, "Batches", lambda images, labels, chosen: options.append(chosen))
    values = {
        "batch_size": 2,
        "shuffle": True,
        "seed": 3,
        "drop_last": True,
        "dtype": "f8",
        "scale": 4.0,
        "mean": 5.0,
        "std": 6.0,
        "balanced": True,
        "rank": 1,
        "world_size": 7,
        "remainder": "pad",
        "out": [],
        "threads": 8,
        "prefetch": 9,
        "buffer": 10,
    }
    Dataset(np.zeros((4, 2)), np.zeros(4, int)).batches(**values)
    names = [field.name for field in dataclasses.fields(BatchOptions)]
    assert {name: getattr(options[0], name) for name in names} == values


def test_integers_of_numpy_become_int():
    options = BatchOptions(np.int32(4), seed=np.uint64(2**64 - 1), world_size=np.uint8(2))
    for name in ("batch_size", "seed", "world_size"):
        assert type(getattr(options, name)) is int, name


def test_options_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        BatchOptions(4).batch_size = 5


def test_seed_of_the_order():
    assert BatchOptions(4, seed=3).order_seed is None
    assert BatchOptions(4, seed=3, shuffle=True).order_seed == 3
