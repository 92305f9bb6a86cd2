"""What a URL is, which options go with it, and what of it may be shown or pickled."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

from ..base import URL_SCHEME, UrlError

# Parameters of a query that choose what is given and open nothing.
_HARMLESS = re.compile(r"(?i)download|dl|raw|version(id)?|generation|rev|ref|inline")
# Those that sign a URL, or say who asks: others each time for the same file.
_SIGNS = re.compile(
    r"(?i)x-(amz|goog|oss|cos)-.*|.*(sig|sign|signature|token|secret|credential|password|passwd)"
    r"|.*(access|api|pair).?key(.?id)?|.*accessid|auth|policy|expires?"
    r"|s[evprtsk]|spr|sip|sdd|srt|sk(oid|tid|t|e|s|v)|download|dl|raw|inline"
)
# Options that say where and how, and open nothing either.
_HARMLESS_OPTIONS = frozenset(
    (
        "anon",
        "skip_signature",
        "region",
        "region_name",
        "aws_region",
        "endpoint",
        "endpoint_url",
        "aws_endpoint",
        "allow_http",
        "project",
        "account_name",
    )
)


class Url(NamedTuple):
    """A URL and the options that whoever opens it gave."""

    text: str
    options: Mapping[str, Any]

    @property
    def scheme(self) -> str:
        """In small letters."""
        match = re.match(URL_SCHEME, self.text)
        assert match is not None
        return match[1].lower()

    @property
    def name(self) -> str:
        """The URL without user, password and query, which may be secret."""
        try:
            parts = urlsplit(self.text)
        except ValueError:  # whose message may have a password
            raise UrlError(f"{self.scheme}://...: no URL; its host can't be read") from None
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path, "", ""))

    @property
    def choice(self) -> str:
        """What in a query says which file is meant, apart from the path: a digest without secrets.

        Two files of one path may have the same ETag, as servers make it of size and time.
        """
        query = self.text.partition("#")[0].partition("?")[2]
        kept = [pair for pair in parse_qsl(query, True) if _SIGNS.fullmatch(pair[0]) is None]
        return hashlib.sha256(repr(kept).encode()).hexdigest()[:16] if kept else ""

    @property
    def is_http(self) -> bool:
        return self.scheme in ("http", "https")

    @property
    def path(self) -> str:
        """The path in the store, or on the host, without the slash before it."""
        path = self.text[len(self.scheme) + 3 :].partition("/")[2]
        return unquote(urlsplit(self.text).path).lstrip("/") if self.is_http else path

    @property
    def secret(self) -> str | None:
        """What in it may let a reader in who is not meant to: words for messages; None if
        nothing.
        """
        parts = urlsplit(self.text)
        if "@" in parts.netloc:
            return "a password"
        if self.is_http and any(
            _HARMLESS.fullmatch(key) is None for key, _ in parse_qsl(parts.query, True)
        ):
            return "a query that may be a signature"
        return secret_options(self.options)

    def with_suffix(self, suffix: str) -> Url:
        """The URL of the file whose name is this one's with a suffix."""
        base, query = self._parts()
        return self._replace(text=f"{base}{suffix}{query}")

    def inside(self, name: str) -> Url:
        """The URL of a file in the folder at this one."""
        base, query = self._parts()
        name = quote(name) if self.is_http else name
        folder = base.rstrip("/")
        if folder.endswith(":"):  # a scheme and nothing else
            folder += "//"
        return self._replace(text=f"{folder}/{name}{query}")

    def without_slash(self) -> Url:
        """The URL without slashes at its end."""
        base, query = self._parts()
        return self._replace(text=base.rstrip("/") + query)

    def split_name(self) -> tuple[Url, str]:
        """The URL of the folder that a file is in, with the query of the file's; the file's
        name.
        """
        base, query = self._parts()
        folder, _, name = base.rpartition("/")
        return self._replace(text=folder + query), unquote(name) if self.is_http else name

    def _parts(self) -> tuple[str, str]:
        """What stands before the query, and the query with its mark."""
        if not self.is_http:  # a name in a store may have a question mark
            return self.text, ""
        base, mark, query = self.text.partition("#")[0].partition("?")
        return base, mark + query

    def __repr__(self) -> str:
        return f"<Url {self.name!r}>"


def secret_options(options: Mapping[str, Any]) -> str | None:
    """What of storage_options may be secret: words for messages; None if nothing."""
    for key, value in _flat(options):
        if key.lower() not in _HARMLESS_OPTIONS or (isinstance(value, str) and "@" in value):
            return "storage_options that may be secret"
    return None


def _flat(options: Mapping[str, Any]) -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for key, value in options.items():
        pairs += _flat(value) if isinstance(value, Mapping) else [(key, value)]
    return pairs
