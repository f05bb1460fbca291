"""Feast's server as one process: `python -m labsupport.apps.features --repo /store --host ... --port 6566`.

It writes the settings and definitions, which are code, into the repository's folder, applies them as `feast apply` does, and
serves as `feast serve --metrics` does. Three commands would import Feast three times, which is most of their work. What
the folder holds besides (registry, rows, online store) is left as it is.
"""

import argparse
import logging
import sys


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser(prog="python -m labsupport.apps.features", description=__doc__.splitlines()[0])
    parser.add_argument("--repo", required=True, help="the folder of registry, rows and online store")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=6566)
    parser.add_argument(
        "--no-metrics", action="store_true", help="without the process that counts requests, on port 8000"
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    from labsupport.data import store as feature_store

    store = feature_store.open_store(feature_store.write_settings(options.repo))
    feature_store.apply(store)
    logging.info("serving %s", ", ".join(view.name for view in store.list_feature_views()))
    # A worker that is renewed after so many requests would be away for seconds.
    store.serve(
        options.host,
        options.port,
        workers=1,
        max_requests=0,
        max_requests_jitter=0,
        metrics=not options.no_metrics,
        registry_ttl_sec=5,
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
