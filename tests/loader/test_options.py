"""BatchOptions: the arguments of Dataset.batches, checked once."""

import dataclasses
import inspect

import numpy as np
import pytest

from idxio import Dataset
from idxio.loader.options import BatchOptions
from idxio.transforms import RandomVerticalFlip


def test_fields_are_the_arguments_of_batches():
    """The same names in the same order; the defaults stand in the signature of batches alone."""
    arguments = inspect.signature(Dataset.batches).parameters.values()
    fields = dataclasses.fields(BatchOptions)
    assert [field.name for field in fields] == [argument.name for argument in arguments][1:]
    assert all(field.default is dataclasses.MISSING for field in fields)


@pytest.fixture
def options_of(monkeypatch):
    """A function from arguments of batches to the options that they become."""
    from idxio.loader import batches

    monkeypatch.setattr(batches, "Batches", lambda images, labels, options: options)
    return Dataset(np.zeros((4, 2, 2)), np.zeros(4, int)).batches


def test_every_argument_reaches_its_field(options_of):
    values = {
        "batch_size": 2,
        "shuffle": True,
        "seed": 3,
        "drop_last": True,
        "dtype": "f8",
        "scale": 4.0,
        "mean": 5.0,
        "std": 6.0,
        "channels": "last",
        "augment": (RandomVerticalFlip(0.25),),
        "balanced": True,
        "weights": [1, 2, 3, 4],
        "rank": 1,
        "world_size": 7,
        "remainder": "pad",
        "out": [],
        "threads": 8,
        "prefetch": 9,
        "buffer": 10,
    }
    assert vars(options_of(**values, one_hot=True)) == {**values, "one_hot": 1}  # a column


def test_integers_of_numpy_become_int(options_of):
    options = options_of(np.int32(4), seed=np.uint64(2**64 - 1), world_size=np.uint8(2))
    for name in ("batch_size", "seed", "world_size"):
        assert type(getattr(options, name)) is int, name


def test_options_do_not_change(options_of):
    with pytest.raises(dataclasses.FrozenInstanceError):
        options_of(4).batch_size = 5


def test_seed_of_the_order(options_of):
    assert options_of(4, seed=3).order_seed is None
    assert options_of(4, seed=3, shuffle=True).order_seed == 3


def test_switches_become_bools():
    ds = Dataset(np.zeros((4, 2, 2), np.uint8), [0, 1, 2, 3])
    state = ds.batches(2, shuffle=2).state_dict()
    assert state["shuffle"] == 1
    ds.batches(2, shuffle=True).load_state_dict(state)


@pytest.mark.parametrize(
    ("options", "error"), [({"threads": 2.5}, TypeError), ({"out": []}, ValueError)]
)
def test_odd_options_are_refused(options, error):
    ds = Dataset(np.zeros((4, 2, 2), np.uint8), [0, 1, 2, 3])
    with pytest.raises(error, match=next(iter(options))):
        ds.batches(2, **options)


def test_repr_says_what_an_epoch_is():
    batches = Dataset(np.zeros((5, 2, 3), np.uint8), [0, 1, 2, 3, 4]).batches(2, scale=1 / 255)
    assert repr(batches) == "<idxio.Batches 3 of 2 x 2 x 3 float32; next epoch 0>"
    list(batches)
    assert repr(batches) == "<idxio.Batches 3 of 2 x 2 x 3 float32; next epoch 1>"
    batches.load_state_dict({**batches.state_dict(), "position": 4})
    assert repr(batches).endswith("; next epoch 1, from 4 on>")
