"""Folders of pictures to datasets: the time, the memory, and how far the pipeline is from
ImageMagick.
"""

from __future__ import annotations

import functools
import gzip
import importlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

import idxio
from idxio.convert import pipeline

from .core_import import ROOT
from .files import Array, Files, header
from .harness import Contestant, Group, MissingError, WrongError

STEPS = {
    "trim": "-fuzz 5% -trim +repage",
    "sample": "-sample 28x28",
    "sharpen": "-adaptive-sharpen 1x1",
    "extend": "-gravity center -background white -extent 28x28",
    "negate": "-negate",
    "grey": "-colorspace Gray",
}
WHOLE = " ".join((*STEPS.values(), "-depth 8"))
THUMBNAILS = 10_000
COMPARED = 50  # pictures, one ImageMagick process for each and step


class Pictures:
    """Folders of pictures, made on first use."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self.output = files.folder / "built"

    @functools.cached_property
    def small(self) -> tuple[Path, Array]:
        """70,000 grey PNGs of 28 x 28 in ten class folders, and each picture's bytes and label,
        sorted.
        """
        from PIL import Image

        folder = self._files.folder / "pngs"
        images = np.concatenate((self._files.images, self._files.images[:10_000, ::-1]))
        labels = np.arange(len(images)) % 10
        for label in range(10):
            (folder / str(label)).mkdir(parents=True)
        for i, (image, label) in enumerate(zip(images, labels, strict=True)):
            Image.fromarray(image).save(folder / str(label) / f"{i:05}.png")
        return folder, rows(images, labels)

    @functools.cached_property
    def thumbnails(self) -> Path:
        """Drawn RGB pictures of 51 x 73 on #fdfdfd, as those of the paper, in one class folder."""
        from PIL import Image

        folder = self._files.folder / "thumbnails"
        (folder / "all").mkdir(parents=True)
        for i in range(THUMBNAILS):
            Image.fromarray(draw(i)).save(folder / "all" / f"{i:05}.png")
        return folder

    def clear(self) -> None:
        """Before each sample: there is no output yet."""
        shutil.rmtree(self.output, ignore_errors=True)


def draw(seed: int) -> Array:
    """A textured ellipse of some colour."""
    rng = np.random.default_rng(seed)
    picture = np.full((73, 51, 3), 0xFD, np.uint8)
    y, x = np.mgrid[:73, :51]
    inside = ((y - rng.uniform(25, 48)) / rng.uniform(10, 33)) ** 2
    inside += ((x - rng.uniform(18, 33)) / rng.uniform(6, 22)) ** 2
    texture = (np.sin(y / rng.uniform(1, 5)) + np.cos(x / rng.uniform(1, 5))) * rng.uniform(5, 25)
    texture += rng.normal(0, 4, texture.shape)
    picture[inside < 1] = np.clip(rng.integers(0, 230, 3) + texture[..., None], 0, 255)[inside < 1]
    return picture


def rows(images: Array, labels: Array) -> Array:
    """The bytes of each picture with its label, sorted."""
    joined = np.column_stack((images.reshape(len(images), -1), labels.astype(np.uint8)))
    return np.sort(np.ascontiguousarray(joined).view(f"V{joined.shape[1]}").ravel())


def idxio_build(source: Path, target: Path) -> None:
    idxio.build(source, target, test_per_class=1000)


def pillow_loop(level: int | None, source: Path, target: Path) -> None:
    """Build as one does without idxio: everything in memory, on one thread."""
    from PIL import Image

    paths = sorted(source.glob("*/*"))
    images = np.stack([np.asarray(Image.open(path)) for path in paths])
    labels = np.array([int(path.parent.name) for path in paths], np.uint8)
    order = np.random.default_rng(0).permutation(len(paths))
    target.mkdir()
    for split, part in (("train", order[10_000:]), ("t10k", order[:10_000])):
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            data = header(0x08, array[part].shape) + array[part].tobytes()
            path = target / f"{split}-{kind}-ubyte.gz"
            if level is None:
                with gzip.open(path, "wb") as file:
                    file.write(data)
            else:
                path.write_bytes(gzip.compress(data, level))


