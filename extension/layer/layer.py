"""The layer as Lambda takes it: a static binary for each processor, zipped as `extensions/lambdaview-extension` and nothing else.

    layer.py            builds, zips, and proves that each runs
    layer.py zip FILE   only zips a binary that is there already (for who builds otherwise)

The same sources give the same bytes wherever they stand: paths of this machine are taken out of the binary, the archive has no
time stamps. Sizes and SHA-256 are printed; `layer.json` beside the archives says them too.
"""

import hashlib
import json
import os
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

import toolchain

ROOT = Path(__file__).resolve().parent.parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
OUT = TARGET / "layer"
NAME = "lambdaview-extension"
# As Lambda names them, by ELF's numbers: `layer.py zip` tells a binary's processor by its header.
MACHINES = {62: "x86_64", 183: "arm64"}
INTERPRETER = 3  # PT_INTERP: a program that wants a dynamic linker has one


class Binary(NamedTuple):
    """What the ELF header says of a program."""

    architecture: str
    static: bool


def build(chain: toolchain.Toolchain, architecture: str) -> Path:
    """The binary for a processor, built in a folder of its own: its rustc may be another than that of the rest."""
    target = toolchain.target(architecture)
    flags = [
        # zig brings the start of a program; rustc's own is not there where its standard library was built on the spot.
        "-Clink-self-contained=no",
        f"--remap-path-prefix={ROOT}=/lambdaview",
        f"--remap-path-prefix={Path(os.environ.get('CARGO_HOME', Path.home() / '.cargo'))}=/cargo",
        f"--remap-path-prefix={toolchain.CACHE}=/toolchain",
    ]
    environment = {
        **os.environ,
        **chain.environment,
        f"CARGO_TARGET_{target.upper().replace('-', '_')}_RUSTFLAGS": " ".join(flags),
    }
    folder = OUT / "build"
    command = ["cargo-zigbuild", "zigbuild", "--release", "--locked", "-p", NAME, "--target", target, "--target-dir", str(folder)]
    subprocess.run([*command, *chain.options], env=environment, cwd=ROOT, check=True)
    return folder / target / "release" / NAME


def look_at(binary: bytes) -> Binary:
    """Raises `ValueError` for what is no program of Lambda's processors."""
    if binary[:6] != b"\x7fELF\x02\x01":
        raise ValueError("it is no 64-bit program of Linux")
    (machine,) = struct.unpack_from("<H", binary, 18)
    if machine not in MACHINES:
        raise ValueError(f"it is for a processor that Lambda has not (ELF machine {machine})")
    (headers,) = struct.unpack_from("<Q", binary, 32)
    size, count = struct.unpack_from("<HH", binary, 54)
    kinds = [struct.unpack_from("<I", binary, headers + nth * size)[0] for nth in range(count)]
    return Binary(MACHINES[machine], INTERPRETER not in kinds)


def zip_layer(binary: bytes, path: Path) -> None:
    entry = zipfile.ZipInfo(f"extensions/{NAME}", date_time=(1980, 1, 1, 0, 0, 0))
    entry.create_system = 3  # Unix: without it the mode below is not read
    entry.external_attr = 0o100755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, binary, compresslevel=9)


def pack(source: Path) -> dict[str, object]:
    """The archive of a binary; what is to be known of it."""
    binary = source.read_bytes()
    elf = look_at(binary)
    if not elf.static:
        raise ValueError("it is linked to a libc, which not every system of Lambda's has")
    archive = OUT / f"{NAME}-{elf.architecture}.zip"
    zip_layer(binary, archive)
    return {
        "architecture": elf.architecture,
        "archive": archive.name,
        "bytes": archive.stat().st_size,
        "binary_bytes": len(binary),
        "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
    }


def tell(layers: list[dict[str, object]]) -> None:
    for layer in layers:
        print(f"{OUT / str(layer['archive'])}")
        print(f"  for      {layer['architecture']}, static: Amazon Linux 2 and 2023, Alpine, or nothing at all")
        print(f"  layer    {layer['bytes']:>10,} bytes")
        print(f"  binary   {layer['binary_bytes']:>10,} bytes, stripped")
        print(f"  sha256   {layer['sha256']}")


def prove() -> None:
    """Runs what was zipped, as the tests do it: against the platform's emulator."""
    path = f"{os.environ['PATH']}:{toolchain.emulator()}"
    environment = {**os.environ, "LAMBDAVIEW_LAYER": str(OUT), "PATH": path}
    command = ["cargo", "test", "--locked", "-p", "lambdaview-tests", "--test", "it", "--", "layer::", "--nocapture"]
    subprocess.run(command, env=environment, cwd=ROOT, check=True)


def main(arguments: list[str]) -> int:
    try:
        if arguments[:1] == ["zip"] and len(arguments) == 2:
            tell([pack(Path(arguments[1]))])
            return 0
        if arguments:
            print(__doc__, file=sys.stderr)
            return 2
        chain = toolchain.find()
        print(f"building with {chain.says} ...", flush=True)
        layers = [pack(build(chain, architecture)) for architecture in toolchain.ARCHITECTURES]
        (OUT / "layer.json").write_text(json.dumps(layers, indent=2) + "\n")
        prove()
        tell(layers)
    except (OSError, ValueError) as why:
        print(f"error: {why}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as failed:
        print(f"error: `{' '.join(map(str, failed.cmd))}` ended with {failed.returncode}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
