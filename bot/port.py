"""The port the application listens on."""

from __future__ import annotations

import socket


class PortTaken(OSError):
    """Another program listens on that port: stop it, or choose another with --port."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. Raises PortTaken."""
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise PortTaken(f"{host}:{port} is in use: stop what listens there, or choose another port") from error
    return listening
