"""Where the service of a database is found: socket, lock and log, all of this person's own. Standard library only."""

from __future__ import annotations

import hashlib
import os
import stat
import sys

from explib.settings.places import default_database_url, folder, given

PLATFORMS = ("linux", "darwin")
PRIVATE = 0o700
MOST_BYTES = 100
"""Of a socket's path: systems take 104 or 108."""
KEY_CHARACTERS = 12
SQLITE = "sqlite+aiosqlite:///"


class NoService(OSError):
    """There can be no service here; the message says why, and what to do."""


class ServiceOff(NoService):
    """There is none by intent."""


class Place:
    """The files of one database's service. Raises NoService where there can be none."""

    def __init__(self) -> None:
        if given("service") == "off":
            raise ServiceOff("EXPLIB_SERVICE is off")
        if sys.platform not in PLATFORMS:
            raise ServiceOff(f"there is no service on {sys.platform}")
        self.database_url = database_url()
        self.database_file = file_of(self.database_url)
        self.key = hashlib.sha256(self.database_url.encode()).hexdigest()[:KEY_CHARACTERS]
        runtime = runtime_folder()
        self.socket = os.path.join(runtime, f"{self.key}.sock")
        self.lock = os.path.join(runtime, f"{self.key}.lock")
        self.log = os.path.join(folder("log"), f"service-{self.key}.log")
        if len(os.fsencode(self.socket)) > MOST_BYTES:
            raise NoService(f"the path {self.socket} is too long for a socket: set XDG_RUNTIME_DIR to a shorter folder")

    def environment(self) -> dict[str, str]:
        """The variables of the service: this process's, but what belongs to one client travels with its connection."""
        own = {key: value for key, value in os.environ.items() if key.upper() != "EXPLIB_LIBRARY"}
        if own.get("EXPLIB_CONFIG"):
            own["EXPLIB_CONFIG"] = os.path.abspath(own["EXPLIB_CONFIG"])
        return {**own, "EXPLIB_DATABASE_URL": self.database_url}


def database_url() -> str:
    """The database of this environment, however it is written. Raises NoService for one in memory."""
    url = given("database_url") or default_database_url()
    if (file := file_of(url)) is None:
        return url
    if file in ("", ":memory:"):
        raise ServiceOff("a database in memory is its process's own")
    _, mark, query = url.partition("?")
    return f"{SQLITE}{os.path.realpath(file)}{mark}{query}"


def file_of(url: str) -> str | None:
    """The file of an SQLite database; None for a server's."""
    scheme, _, rest = url.partition("://")
    return rest.partition("?")[0].removeprefix("/") if scheme.partition("+")[0] == "sqlite" else None


def runtime_folder() -> str:
    """The folder of the sockets, made where it is missing. Raises NoService where it isn't safe."""
    path = _runtime_path()
    try:
        os.makedirs(path, PRIVATE, exist_ok=True)
        status = os.lstat(path)
    except OSError as error:
        raise NoService(f"the folder {path} can't be made or read ({error.strerror}): set XDG_RUNTIME_DIR") from error
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise NoService(f"{path} belongs to somebody else: remove it, or set XDG_RUNTIME_DIR to a folder of your own")
    if stat.S_IMODE(status.st_mode) & ~PRIVATE:
        os.chmod(path, PRIVATE)
    return path


def _runtime_path() -> str:
    """Many clients hand on no XDG_RUNTIME_DIR: the folder that it names where systemd sets it is looked for then."""
    user = os.getuid()
    if home := os.environ.get("XDG_RUNTIME_DIR"):
        return os.path.join(home, "explib")
    home = f"/run/user/{user}"
    return os.path.join(home, "explib") if os.access(home, os.W_OK) else f"/tmp/explib-{user}"


def service_log() -> str | None:
    """The log of this database's service on this machine; None where none ever ran, or can run."""
    try:
        log = Place().log
    except NoService:
        return None
    return log if os.path.exists(log) else None
