"""The options of `serve` that become `Settings`; each is handed on under the name of its member."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from tellback import settings
from tellback.cli import options

size = options.Words("2GiB", settings.size)
network = options.Words("cidr", settings.cidr)
rate = options.Words("600/1m|off", settings.rate)

#: What `serve` and `work` have in common: how calls go out.
DELIVERY = (
    options.option(
        "--allow-destination",
        "allow_destinations",
        type=network,
        multiple=True,
        help="Private networks that webhooks may go to. May be repeated.",
    ),
    options.option(
        "--retry-schedule",
        type=options.Words("0s,5s,5m", settings.schedule),
        default="0s,5s,5m,30m,2h,5h,10h,10h",
        show_default=True,
        help="The waits before each attempt at a delivery, ±20 %.",
    ),
)
FILES = options.option(
    "--files",
    default="",
    help="Where files are kept: a folder, or s3://bucket/prefix; in the data folder without it.",
)
SESSION_IDLE = options.option(
    "--session-idle",
    type=options.Words("30d", settings.duration),
    default="30d",
    show_default=True,
    help="How long a survey session may rest.",
)
INTAKE_RETENTION = options.option(
    "--intake-retention",
    "intake_retention_days",
    type=options.Words("30d", options.days),
    default="30d",
    show_default=True,
    help="How long the intake log keeps its entries.",
)
LOG_LEVEL = options.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="Logs go to standard error.",
)


def all_of_them(function: Callable[..., Any]) -> Callable[..., Any]:
    """Everything but the place (`options.hub`) and the port."""
    return _with(_OPTIONS, function)


def of_workers(function: Callable[..., Any]) -> Callable[..., Any]:
    """What works in the background has to know, in a process of its own."""
    return _with((*DELIVERY, FILES, SESSION_IDLE, INTAKE_RETENTION, LOG_LEVEL), function)


def _with(added: Sequence[Callable[..., Any]], function: Callable[..., Any]) -> Callable[..., Any]:
    for one in reversed(added):
        function = one(function)
    return function


_OPTIONS = (
    options.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on."),
    options.option(
        "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes that answer."
    ),
    options.option("--no-delivery", is_flag=True, help="Leave deliveries to `tellback work`."),
    options.option("--tls-cert", type=click.Path(path_type=Path), help="Certificate chain, PEM."),
    options.option("--tls-key", type=click.Path(path_type=Path), help="Its private key, PEM."),
    options.option(
        "--trusted-proxy",
        "trusted_proxies",
        type=network,
        multiple=True,
        help="Whose forwarded headers count. May be repeated.",
    ),
    *DELIVERY,
    options.option(
        "--public-url",
        type=options.Words("url", options.address),
        help="The address others reach the hub at; without it, the one they called.",
    ),
    FILES,
    options.option("--max-file-size", type=size, default="2GiB", show_default=True, help="Of one file."),
    SESSION_IDLE,
    options.option("--allow-http-pages", is_flag=True, help="Let survey pages be opened without TLS."),
    options.option("--dev", is_flag=True, help="For work on tellback itself."),
    options.option(
        "--rate-limit",
        "credential_rate",
        type=rate,
        default="6000/1m",
        show_default=True,
        help="Requests of one credential.",
    ),
    options.option(
        "--address-limit",
        "address_rate",
        type=rate,
        default="6000/1m",
        show_default=True,
        help="Requests of one address.",
    ),
    options.option("--limit-loopback", is_flag=True, help="Apply the limits to this machine itself, too."),
    INTAKE_RETENTION,
    LOG_LEVEL,
)
