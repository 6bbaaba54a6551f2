"""The socket that the workers share, and who may reach it."""

from __future__ import annotations

import errno
import ipaddress
import socket


class CannotListen(Exception):
    """The address may not or cannot be listened on; the message says why and what to do."""


def refuse_open_to_others(host: str) -> None:
    """In the sandbox whoever reaches the port may read every record: only this machine may."""
    if not is_loopback(host):
        raise CannotListen(
            f"{host} is not a loopback address, and --open asks for no tokens: everyone on the "
            "network could read and change every record. Use --host 127.0.0.1, or leave out --open."
        )


def is_loopback(host: str) -> bool:
    return all(ipaddress.ip_address(address).is_loopback for _, address in addresses(host))


def listen(host: str, port: int) -> socket.socket:
    family, address = addresses(host)[0]
    try:
        return socket.create_server((address, port), family=family, backlog=2048)
    except OSError as error:
        raise CannotListen(_why(error, host, port)) from error


def addresses(host: str) -> list[tuple[socket.AddressFamily, str]]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise CannotListen(f"{host} is no address of this machine: {error.strerror}.") from error
    return [(family, str(address[0])) for family, _, _, _, address in found]


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} is taken by another program. Stop that one, or choose another port: "
            "`make run PORT=8010`, `medconsult serve --port 8010` or MEDCONSULT_PORT=8010."
        )
    return f"Listening on {host} port {port} is not possible: {error.strerror}."
