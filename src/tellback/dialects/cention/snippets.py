"""The images of a report: a fixed table of our own, each drawn in its address, so that nothing has to be fetched.

Whatever text goes beside them is escaped.
"""

from __future__ import annotations

from html import escape

_DRAWN = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='12' height='12'%3E"
    "%3Ccircle cx='6' cy='6' r='5' fill='%23{colour}'/%3E%3C/svg%3E"
)
#: By state: the colour and what it says.
_STATES = {
    "open": ("c0392b", "Errand is open"),
    "acquired": ("d68910", "Errand has been opened by an agent"),
    "answered": ("1e8449", "Errand has been answered"),
    "closed": ("566573", "Errand has been closed"),
    "deleted": ("17202a", "Errand has been deleted"),
}
#: By service: the colour.
_SERVICES = {1: "2471a3", 2: "7d3c98", 3: "117a65", 4: "b9770e", 5: "515a5a", 6: "1f618d"}


def status(state: str, name: str) -> str:
    """The image of a state, titled with it and the name of the ticket's status."""
    colour, said = _STATES[state]
    return _image(colour, f"{said} ({name})")


def subject(service: int, service_name: str, text: str) -> str:
    """The image of the service an errand came by, and its subject behind it."""
    return _image(_SERVICES[service], f"From {service_name}") + escape(text)


def _image(colour: str, title: str) -> str:
    source = _DRAWN.format(colour=colour)
    return f'<img src="{source}" title="{escape(title)}" style="vertical-align:middle;" border="0"/> '
