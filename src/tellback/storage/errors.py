"""What the storage layer raises."""


class StorageError(Exception):
    """Base of every expected storage fault; `str(error)` is one line for an operator."""


class DatabaseAway(StorageError):
    """No answer from the database, or the connection broke: nothing is known to be stored."""


class QueueFull(StorageError):
    """More writes wait than the hub is set to hold; this one was not taken."""
