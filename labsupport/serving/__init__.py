"""Serving models: what a trained model is on disk, and how it answers a question."""
