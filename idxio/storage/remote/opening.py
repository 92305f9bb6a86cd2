"""Opens what has a URL: a string, and fsspec's and universal_pathlib's objects."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from ..base import URL_SCHEME, NotInstalledError, Source
from ..file_object import SeekableSource
from . import obstore_client
from .client import INSTALL, Client
from .fsspec_client import FsspecClient, open_file_system
from .source import Handle, UrlSource
from .url import Url, secret_options

ByObstore = TypeVar("ByObstore")
ByFsspec = TypeVar("ByFsspec")


def open_remote(file: Any, options: Mapping[str, Any]) -> Source:
    """Open a URL, or what has an fsspec file system and a path."""
    if isinstance(file, str):
        return open_url(Url(file, options))
    if options:
        raise ValueError("storage_options are for URLs; this file has a file system already")
    if hasattr(file, "read") and file.tell():  # taken from where it stands
        return SeekableSource(file)
    return _open_path(file.fs, file.path)


def open_url(url: Url, tag: str | None = None) -> UrlSource:
    """Open a URL as a source."""
    return UrlSource(_handle_of(url), tag)


def _handle_of(url: Url) -> Handle:
    return Handle(
        url.name,
        partial(_connect, url),
        partial(_pickled_url, url),
        lambda suffix: _handle_of(url.with_suffix(suffix)),
        url.choice,
    )


def _open_path(fs: Any, path: str, tag: str | None = None) -> UrlSource:
    return UrlSource(_handle_in(fs, path), tag)


def _handle_in(fs: Any, path: str) -> Handle:
    full = fs.unstrip_protocol(path)
    name = full.partition("?")[0]
    name = Url(name, {}).name if "://" in name else name

    def connect() -> Client:
        return FsspecClient(type(fs)(*fs.storage_args, **fs.storage_options), path, name)

    def pickled(tag: str | None) -> tuple[Any, ...]:
        secret = Url(full, {}).secret if re.match(URL_SCHEME, full) else None
        _refuse(name, secret or secret_options(fs.storage_options))
        return _open_path, (fs, path, tag)

    return Handle(
        name, connect, pickled, lambda suffix: _handle_in(fs, path + suffix), Url(full, {}).choice
    )


def _connect(url: Url) -> Client:
    """A client of a URL."""
    return by_library(url, obstore_client.ObstoreClient, FsspecClient, "read")


def by_library(
    url: Url,
    by_obstore: Callable[[Url], ByObstore],
    by_fsspec: Callable[[Any, str, str], ByFsspec],
    done: str,
) -> ByObstore | ByFsspec:
    """What is made of a URL by obstore where that reaches, else by fsspec's file system, path and
    name. done: what is done to URLs, for errors.
    """
    missing: ImportError | None = None
    works = obstore_client.works_here()
    if url.scheme in obstore_client.SCHEMES and works:
        try:
            return by_obstore(url)
        except ImportError as error:
            missing = error
    try:
        return by_fsspec(*open_file_system(url), url.name)
    except ImportError as error:
        if not works:
            raise RuntimeError(
                f"{url.name}: can't be used after a fork of a process that used URLs: obstore does"
                " not work there; start workers by spawn or forkserver, or install fsspec with its"
                f" package for {url.scheme}"
            ) from None
        raise NotInstalledError(
            f"{url.name}: {missing or error}; URLs are {done} with {INSTALL}"
        ) from None


def _pickled_url(url: Url, tag: str | None) -> tuple[Any, ...]:
    secret = url.secret
    _refuse(url.name, secret)
    return _reopened, (url.text, dict(url.options), tag)


def _reopened(text: str, options: dict[str, Any], tag: str | None) -> UrlSource:
    return open_url(Url(text, options), tag)


def _refuse(name: str, secret: str | None) -> None:
    if secret:
        raise TypeError(
            f"{name}: can't be pickled, as it has {secret}; open it in each process, with the"
            " secrets from its environment"
        )
