"""Ports of 127.0.0.1 for servers that cannot choose one themselves.

The kernel takes the ports of outgoing connections from 32768 and up, so one of these may be gone again before
the server listens, or while it is restarted. Ours lie below that. Several test programs look at the same time:
a name in the abstract namespace of Unix sockets (unix(7)) marks a port as taken until this process ends;
tests/contract/storage/server.c does the same.
"""
import random
import socket

LOWEST, HIGHEST = 15000, 31999

_marks = []   # held, never closed


def _mark(port):
    mark = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        mark.bind(f"\0eventgw-test-port-{port}")
    except OSError:
        mark.close()
        return False
    _marks.append(mark)
    return True


def _can_bind(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(count):
    """That many ports that nobody has, and nobody who asks here will be given while this process lives."""
    found = []
    for port in random.sample(range(LOWEST, HIGHEST + 1), 2000):
        if len(found) == count:
            return found
        if _can_bind(port) and _mark(port):
            found.append(port)
    raise AssertionError(f"no {count} free ports from {LOWEST} to {HIGHEST}")


def free_port():
    return free_ports(1)[0]