def idxio_pipeline(source: Path, target: Path) -> None:
    idxio.build(source, target, pipeline="fashion", test_per_class=0, sort=True)


def mogrify(source: Path, target: Path) -> None:
    """ImageMagick once for the whole folder."""
    command = shutil.which("mogrify-im6.q16") or shutil.which("mogrify")
    if command is None:
        raise MissingError("no mogrify (apt-get install imagemagick)")
    target.mkdir()
    paths = sorted(map(str, (source / "all").iterdir()))
    subprocess.run([command, "-path", str(target), *WHOLE.split(), *paths], check=True)


def groups(files: Files) -> list[Group]:
    pictures = Pictures(files)

    def check_build(contestant: Contestant) -> None:
        _need_pillow()
        pictures.clear()
        contestant.run()
        names = [
            pictures.output / f"{split}-{kind}-ubyte.gz"
            for kind in ("images-idx3", "labels-idx1")
            for split in ("train", "t10k")
        ]
        parts = [np.frombuffer(gzip.decompress(name.read_bytes()), np.uint8) for name in names]
        images = np.concatenate([part[16:] for part in parts[:2]]).reshape(-1, 28, 28)
        if not np.array_equal(
            rows(images, np.concatenate([part[8:] for part in parts[2:]])), pictures.small[1]
        ):
            raise WrongError(f"{contestant.name} wrote other pictures than there are")

    def check_pipeline(contestant: Contestant) -> None:
        _need_pillow()
        # The two are compared with each other, once.
        if contestant.name != "mogrify, once" and (
            difference := difference_of_the_folder(pictures)
        ):
            raise WrongError(f"idxio and mogrify differ by {difference} grey levels in the mean")

    def job(name: str, run: Callable[[Path, Path], None], source: Callable[[], Path]) -> Contestant:
        return Contestant(name, lambda: run(source(), pictures.output))

    return [
        Group(
            name="build",
            title="70,000 PNGs of 28 x 28 to the four files, gzip",
            oracle="each picture and its label, once",
            check=check_build,
            contestants=[
                job("idxio.build", idxio_build, lambda: pictures.small[0]),
                job(
                    "Pillow loop + gzip.compress, level 6",
                    partial(pillow_loop, 6),
                    lambda: pictures.small[0],
                ),
                job(
                    "Pillow loop + gzip.open", partial(pillow_loop, None), lambda: pictures.small[0]
                ),
            ],
            ours="idxio.build",
            most=5,
            before=pictures.clear,
        ),
        Group(
            name="build-memory",
            title="the resident memory of that, of all processes together, at its peak",
            oracle="none: the job is that of the group build",
            check=lambda contestant: _need_pillow(),
            contestants=[
                Contestant(
                    "idxio.build",
                    lambda: None,
                    sample=lambda: _peak(pictures.small[0], pictures.output),
                ),
            ],
            ours="idxio.build",
            unit="MB",
            most=3,
            before=pictures.clear,
        ),
        Group(
            name="pipeline",
            title="10,000 pictures of 51 x 73 by Fashion-MNIST's pipeline",
            oracle="idxio and mogrify make the same pictures, to the bit",
            check=check_pipeline,
            contestants=[
                job("idxio.build(pipeline='fashion')", idxio_pipeline, lambda: pictures.thumbnails),
                job("mogrify, once", mogrify, lambda: pictures.thumbnails),
            ],
            ours="idxio.build(pipeline='fashion')",
            most=5,
            before=pictures.clear,
        ),
        Group(
            name="pipeline-difference",
            title=f"mean absolute difference from ImageMagick, over {COMPARED} pictures",
            oracle="none: the difference is what is measured",
            check=lambda contestant: contestant.run(),
            contestants=[
                Contestant(name, run := partial(difference_of_step, name), sample=run)
                for name in (*STEPS, "whole")
            ],
            ours="whole",
            unit="grey levels",
            most=1,
        ),
    ]


