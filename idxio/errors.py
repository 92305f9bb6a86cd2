"""The errors of idxio. A missing file stays the OSError that Python raises."""

from __future__ import annotations

import errno
import io


class IdxError(ValueError):
    """Something is wrong with an IDX file, or with what is asked of it.

    Attributes
    ----------
    file : str or None
        The name of the file.
    offset : int or None
        The byte where it was noticed, counted from 0 in the file as it is stored; for what is wrong
        with the header of an IDX file, in the file as it is unpacked. None where no byte can be
        named.
    """

    def __init__(self, message: str, *, file: str | None = None, offset: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.offset = offset

    def __str__(self) -> str:
        where = "" if self.offset is None else f" (byte {self.offset:,})"
        return f"{self.file}: {self.message}{where}" if self.file else f"{self.message}{where}"

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.args[0], self.__dict__)


class FormatError(IdxError):
    """The bytes are not those of an IDX file, or its compression breaks a rule."""


class TruncatedError(IdxError):
    """The file ends before the data that its header promises.

    Attributes
    ----------
    found : int
        The number of unpacked bytes that are there.
    """

    def __init__(
        self, message: str, *, file: str | None = None, offset: int | None = None, found: int = 0
    ) -> None:
        super().__init__(message, file=file, offset=offset)
        self.found = found


class ChecksumError(IdxError):
    """The data decode, but their checksum or length is not the one that the file states."""


class ChangedError(IdxError):
    """The file was replaced or written to since it was opened or read.

    One that was renamed, or got other permissions or another owner, can't be told from one that was
    written to and had its time put back, and counts as such. One that was linked or removed is what
    it was.
    """


class PictureError(IdxError):
    """Pictures can't go into the dataset that is built of them.

    Attributes
    ----------
    bad : list of (str, str)
        Their paths, and what is wrong with each.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        bad: list[tuple[str, str]] | None = None,
    ) -> None:
        super().__init__(message, file=file)
        self.bad = bad or []


class naming:
    """Set the file name in an OSError of the system that has none, raised inside the block."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, OSError) and error.filename is None:
            set_name(error, self._name)


def set_name(error: OSError, name: str) -> None:
    """Name the file in an error of the system, instead of the one that it names."""
    if isinstance(error, io.UnsupportedOperation):  # what open() makes of a failure of lseek()
        error.errno, error.strerror = errno.ESPIPE, str(error)
    if error.errno is not None:
        error.filename = name


def _rebuild(kind: type[IdxError], message: str, attributes: dict[str, object]) -> IdxError:
    error = kind(message)
    error.__dict__.update(attributes)
    return error


for _kind in (IdxError, FormatError, TruncatedError, ChecksumError, ChangedError, PictureError):
    _kind.__module__ = "idxio"  # as _util.public does, which the first layer may not import
