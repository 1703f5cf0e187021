"""Why serving may not begin; `str(error)` is one line for an operator."""


class CannotServe(Exception):
    """Base of these."""


class PortInUse(CannotServe):
    """Somebody else listens there."""


class BadAddress(CannotServe):
    """The host or port cannot be listened on."""


class BadCertificate(CannotServe):
    """Certificate and key cannot be read, or are not a pair."""


class StartFailed(CannotServe):
    """A worker ended before the hub was ever ready; its log says why."""
