"""Watching models: what to measure, and how to export it."""
