"""What to do about a call that failed: one sentence a person can act on, for every way of failing."""

from __future__ import annotations

from http import HTTPStatus
from typing import Literal

Fault = Literal[
    "dns", "refused", "unreachable", "forbidden", "certificate", "tls", "connect_timeout", "timeout",
    "disconnected", "incomplete", "not_http", "address", "other", "stopped",
]  # fmt: skip

#: Fault -> what happened, and what to do about it.
FAULTS: dict[Fault, tuple[str, str]] = {
    "dns": (
        "The host name could not be resolved.",
        "Check the spelling of the host, and that this machine's name server knows it.",
    ),
    "refused": (
        "The connection was refused.",
        "Nothing listens at that host and port: check the port, and that the receiver runs.",
    ),
    "unreachable": (
        "The host could not be reached.",
        "Check the network and the firewalls between this machine and the receiver.",
    ),
    "forbidden": (
        "The address is in a network that calls may not go to.",
        "Private and local networks are refused unless the operator allows them: --allow-destination CIDR.",
    ),
    "certificate": (
        "The receiver's certificate is not valid.",
        "Renew it, name this host in it, or send the whole chain; self-signed ones are not accepted.",
    ),
    "tls": (
        "No TLS connection could be made.",
        "Check that the port speaks TLS 1.2 or newer; plain HTTP needs an http:// address.",
    ),
    "connect_timeout": (
        "No connection within 5 seconds.",
        "A firewall may be dropping what comes in: check that the port is open to this machine.",
    ),
    "timeout": (
        "No complete answer within 20 seconds.",
        "Let the receiver answer first and work afterwards.",
    ),
    "disconnected": (
        "The connection was closed before there was an answer.",
        "Look into the receiver's log for a crash or a restart, and for limits of a proxy before it.",
    ),
    "incomplete": (
        "The answer ended before its announced length.",
        "The receiver, or a proxy before it, broke off or announces a wrong Content-Length.",
    ),
    "not_http": (
        "The answer was not HTTP.",
        "Check that the port belongs to a web server, and that http and https are not mixed up.",
    ),
    "address": (
        "The address cannot be called.",
        "Look at the URL with its tags filled in: it must begin with http:// or https:// and name a host.",
    ),
    "other": (
        "The call failed.",
        "Look at the error; if it stays, try the same request by hand from this machine.",
    ),
    "stopped": (
        "The worker was stopped before there was an answer.",
        "Nothing: it is sent again, with the same webhook-id.",
    ),
}

_STATUSES = {
    400: "The receiver does not understand the request: compare its body and headers with what it documents.",
    401: "The receiver wants other credentials: check the password, token or headers of the webhook.",
    403: "The credentials are known and not allowed to do this: check their rights at the receiver.",
    404: "There is nothing at this URL: check its path, and the tags in it.",
    405: "The receiver does not take this method here: change the webhook's method.",
    408: "The receiver waited too long for the request: look at the network between.",
    409: "The receiver sees a conflict with what it has: look at its answer.",
    410: "The receiver says it is gone for good: the destination was disabled. Change its URL, or enable it again.",
    413: "The request is too large for the receiver: send less in the body.",
    415: "The receiver does not take this kind of body: set the Content-Type header it documents.",
    422: "The receiver refuses a value: its answer should say which.",
    429: "The receiver wants fewer calls: they are slowed down, and sent when it allows.",
    500: "The receiver failed: its log should say why. The call is repeated.",
    502: "A proxy could not reach the receiver: check that it runs behind it. Calls are slowed down and repeated.",
    503: "The receiver is not available now. The call is repeated.",
    504: "The receiver was too slow for the proxy before it. Calls are slowed down and repeated.",
}
_CLASSES = {
    1: "The receiver sent no final answer: check what stands between.",
    3: "Redirects are not followed: put the final address into the URL.",
    4: "The receiver refuses the call: its answer should say why.",
    5: "The receiver failed: its log should say why. The call is repeated.",
}


def of_status(status: int) -> str:
    """The hint for an answer that was no success."""
    return (
        _STATUSES.get(status) or _CLASSES.get(status // 100) or "The answer's status is none that HTTP has."
    )


def reason(status: int) -> str:
    """`, Not Found` for 404; nothing for a status without a name."""
    try:
        return f", {HTTPStatus(status).phrase}"
    except ValueError:
        return ""
