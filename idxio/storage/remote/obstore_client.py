"""Ranges by obstore: HTTP, S3, Google's and Azure's stores."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from ..base import UrlError
from .client import (
    Answer,
    BrokenOffError,
    NoCredentialsError,
    NoLengthError,
    NoRangesError,
    NoSuchRangeError,
    changed,
)
from .fsspec_client import FsspecClient, open_file_system
from .url import Url

SCHEMES = frozenset(("http", "https", "s3", "s3a", "gs", "az", "abfs", "abfss", "adl", "azure"))

# fsspec's words for obstore's.
_WORDS = {
    "key": "access_key_id",
    "secret": "secret_access_key",
    "anon": "skip_signature",
    "endpoint_url": "endpoint",
    "region_name": "region",
}
_DEAD = re.compile(r"kind: (Connect|Timeout)\b|TimedOut|tcp connect|dns error")
_REDIRECT = re.compile(r"TooManyRedirects|BareRedirect|following redirect|without LOCATION")
_UNKNOWN = re.compile(r"Configuration key: '([^']*)' is not valid")
_STATUS = re.compile(r"status code: (\d{3})")
_REFUSED = (
    "the server refuses it: credentials are missing or wrong, it does not exist, or it is a folder"
)
NO_BUCKET = "the store has no such bucket"
# Where obstore asks for the credentials of the machine, if it was given none.
_OF_THE_MACHINE = "http://169.254.169.254/"
_NO_CREDENTIALS = (
    "no credentials were found, in the environment or in storage_options; a public bucket is read"
    " with storage_options={'anon': True}"
)
# A host that does not answer is given up within 5 seconds.
_CONNECT = timedelta(seconds=1.5)
_READ = timedelta(seconds=60)
_RETRY: Any = {
    "max_retries": 4,
    "retry_timeout": timedelta(seconds=3),
    "backoff": {
        "init_backoff": timedelta(milliseconds=250),
        "max_backoff": timedelta(seconds=2),
        "base": 2,
    },
}
# A part of 8 MiB takes its time through the line of a home, and an upload of an hour is not given
# up for a moment's failure.
_WRITE = timedelta(minutes=10)
_RETRY_WRITE: Any = {**_RETRY, "max_retries": 6, "retry_timeout": timedelta(seconds=60)}
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
# Processes in which obstore has started its threads; those forked from them have none.
_used_in: set[int] = set()


def works_here() -> bool:
    """Whether obstore works in this process: not in one that was forked after its use."""
    return not _used_in or os.getpid() in _used_in


def open_store(url: Url, *, writing: bool = False) -> tuple[Any, str]:
    """The store of a URL, and the object's path in it; one for writing has more patience."""
    from obstore import store as stores

    _used_in.add(os.getpid())
    timeout, retry = (_WRITE, _RETRY_WRITE) if writing else (_READ, _RETRY)
    client_options: dict[str, Any] = {"connect_timeout": _CONNECT, "timeout": timeout}
    config: dict[str, Any] = {}
    for key, value in _options(url.options).items():
        if key == "client_options":
            client_options.update(value)
        elif key == "retry_config":
            retry = value
        elif key == "headers":
            client_options["default_headers"] = value
        elif key in ("allow_http", "user_agent", "proxy_url"):
            client_options[key] = value
        else:
            config[key] = value
    if url.is_http:
        client_options["allow_http"] = True
        if config:
            raise UrlError(f"storage_options: {sorted(config)[0]!r} means nothing for HTTP")
        # The whole URL is the store and the path empty: a path would lose the query.
        text = url.text.partition("#")[0]
        http: Any = stores.HTTPStore
        with _naming(url):
            store = http.from_url(text, client_options=client_options, retry_config=retry)
        return store, ""
    if url.path.startswith("/") or "//" in url.path:
        # obstore takes the first slash away, and would ask for another object
        raise UrlError(
            f"{url.name}: has two slashes in a row, and the libraries of stores take them for one:"
            " give the object a name without"
        )
    endpoint = config.get("endpoint")
    if endpoint and not str(endpoint).startswith(("http://", "https://")):  # obstore panics
        raise UrlError(f"{url.name}: storage_options: the endpoint begins with http:// or https://")
    if _is_plain_http(endpoint):
        client_options["allow_http"] = True
    bucket = url.text[: len(url.text) - len(url.path)]
    make: Any = stores.from_url
    with _naming(url):
        store = make(bucket, client_options=client_options, retry_config=retry, **config)
    return store, url.path


@contextlib.contextmanager
def _naming(url: Url) -> Iterator[None]:
    """Name the URL in an error of its store, whose text may have a secret."""
    from obstore import exceptions

    try:
        yield
    except (exceptions.BaseError, ValueError, TypeError) as error:
        key = _UNKNOWN.search(str(error))
        what = "is no URL of a store, or storage_options are wrong"
        if key is not None:
            what = f"storage_options: {key[1]!r} is none of this store"
        raise UrlError(f"{url.name}: {what}") from None