def difference_of_the_folder(pictures: Pictures) -> float:
    """The mean absolute difference of what idxio and mogrify make of the thumbnails, in grey
    levels.
    """
    from PIL import Image

    pictures.clear()
    idxio_pipeline(pictures.thumbnails, pictures.output)
    ours = idxio.read(pictures.output / "train-images-idx3-ubyte.gz")
    pictures.clear()
    mogrify(pictures.thumbnails, pictures.output)
    theirs = np.stack([np.asarray(Image.open(path)) for path in sorted(pictures.output.iterdir())])
    return float(np.abs(ours.astype(int) - theirs).mean())


def difference_of_step(name: str) -> float:
    """The mean absolute difference of a step alone, or of the whole, in 8-bit grey levels."""
    return float(np.mean([_difference(draw(seed), name) for seed in range(COMPARED)]))


def _difference(picture: Array, name: str) -> float:
    if name == "whole":
        ours: Array = pipeline.fashion(picture).astype(np.uint16) * np.uint16(257)
        return _apart(ours, _imagemagick(picture, WHOLE))
    picture = picture.astype(np.uint16) * np.uint16(257)
    for before in STEPS:
        if before == name:
            break
        picture = getattr(pipeline, before)(picture)
    return _apart(getattr(pipeline, name)(picture), _imagemagick(picture, STEPS[name]))


def _apart(ours: Array, theirs: Array) -> float:
    if ours.shape[:2] != theirs.shape[:2]:
        raise WrongError(f"a picture is {ours.shape[:2]}, ImageMagick's {theirs.shape[:2]}")
    return float(np.abs(ours.reshape(*ours.shape[:2], -1) / 257 - theirs / 257).mean())


def _imagemagick(picture: Array, options: str) -> Array:
    """Convert a picture with ImageMagick: uint16, (height, width, channels)."""
    command = shutil.which("convert-im6.q16") or shutil.which("convert")
    if command is None:
        raise MissingError("no convert (apt-get install imagemagick)")
    height, width = picture.shape[:2]
    source = [
        "-size",
        f"{width}x{height}",
        "-depth",
        str(8 * picture.itemsize),
        "-endian",
        "LSB",
        "rgb:-",
    ]
    target = ["-endian", "LSB"] if "-depth" in options else ["-depth", "16", "-endian", "LSB"]
    result = subprocess.run(
        [command, *source, *options.split(), *target, "pam:-"],
        input=picture.tobytes(),
        capture_output=True,
        check=True,
    )
    head, body = result.stdout.split(b"ENDHDR\n", 1)
    fields = dict(line.split(b" ", 1) for line in head.split(b"\n") if b" " in line)
    width, height, depth, most = (
        int(fields[key]) for key in (b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL")
    )
    dtype = ">u2" if most > 255 else "u1"
    factor = 257 if most == 255 else 1
    pixels = np.frombuffer(body, dtype).astype(np.uint16)
    return pixels.reshape(height, width, depth) * np.uint16(factor)


def _need_pillow() -> None:
    try:
        importlib.import_module("PIL.Image")
    except ImportError as error:
        raise MissingError(f"{error} (pip install Pillow)") from error


def _peak(source: Path, target: Path) -> float:
    """Build in a process; return its peak memory with its helpers, in MB (10^6 bytes)."""
    code = "import sys, idxio; idxio.build(sys.argv[1], sys.argv[2], test_per_class=1000)"
    process = subprocess.Popen([sys.executable, "-c", code, str(source), str(target)], cwd=ROOT)
    peak = 0
    while process.poll() is None:
        peak = max(peak, _resident(process.pid))
        time.sleep(0.01)
    if process.returncode:
        raise WrongError("idxio.build failed in its own process")
    return peak * os.sysconf("SC_PAGE_SIZE") / 1e6


def _resident(pid: int) -> int:
    """Pages of a process and its children."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:  # it has just ended
        return 0
    return pages + sum(_resident(int(child)) for child in children)
