"""Started in every kernel of the tests: a lesson that looks beyond this computer fails there and then.

An audit hook sees each connection Python makes and cannot be taken off. What it stops, it also writes to the file
COURSE_SOCKET_LOG, so that a lesson that swallows the error is found too. Jupyter's own channels go over loopback.
"""

import ipaddress
import os
import socket
import sys

LOOKUPS = ("socket.getaddrinfo", "socket.gethostbyname")
SENDS = ("socket.connect", "socket.sendto", "socket.sendmsg")
HERE = ("", "localhost", socket.gethostname())  # asked once: the question itself raises an event


def is_local(host: object) -> bool:
    """Whether a host name or address stays on this computer."""
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host is None or host in HERE:
        return True
    try:
        return ipaddress.ip_address(str(host).split("%")[0]).is_loopback
    except ValueError:
        return False


def target(event: str, arguments: tuple) -> object:
    """The host that an event is about; None when it is about none outside (Unix sockets, connected sockets)."""
    if event in LOOKUPS:
        return arguments[0]
    if event in SENDS and isinstance(arguments[-1], tuple) and arguments[-1]:
        return arguments[-1][0]
    return None


def stop_outside(event: str, arguments: tuple) -> None:
    """The audit hook."""
    if event not in LOOKUPS + SENDS or is_local(host := target(event, arguments)):
        return
    if log := os.environ.get("COURSE_SOCKET_LOG"):
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"{event} {host}\n")
    raise ConnectionError(f"A lesson must run without the network, but this one asked for {host} ({event}).")


def start() -> None:
    """Watch this process from now on."""
    sys.addaudithook(stop_outside)