def _is_plain_http(endpoint: object) -> bool:
    """Whether HTTP without TLS is asked for, by an endpoint or in the environment."""
    words = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
    found = endpoint or next((os.environ[word] for word in words if os.environ.get(word)), "")
    allowed = os.environ.get("AWS_ALLOW_HTTP", "").lower() in ("1", "true")
    return allowed or str(found).startswith("http://")


def _options(options: Mapping[str, Any]) -> dict[str, Any]:
    """storage_options in obstore's words; both are understood."""
    found: dict[str, Any] = {}
    for key, value in options.items():
        if key == "client_kwargs" and isinstance(value, Mapping):
            found.update(_options(value))
        else:
            found[_WORDS.get(key, key)] = value
    return found


class ObstoreClient:
    def __init__(self, url: Url) -> None:
        self._url = url
        self._store, self._path = open_store(url)
        if self._path.endswith("/"):  # which obstore takes away
            raise IsADirectoryError(errno.EISDIR, "names no object", url.name)

    def get(self, start: int, stop: int, tag: str | None) -> Answer:
        options: dict[str, Any] = {"range": (start, stop)}
        if tag is not None and tag.startswith('"'):
            options["if_match"] = tag
        return self._get(options)

    def get_all(self) -> Answer:
        try:
            return self._get({})
        except NoLengthError as error:
            try:
                return FsspecClient(*open_file_system(self._url), self._url.name).get_all()
            except ImportError:
                raise error from None
        except NoSuchRangeError:
            raise OSError(5, "the server answers with status 416", self._url.name) from None

    def _get(self, options: dict[str, Any]) -> Answer:
        import obstore
        from obstore import exceptions

        try:
            result = obstore.get(self._store, self._path, options=options)  # type: ignore[arg-type]
            meta, start = result.meta, result.range[0]
            data = memoryview(result.bytes())
        except exceptions.NotSupportedError:
            raise NoRangesError from None
        except (FileNotFoundError, exceptions.BaseError) as error:
            raise error_of(error, self._url.name) from None
        written = meta["last_modified"]
        tag = meta["e_tag"] or (None if written == _EPOCH else written.isoformat())
        return Answer(data, start, meta["size"], tag)


def error_of(error: Exception, name: str) -> Exception:
    """An error of obstore without its text, in which the URL stands with its secrets."""
    from obstore import exceptions

    text = str(error)
    found = _STATUS.search(text)
    status = "" if found is None else found[1]
    refusals = (exceptions.PermissionDeniedError, exceptions.UnauthenticatedError)
    if isinstance(error, exceptions.PreconditionError):
        return changed(name)
    if _OF_THE_MACHINE in text:
        hint = ", or with AWS_SKIP_SIGNATURE=true" if name.startswith("s3") else ""
        return NoCredentialsError(13, f"{_NO_CREDENTIALS}{hint}", name)
    if isinstance(error, refusals) or status in ("401", "403"):
        return PermissionError(13, _REFUSED, name)
    if is_bucket_missing(error):
        return FileNotFoundError(2, NO_BUCKET, name)
    if isinstance(error, FileNotFoundError):
        return FileNotFoundError(2, "no such object at this URL", name)
    if status == "416":
        return NoSuchRangeError()
    if status:
        return OSError(5, f"the server answers with status {status}", name)
    if "MissingContentLength" in text:
        return NoLengthError(5, "the server does not tell how long it is", name)
    if _REDIRECT.search(text):
        return OSError(5, "the server redirects to nothing, or in a circle", name)
    if _DEAD.search(text):
        return OSError(5, "the server can't be reached, or does not answer in time", name)
    return BrokenOffError(5, "the answer broke off, or is no answer that HTTP knows", name)


def is_bucket_missing(error: Exception) -> bool:
    """Whether an error of obstore says that there is no such bucket, or container of Azure."""
    return re.search("NoSuchBucket|ContainerNotFound", str(error)) is not None


def names_in(url: Url) -> set[str]:
    """The names of the objects in a folder of a store."""
    import obstore
    from obstore import exceptions

    store, path = open_store(url)
    prefix = path.rstrip("/")
    try:
        found = obstore.list_with_delimiter(store, prefix or None)["objects"]
    except exceptions.InvalidPathError:  # of any object there: obstore reads no more of the list
        text = "can't be listed, as an object there has two slashes in a row in its name"
        raise PermissionError(errno.EACCES, text, url.name) from None
    except exceptions.BaseError as error:
        raise error_of(error, url.name) from None
    return {meta["path"].rpartition("/")[2] for meta in found}
