"""Published files, identified by CRC-32 and size of their unpacked bytes."""

from __future__ import annotations

_FILES = {
    (0x91373BDF, 7840016): "MNIST t10k images",
    (0x4AB9EFF9, 10008): "MNIST t10k labels",
    (0xE0CB4AD2, 60008): "MNIST train labels",
    (0x80E20DFB, 1920012): "QMNIST test labels (idx2)",
    (0xEE960A34, 1920012): "QMNIST train labels (idx2)",
    (0x413971BC, 60008): "QMNIST test labels (idx1)",
    (0x5F1D90F6, 20808): "EMNIST letters test labels",
    (0xCAF8BA87, 124808): "EMNIST letters train labels",
    (0xB4F29F28, 47040016): "Fashion-MNIST train images",
    (0x741A4657, 60008): "Fashion-MNIST train labels",
    (0x678FE0B1, 7840016): "Fashion-MNIST t10k images",
    (0x80142C1F, 10008): "Fashion-MNIST t10k labels",
}


def known_file(crc: int | None, nbytes: int) -> str | None:
    """The name of the published file with this CRC-32 and this number of unpacked bytes, if it is
    known.
    """
    return None if crc is None else _FILES.get((crc, nbytes))
