"""The published datasets: their files, mirrors, checksums, licences and citations.

Nothing here was compared with a mirror: no server could be reached where this table was made. Each
figure is copied from a place that the comments name, as it stood there in November 2026:

- Debian: the package dataset-fashion-mnist, 0.0~git20200523.55506a9-1, whose files were unpacked
- CRC-32: of files that were read once, as `core/checksums` has them
- TFDS: tensorflow-datasets 4.9.10, `url_checksums/*.txt`, sizes and SHA-256 of files as packed
- torchvision: torchvision 0.29.1, `datasets/mnist.py`, MD5 of files as packed, and URLs
- mnists: mnists 0.4.1, `_emnist.py`, MD5 of EMNIST's files as packed
- Keras: keras 3.15.1, `datasets/mnist.py` and `datasets/fashion_mnist.py`, URLs and a SHA-256

Sizes of unpacked files follow from the numbers of records in the datasets' papers.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable
from typing import Any, NamedTuple

_PIXELS = 28 * 28


class PublishedFile(NamedTuple):
    """A file of a dataset. Sums of what is inside are better known than those of its packing."""

    name: str
    size: int
    """Bytes of the unpacked file, its header too."""
    crc32: int | None = None
    sha256: str | None = None
    """Of the unpacked file."""
    packed_size: int | None = None
    packed_sha256: str | None = None
    packed_md5: str | None = None
    """Of the file as it was published."""

    @property
    def most(self) -> int:
        """Bytes that the file has at most, however it is packed."""
        return self.size + self.size // 8 + (1 << 16)


class Published(NamedTuple):
    """A dataset."""

    name: str
    title: str
    files: tuple[PublishedFile, ...]
    mirrors: tuple[str, ...]
    """URLs of folders, or of zip archives, that have the files; https first."""
    licence: str
    citation: str
    archive_size: int | None = None
    """Bytes of the published zip archive."""
    archive_sha256: str | None = None
    classes: tuple[str, ...] = ()
    """For a dataset with a mapping: the characters of each class, from `first_class` on."""
    first_class: int = 0
    torchvision: str = ""
    """The folder of torchvision's class, in its root."""


def _images(name: str, count: int, **sums: Any) -> PublishedFile:
    return PublishedFile(name, 16 + count * _PIXELS, **sums)


def _labels(name: str, count: int, **sums: Any) -> PublishedFile:
    return PublishedFile(name, 8 + count, **sums)


