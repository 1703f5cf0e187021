"""The objects of a bucket, by obstore: every call is bounded in time, and its faults are named.

Imported where a bucket is configured and nowhere else. A process that has imported it leaves through `os._exit`
once it has shut down: obstore's threads may otherwise abort it while the interpreter ends.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import obstore
from obstore import exceptions, store

from tellback.storage.blobs.place import Bucket, is_web_address
from tellback.storage.errors import BlobMissing, BlobsAway, StorageError

#: Bytes of a part of an upload (S3 takes at least 5 MiB and at most 10,000 of them). What is not longer than one goes
#: in one request.
PART = 8 * 1024 * 1024
#: Parts of one upload on their way at the same time.
PARTS_AT_ONCE = 2

CONNECT_WITHIN = timedelta(seconds=3)
#: One request, a whole part included: a line that carries less than 280 kB/s is taken for broken.
ANSWER_WITHIN = timedelta(seconds=30)
RETRIES = 2
#: From here on nothing is tried again.
RETRY_WITHIN = timedelta(seconds=10)

#: Where the store's address is looked for, as S3 tools do: the first counts. Without any it is AWS's own.
_ADDRESSES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
#: What is asked of the service that tells a machine of AWS its keys; obstore does when the environment names none.
_METADATA = re.compile(r"/latest/(api/token|meta-data/)")
_CODE = re.compile(r"<Code>([A-Za-z]{1,64})</Code>")
_STATUS = re.compile(r"status code: ([1-5][0-9]{2})")


class GivenUp(Exception):
    """Raised by the blocks of an upload that is not to be finished; the upload raises it again."""


@dataclass(frozen=True, slots=True)
class Object:
    """One that was listed: the last part of its path, and when it was stored."""

    name: str
    stored_at: datetime


class Objects:
    """The objects of one bucket under one prefix, by paths below that. Keys and address: from the environment."""

    def __init__(self, bucket: Bucket) -> None:
        """Asks nobody anything yet. Raises `StorageError` for an environment that cannot be right."""
        self._bucket = bucket
        address = _address()
        self._host = urlsplit(address).netloc.rpartition("@")[2] or "AWS"
        endpoint: store.S3Config = {"endpoint": address} if address else {}
        try:
            self._store = store.S3Store(
                bucket.name,
                prefix=bucket.prefix or None,
                config=endpoint,
                client_options={
                    "allow_http": address.startswith("http://"),
                    "connect_timeout": CONNECT_WITHIN,
                    "timeout": ANSWER_WITHIN,
                },
                retry_config={
                    "max_retries": RETRIES,
                    "retry_timeout": RETRY_WITHIN,
                    "backoff": {
                        "init_backoff": timedelta(milliseconds=100),
                        "max_backoff": timedelta(seconds=1),
                        "base": 2,
                    },
                },
            )
        except (exceptions.BaseError, ValueError) as error:
            raise StorageError(f"the AWS_… variables are not what {bucket} can be opened with") from error

    async def put(self, path: str, block: bytes | bytearray) -> None:
        """Store an object in one request, unless there is one. Raises `BlobsAway`."""
        with self._named():
            await obstore.put_async(self._store, path, block, mode="create", use_multipart=False)

    async def upload(self, path: str, blocks: AsyncIterator[bytearray]) -> None:
        """Store an object of many blocks of `PART` bytes, the last one of fewer; it is there at the end, not before.

        Raises `BlobsAway`, and `GivenUp` when `blocks` does; then the parts that were sent are removed.
        """
        with self._named():
            await obstore.put_async(
                self._store,
                path,
                blocks,
                use_multipart=True,
                chunk_size=PART,
                max_concurrency=PARTS_AT_ONCE,
            )

    async def size(self, path: str) -> int:
        """Of an object, in bytes. Raises `BlobMissing`, `BlobsAway`."""
        try:
            with self._sought():
                return (await obstore.head_async(self._store, path))["size"]
        except BlobMissing:
            await self.look()  # it may be the bucket that is not there
            raise

    async def read(self, path: str, start: int, end: int) -> bytes:
        """The bytes from `start` to before `end`, which must be in the object. Raises `BlobMissing`, `BlobsAway`."""
        with self._sought():
            return (await obstore.get_range_async(self._store, path, start=start, end=end)).to_bytes()

    async def delete(self, paths: Sequence[str]) -> None:
        """Remove objects; one that is not there is no fault. Raises `BlobsAway`."""
        try:
            with self._sought():
                await obstore.delete_async(self._store, paths)
        except BlobMissing:
            await self.look()

    async def listed(self, prefix: str) -> AsyncGenerator[list[Object], None]:
        """The objects right below <prefix>/, in lists of at most a thousand. Raises `BlobsAway`."""
        with self._named():
            async for page in obstore.list(self._store, prefix=prefix, chunk_size=1000):
                yield [Object(one["path"].rpartition("/")[2], one["last_modified"]) for one in page]

    async def look(self) -> None:
        """See whether the bucket answers. Raises `BlobsAway`."""
        async with aclosing(self.listed("probe")) as pages:
            await anext(pages, None)

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Faults of obstore as ours; their own texts repeat requests and answers, and name keys."""
        try:
            yield
        except (GivenUp, StorageError):
            raise
        except Exception as error:
            raise BlobsAway(self._said(error)) from None

    @contextmanager
    def _sought(self) -> Iterator[None]:
        """As `_named`, where it may be the object that is not there, and not the bucket: `BlobMissing`."""
        with self._named():
            try:
                yield
            except FileNotFoundError as error:
                if "NoSuchBucket" in str(error):
                    raise
                raise BlobMissing("the file store holds nothing under this name") from None

    def _said(self, error: Exception) -> str:
        text = str(error)
        code, status = _CODE.search(text), _STATUS.search(text)
        if _METADATA.search(text):
            return "there are no keys; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        if code and code[1] == "NoSuchBucket":
            return f"there is no bucket {self._bucket.name} at {self._host}"
        if status:
            why = f" ({code[1]})" if code else ""
            refused = status[1] in ("401", "403")
            return f"{self._host} {'refuses the keys' if refused else f'answered {status[1]}'}{why}"
        return f"{self._host} does not answer"


def _address() -> str:
    """The store's, empty for AWS's own. Raises `StorageError` for what is none: obstore would panic."""
    name = next((name for name in _ADDRESSES if os.environ.get(name)), "")
    address = os.environ[name] if name else ""
    if address and not is_web_address(address):
        raise StorageError(f"{name} is not an address; write it like https://s3.example")
    return address
