"""The training examples reach the accuracy that is stated, or in one epoch nearly that."""

import importlib.util
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from helpers import missing

import idxio


def run(request, name, *arguments):
    """The first line of an example, and the accuracy in per cent that it reaches."""
    path = request.config.rootpath / "examples" / name
    if not path.exists():
        missing(f"{path} is missing")
    # One thread: several of OpenMP wait for each other busily, and other tests run meanwhile.
    done = subprocess.run(
        [sys.executable, path, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=900,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    reached = re.search(r"test accuracy (\d\.\d+)\n$", done.stdout)
    return path.read_text().splitlines()[0], 100 * float(reached[1])


def test_train_numpy(request, fashion_mnist):
    first, reached = run(request, "train_numpy.py", fashion_mnist)
    assert reached >= int(re.search(r"(\d+) % test accuracy", first)[1])


def test_train_torch(request, fashion_mnist):
    if importlib.util.find_spec("torch") is None:
        if "adapters" in os.environ.get("EXTRAS", "").split(","):
            missing("torch is missing")
        pytest.skip("torch is missing: pip install torch")
    _, reached = run(request, "train_torch.py", fashion_mnist, "--epochs", 1)
    assert reached >= 84  # of the 92 that its guide states for all


def test_they_take_any_directory(request, tmp_path):
    labels = np.arange(600, dtype=np.uint8) % 3
    images = np.zeros((600, 28, 28), np.uint8)
    images[np.arange(600), labels] = 200
    for split in ("train", "t10k"):
        idxio.write(tmp_path / f"{split}-images-idx3-ubyte.gz", images)
        idxio.write(tmp_path / f"{split}-labels-idx1-ubyte.gz", labels)
    assert run(request, "train_numpy.py", tmp_path)[1] == 100
