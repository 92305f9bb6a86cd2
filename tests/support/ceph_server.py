"""Ceph's S3 server on loopback: a gateway over a cluster of one monitor and one store in memory.

`install_ceph` fetches the programs. A gateway alone would do, were it right: over SQLite
(rgw_backend_store = dbstore) that of Ceph 20.2 gives other bytes than those of the range that is
asked for, and puts the parts of an upload together in another order; over files (posix) it crashes.
"""

from __future__ import annotations

import base64
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGKILL

from server_process import environment, free_port, running, served_by

CONFIGURATION = """
[global]
fsid = 11111111-2222-3333-4444-555555555555
mon_host = v2:127.0.0.1:{monitor}
public_addr = 127.0.0.1
ms_bind_msgr1 = false
keyring = {work}/keyring
run_dir = {work}
log_file = {work}/$name.log
admin_socket =
mon_data = {work}/mon
mon_allow_pool_size_one = true
osd_data = {work}/osd
osd_objectstore = memstore
memstore_device_bytes = 8589934592
osd_class_dir = {libraries}/rados-classes
osd_erasure_code_plugins =
osd_crush_chooseleaf_type = 0
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 4
osd_pool_default_pgp_num = 4
osd_pool_default_pg_autoscale_mode = off
rgw_data = {work}
rgw_frontends = beast endpoint=127.0.0.1:{port}
"""
# All have one key, which is as secret as the address of loopback.
KEY = base64.b64encode(
    struct.pack("<HIIH32s", 2, 0, 0, 32, b"no secret: it stays on loopback.")
).decode()
KEYRING = "".join(
    f"""[{name}]
key = {KEY}
caps mon = "allow *"
caps osd = "allow *"
"""
    for name in ("mon.", "osd.0", "client.admin")
)


@contextmanager
def ceph(root: Path, work: Path, port: int, key: str, secret: str) -> Iterator[None]:
    """A gateway with one user; root: the folder of the programs."""
    # The folder has a system of its own with another C library: its loader starts its programs.
    loader = next(root.glob("usr/lib/*/ld-linux-*"))
    libraries = loader.parent
    monitor = free_port()
    configuration = work / "ceph.conf"
    configuration.write_text(
        CONFIGURATION.format(work=work, libraries=libraries, port=port, monitor=monitor)
    )
    keyring = work / "keyring"
    keyring.write_text(KEYRING)

    def command(program: str, *arguments: object) -> list[str]:
        library_path = f"{libraries}:{libraries}/ceph"
        words = [loader, "--library-path", library_path, root / "usr/bin" / program, *arguments]
        return list(map(str, words))

    def call(program: str, *arguments: object) -> None:
        words = command(program, "-c", configuration, *arguments)
        with open(work / "calls.out", "a") as output:
            subprocess.run(
                words,
                env=environment(),
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=120,
                check=True,
            )

    def server(program: str, name: str) -> list[str]:
        return command(program, "-c", configuration, "--foreground", "--id", name)

    (work / "mon").mkdir()
    (work / "osd").mkdir()
    monitors, stores = work / "monmap", work / "osdmap"
    call("monmaptool", "--create", "--addv", "a", f"[v2:127.0.0.1:{monitor}]", monitors)
    call("osdmaptool", "--createsimple", "1", stores)
    maps = ["--monmap", monitors, "--osdmap", stores]
    call("ceph-mon", "--mkfs", "--id=a", "--keyring", keyring, *maps)
    with running(server("ceph-mon", "a"), work / "mon.out", SIGKILL):
        call("ceph-osd", "--mkfs", "--id=0")
        with running(server("ceph-osd", "0"), work / "osd.out", SIGKILL):
            user = ["--uid=test", "--display-name=test", f"--access-key={key}"]
            call("radosgw-admin", "user", "create", *user, f"--secret-key={secret}")
            url = f"http://127.0.0.1:{port}"
            with served_by(server("radosgw", "admin"), url, work / "rgw.out", SIGKILL):
                yield
