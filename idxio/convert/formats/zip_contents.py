"""What a zip archive holds that is no .npz, and the remedy."""

from __future__ import annotations

import os

from ...errors import FormatError

# A member by which programs' own files are known, which are zip archives inside.
_PROGRAMS = (
    (
        "data.pkl",
        "is a file of torch.save, whose objects are pickled; idxio never loads these, for they can"
        " run code. Save arrays: np.savez(file, images=images.numpy(), labels=labels.numpy())",
    ),
    ("workbook.xml", "is an Excel workbook: save the sheet as CSV UTF-8"),
    ("content.xml", "is a document of an office program: save the sheet as CSV in UTF-8"),
)


def not_an_npz(members: list[str], path: str) -> FormatError:
    """The error for an archive without an array; members are the names inside."""
    names = [os.path.basename(name) for name in members]
    for member, what in _PROGRAMS:
        if member in names:
            return FormatError(what, file=path)
    files = [name for name in members if not name.endswith("/")]
    if not files:
        return FormatError("is an empty zip archive", file=path)
    more = f" and {len(files) - 1:,} more" if len(files) > 1 else ""
    return FormatError(
        f"is a zip with {files[0]}{more}, and no arrays as an .npz has them: unpack it first, and"
        " name what comes out",
        file=path,
    )
