"""From the served model back to its rows: `python -m labsupport.apps.lineage --server http://deploy-risk:8080`.

With `--row d-004321` also forwards: which versions learnt from that deploy. The store is that of STORE_URL, by the keys of
AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
"""

import argparse
import sys

from labsupport.data import bucket as buckets
from labsupport.data.bucket import Bucket
from labsupport.errors import LabsError
from labsupport.serving.shelf import Shelf
from labsupport.workflows import provenance


def main(arguments: list[str] | None = None, bucket: Bucket | None = None) -> int:
    """Print what the served version learnt from; returns 0, or 1 with a sentence. `bucket`: instead of the environment's."""
    parser = argparse.ArgumentParser(prog="python -m labsupport.apps.lineage", description=__doc__)
    parser.add_argument("--server", required=True, metavar="URL", help="the model server")
    parser.add_argument("--model", default="deploy-risk", metavar="NAME")
    parser.add_argument("--bucket", default="deploys", metavar="NAME")
    parser.add_argument("--row", metavar="ID", help="a deploy, such as d-004321")
    options = parser.parse_args(arguments)
    try:
        shelf = Shelf(bucket or buckets.from_environment(options.bucket), options.model)
        version = provenance.served(options.server, options.model)
        print("\n".join(_backwards(shelf, version)))
        if options.row:
            print("\n".join(_forwards(shelf, version, options.row)))
    except LabsError as error:
        print(f"lineage: {error}", file=sys.stderr)
        return 1
    return 0


def _backwards(shelf: Shelf, version: str) -> list[str]:
    found = provenance.origin(shelf, version)
    lines = [
        f"served   {shelf.name} version {version}",
        f"made     by the night of {found.night}, commit {found.commit[:8]}",
        f"data     {found.data[:8]}..., {found.rows:,} rows of {len(found.batches)} days:",
    ]
    for day, content in found.batches.items():
        lines.append(f"  {day}  {content[:8]}  {len(provenance.rows(shelf.bucket, content)):>4} rows")
    return lines


def _forwards(shelf: Shelf, version: str, row: str) -> list[str]:
    held = provenance.holders(shelf.bucket, provenance.origins(shelf), row)
    if not held:
        return [f"row      {row}: no version has learnt from it"]
    lines = [f"row      {row}: {provenance.columns(shelf.bucket, next(iter(held)))}"]
    for content, versions in held.items():
        mark = ", the served one among them" if version in versions else ""
        lines.append(f"  as in {content[:8]}: learnt by version {', '.join(versions)}{mark}")
        lines.append(f"    {provenance.line_of(shelf.bucket, content, row)}")
    return lines


if __name__ == "__main__":
    raise SystemExit(main())
