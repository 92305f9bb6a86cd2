"""Make the dataset of the site's demo, with its page: the steps of guide/publish.md.

python docs/make_demo.py FOLDER
"""

import json
import os
import sys

import numpy as np

import idxio
from idxio.cli.demo import digits
from idxio.cli.main import main

ABOUT = {
    "name": "Shaky digits",
    "description": "Digits drawn by a program with a shaky pen, in MNIST's format.",
    "licence": "MIT",
    "source": "idxio, docs/make_demo.py",
    "class_names": ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
}
COUNTS = {"train": 2000, "t10k": 500}  # less than 1 MB together

folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
with open(os.path.join(folder, "dataset.json"), "w", encoding="utf-8") as file:
    json.dump(ABOUT, file)
for seed, (split, count) in enumerate(COUNTS.items()):
    labels = (np.arange(count) % 10).astype(np.uint8)
    files = [
        os.path.join(folder, f"{split}-{kind}-ubyte.gz") for kind in ("images-idx3", "labels-idx1")
    ]
    idxio.write_sorted(*files, digits.draw(labels, seed), labels)
sys.exit(main(["view", folder, "-o", folder]))
