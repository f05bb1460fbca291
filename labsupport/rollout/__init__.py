"""Give a new version to some, learn whether it is better or worse, and decide: A/B tests and canaries."""
