"""One bucket of an S3-compatible store: small objects put, got, listed, each by its name."""

import hashlib
import json
import os
from dataclasses import dataclass
from typing import Any

from labsupport.errors import LabsError

# What a pod finds the store by, beside the keys that every S3 client reads from its environment.
ADDRESS, BUCKET = "STORE_URL", "STORE_BUCKET"
_ABSENT = ("NoSuchKey", "404", "NotFound", "NoSuchBucket")


@dataclass(frozen=True)
class Bucket:
    """A bucket, by an S3 client of boto3. All methods raise LabsError when the store does not answer, or refuses."""

    client: Any
    name: str

    def find(self, key: str) -> bytes | None:
        """Return an object's content, or None where there is no such object."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            content: bytes = self.client.get_object(Bucket=self.name, Key=key)["Body"].read()
            return content
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in _ABSENT:
                return None
            raise self._said(error) from None
        except BotoCoreError as error:
            raise self._said(error) from None

    def get(self, key: str) -> bytes:
        """Return an object's content; raises LabsError where there is no such object."""
        content = self.find(key)
        if content is None:
            raise LabsError(f"The bucket {self.name} has no {key}.")
        return content

    def put(self, key: str, content: bytes | str) -> None:
        """Store an object; one of that name is replaced, in one step."""
        from botocore.exceptions import BotoCoreError, ClientError

        body = content.encode() if isinstance(content, str) else content
        try:
            self.client.put_object(Bucket=self.name, Key=key, Body=body)
        except (BotoCoreError, ClientError) as error:
            raise self._said(error) from None

    def delete(self, key: str) -> None:
        """Remove an object, if it is there."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self.client.delete_object(Bucket=self.name, Key=key)
        except (BotoCoreError, ClientError) as error:
            raise self._said(error) from None

    def tags(self, prefix: str = "") -> dict[str, str]:
        """Return the md5 of each object whose name begins so, by name, in order: what the store calls its ETag."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
            return {item["Key"]: item["ETag"].strip('"') for page in pages for item in page.get("Contents", [])}
        except (BotoCoreError, ClientError) as error:
            raise self._said(error) from None

    def find_json(self, key: str) -> Any:
        """Return what an object of JSON says, or None where there is none."""
        content = self.find(key)
        return None if content is None else json.loads(content)

    def put_json(self, key: str, value: Any) -> None:
        """Store a value as JSON."""
        self.put(key, json.dumps(value, sort_keys=True))

    def _said(self, error: Exception) -> LabsError:
        return LabsError(f"The store did not do it ({error}): is it running, and are the keys those of its Secret?")


def connect(address: str, name: str, key: str, secret: str) -> Bucket:
    """Return a bucket of the store at an address (http://HOST:PORT), for one who knows these keys."""
    import boto3
    from botocore.config import Config

    client = boto3.client(
        "s3",
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        # No proxy that the environment names: the store is a neighbour.
        config=Config(retries={"total_max_attempts": 3}, proxies={}, connect_timeout=5, read_timeout=20),
    )
    return Bucket(client, name)


def from_environment(name: str | None = None) -> Bucket:
    """Return the bucket that a pod's environment names; raises LabsError, naming the variable that is missing."""
    wanted = [ADDRESS, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", *([] if name else [BUCKET])]
    if missing := [variable for variable in wanted if not os.environ.get(variable)]:
        raise LabsError(
            f"{', '.join(missing)} is not set: where the store is, and by which keys, stands in the environment."
        )
    address, key, secret = (os.environ[variable] for variable in wanted[:3])
    return connect(address, name or os.environ[BUCKET], key, secret)


def md5(content: bytes) -> str:
    """Return the name that DVC and S3 give to a content: its md5 in hex digits."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
