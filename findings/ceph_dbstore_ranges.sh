#!/usr/bin/env bash
# The S3 gateway of Ceph 20.2.4 over SQLite (rgw_backend_store = dbstore) answers ranges and large uploads with wrong bytes.
#
# This is the gateway without a cluster, as one would start it for tests or on a small machine. A range that does not
# begin with the object has the right Content-Range and length, and bytes from elsewhere in the object. Of an object that
# was uploaded in parts, one part comes back in the place of each. Whole objects of one part are right. The same gateway
# over a cluster is right in all.
#
# Needs apt-get and dpkg-deb, and fetches 150 MB of Debian sid; nothing is installed in the system.
#
# Seen on 29 November 2026 with Python 3.11.7:
#   ceph version 20.2.4
#   whole: right
#   bytes=0-999: bytes 0-999/100000, the bytes from 0 on
#   bytes=1000-1999: bytes 1000-1999/100000, the bytes from 0 on
#   bytes=35000-35999: bytes 35000-35999/100000, the bytes from 1024 on
#   bytes=99000-99999: bytes 99000-99999/100000, the bytes from 1024 on
#   parts 1, 2, 3: 3, 3, 3
set -euo pipefail
folder=$(mktemp -d)
gateway=
trap '[ -z "$gateway" ] || kill -KILL "$gateway"; rm -rf "$folder"' EXIT
"${1:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/pip" -q --disable-pip-version-check install boto3==1.44.8

mkdir -p "$folder"/apt/{lists/partial,archives/partial,none} "$folder/data"
: >"$folder/apt/status"
keys=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keys] ${DEBIAN_MIRROR:-http://deb.debian.org/debian} sid main" >"$folder/apt/sources.list"
cat >"$folder/apt.conf" <<END
Dir::State "$folder/apt";
Dir::State::status "$folder/apt/status";
Dir::Cache "$folder/apt";
Dir::Etc::SourceList "$folder/apt/sources.list";
Dir::Etc::SourceParts "$folder/apt/none";
APT::Sandbox::User "root";
END
export APT_CONFIG="$folder/apt.conf"
apt-get -qq update >&2
apt-get -qq install --yes --no-install-recommends --download-only radosgw >&2
for package in "$folder"/apt/archives/*.deb; do dpkg-deb --extract "$package" "$folder/root"; done

port=$("$folder/venv/bin/python" -c "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])")
cat >"$folder/ceph.conf" <<END
[global]
fsid = 11111111-2222-3333-4444-555555555555
mon_host = 127.0.0.1
run_dir = $folder/data
log_file = $folder/data/\$name.log
admin_socket =
rgw_backend_store = dbstore
rgw_config_store = dbstore
dbstore_db_dir = $folder/data
dbstore_config_uri = file:$folder/data/config.db
rgw_data = $folder/data
rgw_frontends = beast endpoint=127.0.0.1:$port
END
loader=$(echo "$folder"/root/usr/lib/*/ld-linux-*)
libraries=$(dirname "$loader")
ceph=("$loader" --library-path "$libraries:$libraries/ceph")
options=(-c "$folder/ceph.conf" --no-mon-config)
secret=secretsecretsecretsecretsecretsecretsecr
"${ceph[@]}" "$folder/root/usr/bin/radosgw-admin" "${options[@]}" user create \
    --uid=test --display-name=test --access-key=AKIATESTTESTTESTTEST --secret-key=$secret >/dev/null
"${ceph[@]}" "$folder/root/usr/bin/radosgw" "${options[@]}" --foreground --id admin >"$folder/log" 2>&1 &
gateway=$!
for _ in $(seq 60); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
    sleep 0.5
done

cat >"$folder/expected" <<'END'
ceph version 20.2.4
whole: right
bytes=0-999: bytes 0-999/100000, the bytes from 0 on
bytes=1000-1999: bytes 1000-1999/100000, the bytes from 0 on
bytes=35000-35999: bytes 35000-35999/100000, the bytes from 1024 on
bytes=99000-99999: bytes 99000-99999/100000, the bytes from 1024 on
parts 1, 2, 3: 3, 3, 3
END
{
    "${ceph[@]}" "$folder/root/usr/bin/radosgw" --version | cut -d' ' -f1-3
    "$folder/venv/bin/python" - "$port" "$secret" <<'END'
import random
import sys

import boto3

port, secret = sys.argv[1:]
s3 = boto3.client(
    "s3",
    endpoint_url=f"http://127.0.0.1:{port}",
    aws_access_key_id="AKIATESTTESTTESTTEST",
    aws_secret_access_key=secret,
    region_name="us-east-1",
)
s3.create_bucket(Bucket="bucket")
data = random.Random(1).randbytes(100_000)
s3.put_object(Bucket="bucket", Key="one", Body=data)
found = s3.get_object(Bucket="bucket", Key="one")["Body"].read()
print("whole:", "right" if found == data else "wrong")
for asked in "bytes=0-999", "bytes=1000-1999", "bytes=35000-35999", "bytes=99000-99999":
    answer = s3.get_object(Bucket="bucket", Key="one", Range=asked)
    print(f"{asked}: {answer['ContentRange']}, the bytes from {data.find(answer['Body'].read())} on")

many = {"Bucket": "bucket", "Key": "many"}
many["UploadId"] = s3.create_multipart_upload(**many)["UploadId"]
parts = {number: random.Random(number).randbytes(5 << 20) for number in (1, 2, 3)}
tags = [
    {"PartNumber": number, "ETag": s3.upload_part(**many, PartNumber=number, Body=part)["ETag"]}
    for number, part in parts.items()
]
s3.complete_multipart_upload(**many, MultipartUpload={"Parts": tags})
found = s3.get_object(Bucket="bucket", Key="many")["Body"].read()
pieces = [found[k * (5 << 20) : (k + 1) * (5 << 20)] for k in range(3)]
names = [next((str(n) for n, part in parts.items() if part == piece), "none") for piece in pieces]
print("parts 1, 2, 3:", ", ".join(names))
END
} | tee "$folder/seen"
diff "$folder/expected" "$folder/seen"
