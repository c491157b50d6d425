"""Zips the release binary as a Lambda layer: `extensions/lambdaview-extension`, with its run bit and nothing else.

The archive is the same byte for byte for the same binary (fixed time stamps), and its size and SHA-256 are printed,
with the newest glibc symbol the binary asks for: that says which of Lambda's operating systems it starts on.
"""

import hashlib
import os
import platform
import re
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
NAME = "lambdaview-extension"
# glibc of the systems that Lambda's managed runtimes stand on.
SYSTEMS = {"Amazon Linux 2": (2, 26), "Amazon Linux 2023": (2, 34)}


def newest_glibc(binary: bytes) -> tuple[int, int] | None:
    found = {(int(major), int(minor)) for major, minor in re.findall(rb"GLIBC_(\d+)\.(\d+)", binary)}
    return max(found, default=None)


def zip_layer(binary: bytes, path: Path) -> None:
    entry = zipfile.ZipInfo(f"extensions/{NAME}", date_time=(1980, 1, 1, 0, 0, 0))
    entry.create_system = 3  # Unix: without it the mode below is not read
    entry.external_attr = 0o100755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, binary, compresslevel=9)


def main() -> int:
    if platform.machine() != "x86_64":
        print(f"error: this makes the x86_64 layer, and this machine is {platform.machine()}", file=sys.stderr)
        return 1
    source = TARGET / "release" / NAME
    if not source.is_file():
        print(f"error: no binary at {source}: run `make layer`, which builds it first", file=sys.stderr)
        return 1
    binary = source.read_bytes()
    layer = TARGET / "layer" / f"{NAME}-x86_64.zip"
    zip_layer(binary, layer)
    floor = newest_glibc(binary)
    runs_on = [name for name, version in SYSTEMS.items() if floor is None or version >= floor]
    print(f"{layer}")
    print(f"  binary   {len(binary):>10,} bytes, stripped")
    print(f"  layer    {layer.stat().st_size:>10,} bytes")
    print(f"  sha256   {hashlib.sha256(layer.read_bytes()).hexdigest()}")
    print(f"  glibc    {'static' if floor is None else '.'.join(map(str, floor))}: {', '.join(runs_on) or 'newer than any Lambda runtime has'}")
    return 0 if runs_on else 1


if __name__ == "__main__":
    sys.exit(main())
