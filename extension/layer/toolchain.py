"""What builds a static binary for both of Lambda's processors: a Rust that knows them, and zig as the linker.

A Rust of rustup's that has the two musl targets is taken as it is. Where it has not, and none can be added, Debian's own
(`rustc-web`, which comes with the sources of its standard library) is unpacked into the cache beside, never installed:
with the sources, cargo builds the standard library for musl itself.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

CACHE = Path(os.environ.get("LAMBDAVIEW_CACHE", Path.home() / ".cache" / "lambdaview")) / "layer"
ARCHITECTURES = ("x86_64", "aarch64")
# The linker and the program that puts it in rustc's hands.
PYTHON_PACKAGES = ("ziglang==0.17.1", "cargo-zigbuild==0.24.0")
# rustc and cargo, the standard library as source and for whatever is built on the way (build scripts), and what they link to.
DEBIAN_PACKAGES = (
    "rustc-web cargo-web libstd-rust-web-dev libstd-rust-web-1.96 rust-web-src"
    " libllvm22 libgit2-1.5 libssh2-1 libhttp-parser2.9 libmbedcrypto7 libmbedtls14 libmbedx509-1"
).split()


class Toolchain(NamedTuple):
    """What cargo is called with, and in which environment."""

    says: str
    environment: dict[str, str]
    options: list[str]


def target(architecture: str) -> str:
    return f"{architecture}-unknown-linux-musl"


def find() -> Toolchain:
    """The toolchain of this machine; fetches what of it is not here.

    Raises `OSError` where there is none and none can be fetched, `subprocess.CalledProcessError` where fetching failed.
    """
    python = zig()
    path = f"{python / 'bin'}:{os.environ['PATH']}"
    if rustup_has_musl():
        return Toolchain(version("rustc"), {"PATH": path}, [])
    root = debian_rust()
    # Not rustup's cargo, which would put its own rustc in front again.
    environment = {
        "PATH": f"{root / 'usr/bin'}:{python / 'bin'}:/usr/bin:/bin",
        "LD_LIBRARY_PATH": str(root / "usr/lib/x86_64-linux-gnu"),
        "RUSTC": str(root / "usr/bin/rustc"),
        "CARGO": str(root / "usr/bin/cargo"),
        # `-Zbuild-std` is not stable; nothing else that is unstable is used.
        "RUSTC_BOOTSTRAP": "1",
    }
    says = version(environment["RUSTC"], environment)
    return Toolchain(f"{says} of Debian, standard library built for musl", environment, ["-Zbuild-std=std,panic_unwind"])


def rustup_has_musl() -> bool:
    if shutil.which("rustup") is None:
        return False
    listed = subprocess.run(["rustup", "target", "list", "--installed"], capture_output=True, text=True, check=False)
    return all(target(architecture) in listed.stdout.split() for architecture in ARCHITECTURES)


def version(rustc: str, environment: dict[str, str] | None = None) -> str:
    run = subprocess.run([rustc, "--version"], env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=True)
    return run.stdout.strip()


def zig() -> Path:
    """A virtual environment with zig and cargo-zigbuild in it."""
    return once("python-" + "-".join(PYTHON_PACKAGES), fetch_zig)


def fetch_zig(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PYTHON_PACKAGES], check=True)


def debian_rust() -> Path:
    if shutil.which("apt-get") is None:
        wanted = " ".join(target(architecture) for architecture in ARCHITECTURES)
        raise OSError(f"this machine's Rust cannot build for musl: `rustup target add {wanted}`, then again")
    return once("debian-rust-1.96", fetch_debian_rust)


def fetch_debian_rust(folder: Path) -> None:
    unpack(folder, DEBIAN_PACKAGES)


def unpack(folder: Path, packages: list[str]) -> None:
    """Fetches packages of Debian and unpacks them into a folder. The system keeps its own lists, and is not changed."""
    apt = folder / "apt"
    for needed in ("lists/partial", "archives/partial"):
        (apt / needed).mkdir(parents=True)
    apt_conf = apt / "apt.conf"
    apt_conf.write_text(f'Dir::State::lists "{apt}/lists";\nDir::Cache "{apt}";\nAPT::Sandbox::User "root";\n')
    environment = {**os.environ, "APT_CONFIG": str(apt_conf)}
    subprocess.run(["apt-get", "update", "-qq"], env=environment, check=True)
    subprocess.run(["apt-get", "download", "-qq", *packages], env=environment, cwd=apt, check=True)
    for package in sorted(apt.glob("*.deb")):
        subprocess.run(["dpkg", "-x", package, folder], check=True)
    shutil.rmtree(apt)


def emulator() -> Path:
    """A folder with `qemu-aarch64` or its static form in it: where one is installed, or in the cache."""
    for name in ("qemu-aarch64-static", "qemu-aarch64"):
        if found := shutil.which(name):
            return Path(found).parent
    return once("qemu-user", lambda folder: unpack(folder, ["qemu-user-static"])) / "usr/bin"


def once(name: str, fetch) -> Path:
    """The folder of this name in the cache, filled by whoever comes first; one that was not filled to its end is filled anew."""
    folder = CACHE / name
    whole = folder / ".whole"
    if not whole.is_file():
        print(f"fetching {name} into {CACHE} (once) ...", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        fetch(folder)
        whole.touch()
    return folder
