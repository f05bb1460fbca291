"""A bucket in memory, for tests of what lies in buckets."""

from labsupport.data.bucket import Bucket, md5


class MemoryBucket(Bucket):
    """Objects in a dictionary, by their names; no store and no client."""

    objects: dict[str, bytes]

    def __init__(self) -> None:
        super().__init__(client=None, name="deploys")
        object.__setattr__(self, "objects", {})

    def find(self, key: str) -> bytes | None:
        return self.objects.get(key)

    def put(self, key: str, content: bytes | str) -> None:
        self.objects[key] = content.encode() if isinstance(content, str) else content

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def tags(self, prefix: str = "") -> dict[str, str]:
        return {key: md5(self.objects[key]) for key in sorted(self.objects) if key.startswith(prefix)}
