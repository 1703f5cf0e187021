"""What the storage layer raises."""


class StorageError(Exception):
    """Base of every expected storage fault; `str(error)` is one line for an operator."""


class DatabaseAway(StorageError):
    """No answer from the database, or the connection broke: nothing is known to be stored."""


class QueueFull(StorageError):
    """More writes wait than the hub is set to hold; this one was not taken."""


class BlobsAway(StorageError):
    """The file store could not do what was asked (disk full, bucket away): nothing was stored."""


class BlobMissing(StorageError):
    """The file store holds nothing under this name."""


class Unstorable(StorageError):
    """A value that PostgreSQL cannot hold: U+0000, half a surrogate pair, a number out of range."""
