"""One fit after the other under scikit-learn 0.19.2, as causes.py asks: Python 3.6, which has no
idxio.

The folder of pixels and labels is the argument; a job is a line of standard input, its result one
of standard output.
"""

import importlib
import json
import platform
import sys
import time
import warnings

import numpy as np
import scipy
import sklearn
from sklearn.preprocessing import StandardScaler
from sklearn.utils import shuffle


def main(folder: str) -> None:
    """Say what this is, then answer each job."""
    warnings.simplefilter("ignore")
    train, test, train_labels, test_labels = (
        np.load(f"{folder}/{name}.npy") for name in ("train", "test", "train_labels", "test_labels")
    )
    raw = train.astype(float), test.astype(float)
    scaler = StandardScaler().fit(train)
    pixels = {"raw": raw, "scaled": (scaler.transform(train), scaler.transform(test))}
    say(
        {
            "python": platform.python_version(),
            "scikit-learn": sklearn.__version__,
            "numpy": np.__version__,
            "scipy": scipy.__version__,
        }
    )
    for line in sys.stdin:
        job = json.loads(line)
        images, test_images = pixels[job["pixels"]]
        cpu, wall = time.process_time(), time.perf_counter()
        estimator = getattr(importlib.import_module(job["module"]), job["classifier"])(
            **job["parameters"]
        )
        if "random_state" in estimator.get_params():
            # Not the seed itself: SGD then shuffled alike for each of the classes, which it does
            # not without one.
            estimator.set_params(random_state=np.random.RandomState(job["seed"]))
        shuffled, labels = shuffle(images, train_labels, random_state=job["seed"])
        accuracy = float(estimator.fit(shuffled, labels).score(test_images, test_labels))
        seconds = time.process_time() - cpu, time.perf_counter() - wall
        say(
            {
                "accuracy": accuracy,
                "cpu_seconds": round(seconds[0], 3),
                "wall_seconds": round(seconds[1], 3),
            }
        )


def say(record: object) -> None:
    """One line."""
    print(json.dumps(record), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
