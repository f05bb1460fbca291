"""Delivery of a model: a repository with its workflow file, gates before a release, and what happens when one fails."""