_MNIST = Published(
    name="mnist",
    title="MNIST",
    files=(
        _images(
            "train-images-idx3-ubyte.gz",
            60_000,
            packed_size=9_912_422,  # TFDS, and the SHA-256 of all four
            packed_sha256="440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        _labels(
            "train-labels-idx1-ubyte.gz",
            60_000,
            crc32=0xE0CB4AD2,  # read once, as that of the next two
            packed_size=28_881,
            packed_sha256="3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        ),
        _images(
            "t10k-images-idx3-ubyte.gz",
            10_000,
            crc32=0x91373BDF,
            packed_size=1_648_877,
            packed_sha256="8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        ),
        _labels(
            "t10k-labels-idx1-ubyte.gz",
            10_000,
            crc32=0x4AB9EFF9,
            packed_size=4_542,
            packed_sha256="f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    ),
    mirrors=(
        "https://storage.googleapis.com/cvdf-datasets/mnist/",  # TFDS
        "https://ossci-datasets.s3.amazonaws.com/mnist/",  # torchvision
        "http://yann.lecun.com/exdb/mnist/",  # torchvision, as its last
    ),
    licence=(
        "CC BY-SA 3.0, as Keras tells; the copyright is held by Yann LeCun and Corinna Cortes"
    ),
    citation=(
        "Y. LeCun, C. Cortes, C. J. C. Burges: MNIST handwritten digit database, 2010,"
        " http://yann.lecun.com/exdb/mnist"
    ),
    torchvision="MNIST",
)

_FASHION_MNIST = Published(
    name="fashion-mnist",
    title="Fashion-MNIST",
    files=(
        _images(
            "train-images-idx3-ubyte.gz",
            60_000,
            crc32=0xB4F29F28,
            sha256="c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",  # Debian
            packed_size=26_421_880,  # TFDS, and the SHA-256 of all four
            packed_sha256="3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        ),
        _labels(
            "train-labels-idx1-ubyte.gz",
            60_000,
            crc32=0x741A4657,
            sha256="bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            packed_size=29_515,
            packed_sha256="a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        ),
        _images(
            "t10k-images-idx3-ubyte.gz",
            10_000,
            crc32=0x678FE0B1,
            sha256="5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            packed_size=4_422_102,
            packed_sha256="346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        ),
        _labels(
            "t10k-labels-idx1-ubyte.gz",
            10_000,
            crc32=0x80142C1F,
            sha256="0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            packed_size=5_148,
            packed_sha256="67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    ),
    mirrors=(
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",  # Keras
        # the repository, whose README says that it has the files in data/fashion
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",  # torchvision; no https
    ),
    licence="MIT; the copyright is held by Zalando SE",  # Debian
    citation=(
        "H. Xiao, K. Rasul, R. Vollgraf: Fashion-MNIST: a Novel Image Dataset for Benchmarking"
        " Machine Learning Algorithms, 2017, arXiv:1708.07747"
    ),
    torchvision="FashionMNIST",
)

_KMNIST = Published(
    name="kmnist",
    title="KMNIST",
    files=(  # TFDS
        _images(
            "train-images-idx3-ubyte.gz",
            60_000,
            packed_size=18_165_135,
            packed_sha256="51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        ),
        _labels(
            "train-labels-idx1-ubyte.gz",
            60_000,
            packed_size=29_497,
            packed_sha256="e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        ),
        _images(
            "t10k-images-idx3-ubyte.gz",
            10_000,
            packed_size=3_041_136,
            packed_sha256="edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        ),
        _labels(
            "t10k-labels-idx1-ubyte.gz",
            10_000,
            packed_size=5_120,
            packed_sha256="20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        ),
    ),
    mirrors=(  # torchvision and TFDS have the second
        "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
    ),
    # the README of github.com/rois-codh/kmnist, with the words that it asks for
    licence=(
        'CC BY-SA 4.0; credit "KMNIST Dataset" (created by CODH), adapted from "Kuzushiji Dataset"'
        " (created by NIJL and others), doi:10.20676/00000341"
    ),
    citation=(
        "T. Clanuwat, M. Bober-Irizar, A. Kitamoto, A. Lamb, K. Yamamoto, D. Ha: Deep Learning for"
        " Classical Japanese Literature, 2018, arXiv:1812.01718"
    ),
    torchvision="KMNIST",
)

_QMNIST = Published(
    name="qmnist",
    title="QMNIST",
    files=(  # torchvision's MD5
        _images(
            "qmnist-train-images-idx3-ubyte.gz",
            60_000,
            packed_md5="ed72d4157d28c017586c42bc6afe6370",
        ),
        PublishedFile(
            "qmnist-train-labels-idx2-int.gz",
            12 + 60_000 * 8 * 4,
            crc32=0xEE960A34,  # read once
            packed_md5="0058f8dd561b90ffdd0f734c6a30e5e4",
        ),
        _images(
            "qmnist-test-images-idx3-ubyte.gz",
            60_000,
            packed_md5="1394631089c404de565df7b7aeaf9412",
        ),
        PublishedFile(
            "qmnist-test-labels-idx2-int.gz",
            12 + 60_000 * 8 * 4,
            crc32=0x80E20DFB,  # read once
            packed_md5="5b5b05890a5e13444e108efe57b788aa",
        ),
    ),
    mirrors=("https://raw.githubusercontent.com/facebookresearch/qmnist/master/",),  # torchvision
    # README and LICENSE of the repository
    licence="BSD 3-Clause; the copyright is held by Facebook, Inc. and its affiliates",
    citation=(
        "C. Yadav, L. Bottou: Cold Case: The Lost MNIST Digits, NeurIPS 2019, arXiv:1905.10498"
    ),
    torchvision="QMNIST",
)

_DIGITS = "0123456789"
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LOWER = "abcdefghijklmnopqrstuvwxyz"
_APART = "abdefghnqrt"
"""The small letters that bymerge and balanced tell from the capitals."""


def _emnist(
    variant: str,
    train: int,
    test: int,
    classes: Iterable[str],
    first_class: int = 0,
    *,
    md5: tuple[str | None, str | None, str | None, str | None],
    labels_crc32: tuple[int | None, int | None] = (None, None),
) -> Published:
    """A part of EMNIST. md5: of the images and labels to train with, and of those to test with."""
    stem = f"emnist-{variant}"
    return Published(
        name=stem,
        title=f"EMNIST {variant}",
        files=(
            _images(f"{stem}-train-images-idx3-ubyte.gz", train, packed_md5=md5[0]),
            _labels(
                f"{stem}-train-labels-idx1-ubyte.gz",
                train,
                crc32=labels_crc32[0],
                packed_md5=md5[1],
            ),
            _images(f"{stem}-test-images-idx3-ubyte.gz", test, packed_md5=md5[2]),
            _labels(
                f"{stem}-test-labels-idx1-ubyte.gz",
                test,
                crc32=labels_crc32[1],
                packed_md5=md5[3],
            ),
        ),
        mirrors=("https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",),  # torchvision and TFDS
        archive_size=561_753_746,  # TFDS, and the SHA-256
        archive_sha256="fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
        licence=(
            "none is stated where its checksums were found; it is made of NIST's Special Database"
            " 19, https://www.nist.gov/itl/products-and-services/emnist-dataset"
        ),
        citation=(
            "G. Cohen, S. Afshar, J. Tapson, A. van Schaik: EMNIST: Extending MNIST to handwritten"
            " letters, IJCNN 2017, arXiv:1702.05373"
        ),
        classes=tuple(classes),
        first_class=first_class,
        torchvision="EMNIST",
    )


_EMNIST = (  # MD5: mnists; it has none of the part mnist
    _emnist(
        "balanced",
        112_800,
        18_800,
        _DIGITS + _UPPER + _APART,
        md5=(
            "4041b0d6f15785d3fa35263901b5496b",
            "7a35cc7b2b7ee7671eddf028570fbd20",
            "6818d20fe2ce1880476f747bbc80b22b",
            "acd3694070dcbf620e36670519d4b32f",
        ),
    ),
    _emnist(
        "byclass",
        697_932,
        116_323,
        _DIGITS + _UPPER + _LOWER,
        md5=(
            "712dda0bd6f00690f32236ae4325c377",
            "ee299a3ee5faf5c31e9406763eae7e43",
            "1435209e34070a9002867a9ab50160d7",
            "7a0f934bd176c798ecba96b36fda6657",
        ),
    ),
    _emnist(
        "bymerge",
        697_932,
        116_323,
        _DIGITS + _UPPER + _APART,
        md5=(
            "4a792d4df261d7e1ba27979573bf53f3",
            "491be69ef99e1ab1f5b7f9ccc908bb26",
            "8eb5d34c91f1759a55831c37ec2a283f",
            "c13f4cd5211cdba1b8fa992dae2be992",
        ),
    ),
    _emnist(
        "digits",
        240_000,
        40_000,
        _DIGITS,
        md5=(
            "d2662ecdc47895a6bbfce25de9e9a677",
            "2223fcfee618ac9c89ef20b6e48bcf9e",
            "a159b8b3bd6ab4ed4793c1cb71a2f5cc",
            "8afde66ea51d865689083ba6bb779fac",
        ),
    ),
    _emnist(
        "letters",
        124_800,
        20_800,
        map("".join, zip(_UPPER, _LOWER, strict=True)),
        1,
        md5=(
            "8795078f199c478165fe18db82625747",
            "c16de4f1848ddcdddd39ab65d2a7be52",
            "382093a19703f68edac6d01b8dfdfcad",
            "d4108920cd86601ec7689a97f2de7f59",
        ),
        labels_crc32=(0xCAF8BA87, 0x5F1D90F6),  # read once
    ),
    _emnist("mnist", 60_000, 10_000, _DIGITS, md5=(None, None, None, None)),
)

PUBLISHED: dict[str, Published] = {
    one.name: one for one in (_MNIST, _FASHION_MNIST, _KMNIST, _QMNIST, *_EMNIST)
}


def named(name: str) -> Published:
    """The dataset of a name, in capitals or small letters, with or without dashes.

    Raises
    ------
    ValueError
        There is none; the message lists them.
    """
    if not isinstance(name, str):
        raise TypeError(f"name is that of a dataset, as 'mnist', not {name!r:.40}")
    known = {_plain(one): one for one in PUBLISHED}
    found = known.get(_plain(name))
    if found is not None:
        return PUBLISHED[found]
    import difflib  # slow to import

    alike = difflib.get_close_matches(_plain(name), known, 1)
    hint = f"did you mean {known[alike[0]]}? " if alike else ""
    raise ValueError(
        f"there is no published dataset {name!r:.60}; {hint}There are {', '.join(PUBLISHED)}"
    )


def how_to_fetch(directory: str) -> str:
    """The end of an error that a folder is not there, or empty: the command that puts the dataset
    there that it is called as. "" if that is no name of one.
    """
    last = os.path.basename(os.path.normpath(directory))
    for name, dataset in PUBLISHED.items():
        if _plain(name) == _plain(last):
            return (
                f"; `idxio fetch {name} {shlex.quote(directory)}` puts {dataset.title} there, and"
                f" idxio.fetch({name!r}) into a folder of its own"
            )
    return ""


def _plain(name: str) -> str:
    return re.sub(r"[-_ ]", "", name.lower())
