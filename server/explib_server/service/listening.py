"""The socket of the service, and the lock by which there is one of it. Standard library only: it listens at once."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import sys
import time

from explib_server.service.paths import Place

BACKLOG = 128
WAIT_SECONDS = 10.0
"""How long a service that ends may hold the lock."""
LOOK_SECONDS = 0.02
PEER = struct.Struct("3i")
MAC_PEER = struct.Struct("2I")


class Listening:
    """The listening socket of the only service of a database."""

    def __init__(self, place: Place, lock: int) -> None:
        self._place = place
        self._lock = lock
        self.socket = socket.socket(socket.AF_UNIX)
        if os.path.lexists(place.socket):  # of one that was killed
            os.unlink(place.socket)
        before = os.umask(0o177)
        try:
            self.socket.bind(place.socket)
        finally:
            os.umask(before)
        self.socket.listen(BACKLOG)
        self.socket.setblocking(False)
        self._own = self._identity()

    @property
    def reachable(self) -> bool:
        """False once the socket's name is gone, or another's."""
        return self._identity() == self._own

    def end(self) -> None:
        """Nobody connects any more. The lock stays: the next service waits for this process's end, or `give_way`."""
        if self.reachable:
            os.unlink(self._place.socket)
        self.socket.close()

    def give_way(self) -> None:
        """Let the next service begin now. Only after `end`."""
        os.close(self._lock)

    def _identity(self) -> tuple[int, int] | None:
        try:
            status = os.lstat(self._place.socket)
        except OSError:
            return None
        return status.st_dev, status.st_ino


def listen(place: Place) -> Listening | None:
    """The socket of this process's service; None where another one serves. Raises OSError."""
    lock = os.open(place.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if _served(place) or time.monotonic() > until:
                os.close(lock)
                return None
            time.sleep(LOOK_SECONDS)
        else:
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
            return Listening(place, lock)


def peer_is_own(connection: socket.socket) -> bool:
    """True if the process at the other end is this user's."""
    if sys.platform == "darwin":
        _, user = MAC_PEER.unpack_from(connection.getsockopt(0, 1, 76))  # LOCAL_PEERCRED: struct xucred
        return bool(user == os.getuid())
    _, user, _ = PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER.size))
    return bool(user == os.getuid())


def _served(place: Place) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(place.socket)
        except OSError:
            return False
    return True
