"""The browser: found on this machine, or installed from Debian."""

import os
from pathlib import Path
import shutil
import subprocess

# Without fonts Debian's Chromium draws no text at all.
_PACKAGES = ("chromium", "fonts-dejavu-core", "fonts-liberation")
_NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class NoBrowser(Exception):
    """There is no browser; the text says what to do."""


def find_chromium() -> Path:
    """Return the browser's program; install it if that needs nobody's password.

    Raises:
        NoBrowser: there is none, and none can be installed.

    """
    if named := os.environ.get("CHROMIUM"):
        if not shutil.which(named):
            raise NoBrowser(f"CHROMIUM={named} is no program")
        return Path(named)
    if found := _on_path():
        return found
    _install()
    if found := _on_path():
        return found
    raise NoBrowser("there is no chromium on PATH; name one with CHROMIUM=/path/to/chromium")


def _on_path() -> Path | None:
    return next((Path(path) for name in _NAMES if (path := shutil.which(name))), None)


def _install() -> None:
    command = " ".join(("apt-get install --yes --no-install-recommends", *_PACKAGES))
    if shutil.which("apt-get") is None:
        raise NoBrowser("install Chromium and a font, or name one with CHROMIUM=/path/to/chromium")
    run = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if run and shutil.which("sudo") is None:
        raise NoBrowser(f"run as root: {command}")
    # A machine that has just been made has no lists of packages yet.
    for each in (command, "apt-get update", command):
        print(f"chromium: {each}", flush=True)
        done = subprocess.run([*run, *each.split()], stdout=subprocess.DEVNULL, check=False)
        if each == command and done.returncode == 0:
            return
    raise NoBrowser(f"run as root: apt-get update && {command}")
