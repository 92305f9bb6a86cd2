"""A real nginx on loopback, over a folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helpers import missing
from server_process import free_port, served_by

# What each of its folders does with the files of one folder.
LOCATIONS = {
    "plain": "",
    "whole": "max_ranges 0;",
    "packed": "gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any;",
    "encoded": "add_header Content-Encoding gzip;",
    "agent": 'if ($http_user_agent !~ "^idxio/") { return 403; }',
    "list": "autoindex on;",
    "refusing": "error_page 404 = @refused;",
}

CONFIGURATION = """
{user}
daemon off;
worker_processes 1;
pid {work}/pid;
error_log {work}/errors;
events {{ worker_connections 256; }}
http {{
    access_log {work}/requests;
    client_body_temp_path {work}/body;
    proxy_temp_path {work}/proxy;
    fastcgi_temp_path {work}/fastcgi;
    uwsgi_temp_path {work}/uwsgi;
    scgi_temp_path {work}/scgi;
    default_type application/octet-stream;
    server {{
        listen 127.0.0.1:{port};
        {locations}
        location /redirected/ {{ rewrite ^/redirected/(.*)$ /plain/$1 redirect; }}
        location /shared/ {{ alias {files}/; add_header Access-Control-Allow-Origin *; }}
        location /identity/ {{ alias {files}/; add_header Content-Encoding identity; }}
        location @refused {{ return 403; }}
        location /up {{ return 204; }}
    }}
}}
"""


@contextmanager
def nginx(files: Path, work: Path) -> Iterator[str]:
    """The URL of a server whose folders are those of LOCATIONS, /redirected/, and /shared/ with other
    hosts' pages, over `files`.
    """
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        missing("there is no nginx here: apt-get install nginx-light")
        raise AssertionError
    work.mkdir()
    port = free_port()
    locations = "\n".join(
        f"location /{name}/ {{ alias {files}/; {rules} }}" for name, rules in LOCATIONS.items()
    )
    configuration = work / "nginx.conf"
    # The user of pages that root's nginx takes by itself can't enter a folder of the tests.
    user = "user root root;" if os.geteuid() == 0 else ""
    text = CONFIGURATION.format(user=user, work=work, port=port, files=files, locations=locations)
    configuration.write_text(text)
    url = f"http://127.0.0.1:{port}"
    command = [program, "-c", str(configuration), "-p", str(work), "-e", str(work / "errors")]
    with served_by(command, f"{url}/up", work / "log"):
        yield url
