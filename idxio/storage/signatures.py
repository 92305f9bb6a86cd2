"""Recognise files that are not IDX by their first bytes, and name the likely remedy.

The compressions that are read add what is theirs: `compression/registry.likely_cause`. What is
wrong with a file that starts as IDX does is told by `core/causes`.
"""

from __future__ import annotations

import codecs
import re

from .base import Source

_LFS = "a Git LFS pointer: fetch the data with `git lfs pull`"
_ANNEX = "a git-annex pointer: fetch the data with `git annex get`"
_SERVER = "as a server sends for {}: download it again"
_PICKLE = "a Python pickle: load it with pickle.load, if you trust where it is from"
AS_TEXT = "that were read and written as text: download them again, or copy them, as binary"
AS_UTF_8 = (
    "that it was read and written as text, in UTF-8: download it again, or copy it, as binary"
)
AS_CR_LF = (
    "that it was written as text: each byte 0a has a 0d before it, the line ends of Windows."
    " Write it, or download it, as binary"
)
# What stands at the start of a file, as regular expressions of bytes, and what such a file is.
_SIGNATURES = (
    (rb"version https://git-lfs\.github\.com/spec/", _LFS),
    # a link from a folder inside a repository, too
    (rb"(\.\./)*/annex/objects/|(\.\./)*\.git/annex/", _ANNEX),
    (rb"(?:outs|md5):[ \n].{,200}\bmd5: ", "a DVC pointer: fetch the data with `dvc pull`"),
    # archives and compressions that are not read
    (rb"PK\x05\x06", "an empty zip archive"),
    (rb"\x04\x22\x4d\x18", "lz4-compressed data: unpack it first with `lz4 -d`"),
    (rb"\x1f\x9d", "data of the old Unix compress: unpack it first with `uncompress`"),
    (rb"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"),
    (rb"Rar!", "a rar archive: unpack it first"),
    (rb".{257}ustar", "a tar archive: unpack it first with `tar -xf`"),
    # arrays and tables
    (rb"\x93NUMPY", "a .npy file: read it with numpy.load"),
    (rb"MATLAB 5\.0 MAT-file", "a MATLAB .mat file: read it with scipy.io.loadmat"),
    (rb"MATLAB 7\.3 MAT-file|\x89HDF\r\n", "an HDF5 file: read it with h5py"),
    (rb"PAR1", "a parquet file"),
    (rb"ARROW1", "an Arrow file: read it with pyarrow.ipc"),
    (rb"SQLite format 3\0", "an SQLite database"),
    (rb"(?i)(%[^\n]*\s+)*@relation\s", "an ARFF table: read it with scipy.io.arff"),
    # protocols 2 to 5, and 0 of lists, dicts and arrays
    (rb"\x80[\x02-\x05]", _PICKLE),
    (rb"\(?[ldi]p\d+\n|c(numpy|copy_reg|_codecs|collections)[.\w]*\n\w+\n", _PICKLE),
    # the length of the first record, its checksum, a message of protobuf
    (rb".{4}\0{4}.{4}\n", "a TFRecord file: read it with tensorflow.data"),
    # pictures and documents
    (rb"\x89PNG\r\n", "a PNG picture"),
    (rb"\xff\xd8\xff", "a JPEG picture"),
    (rb"GIF8[79]a", "a GIF picture"),
    (rb"BM.{4}\0{4}", "a BMP picture"),
    (rb"II[*+]\0|MM\0[*+]", "a TIFF picture"),
    (rb"RIFF.{4}WEBP", "a WebP picture"),
    (rb"%PDF", "a PDF document"),
    # answers of servers
    (
        rb"(?i)(\xef\xbb\xbf)?\s*<(!doctype|html|head|body|\?xml|error)",
        f"an HTML or XML page, {_SERVER.format('a login, an error, a moved file or a folder')}",
    ),
    (rb"(\xef\xbb\xbf)?\s*(\{\s*[\"}]|\[\s*[\[{\"])", f"JSON, {_SERVER.format('an error')}"),
    (rb"HTTP/\d", "a server's answer with its headers: save the body alone"),
    # what went through a program for text
    (rb"\xff\xfe|\xfe\xff", f"text in UTF-16, or data {AS_TEXT}"),
    (rb"(\xef\xbb\xbf)\0\0", f"data with a mark of UTF-8, {AS_TEXT}"),
    (rb"(AAA[IJLMNO]|H4sI)[\w+/]+", "base64: decode it first with `base64 -d`"),
    (rb"(?i)(00000[89bcde]0[0-9a-f]|1f8b08)[0-9a-f]+", "a hex dump: turn it back with `xxd -r -p`"),
    # 03 08 00 00
    (
        rb".[\x08\x09\x0b-\x0e]\0\0",
        "one whose header was written little-endian; IDX is big-endian",
    ),
)
_ZIP = b"PK\x03\x04"
_NAME_LENGTH = 26  # where a zip has the length of the name of its first entry
_NAME = 30
_MOST_TEXT = 60
_START = 1 << 18
# Line ends CR LF that are no chance where no LF stands alone.
_LINE_ENDS = 4


def likely_cause(head: bytes) -> str | None:
    """Name the format of a file with this start and the remedy; None for IDX or if unknown."""
    if head[:2] == b"\0\0":
        return None
    if head.startswith(_ZIP):
        return _zip(head)
    for start, cause in _SIGNATURES:  # compiled at the first use: most programs meet no such file
        if re.match(start, head, re.DOTALL):
            return cause
    return None


def printable_start(head: bytes) -> str | None:
    """The first words of a file of text; None if it is none."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        text = " ".join(decoder.decode(head).split())
    except UnicodeDecodeError:
        return None
    if not text.isprintable() or not text:
        return None
    return text if len(text) <= _MOST_TEXT else f"{text[:_MOST_TEXT]}…"


def is_utf_8(data: bytes) -> bool:
    """Whether bytes, which may end within a character, are UTF-8 with more than ASCII in it."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return False
    return not text.isascii()


class LineEnds:
    """Counts the line ends CR LF in bytes that come in blocks."""

    def __init__(self) -> None:
        self.count = 0
        self.has_lone_feed = False
        """Whether a LF has no CR before it."""
        self._was_return = False

    def add(self, data: bytes) -> None:
        """Count the next block."""
        both = data.count(b"\r\n") + (self._was_return and data.startswith(b"\n"))
        self.count += both
        self.has_lone_feed = self.has_lone_feed or data.count(b"\n") > both
        self._was_return = data.endswith(b"\r")


def has_cr_lf(source: Source) -> bool:
    """Whether the start of a source, packed data, has LF behind CR only, which is no chance."""
    if source.size is None:
        return False  # a pipe can't be read again
    start = bytearray(_START)
    ends = LineEnds()
    ends.add(bytes(start[: source.read_at(0, memoryview(start))]))
    return ends.count >= _LINE_ENDS and not ends.has_lone_feed


def _zip(head: bytes) -> str:
    """What a zip archive holds, as far as its first entry tells."""
    length = int.from_bytes(head[_NAME_LENGTH : _NAME_LENGTH + 2], "little")
    name = head[_NAME : _NAME + length].decode("utf-8", "replace")
    if name.endswith(".npy"):
        return f"a zip archive of NumPy (.npz) with {name}: read it with numpy.load"
    if name.endswith("/data.pkl"):
        return "a file of torch.save: load it with torch.load"
    if name == "[Content_Types].xml":
        return "a document or table of Office: save it in another format"
    return f"a zip archive{f' with {name}' if name else ''}: unpack it first"
