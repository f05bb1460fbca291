"""The repository of lesson 503 as it is before its first commit: three steps, their parameters, and how they depend."""
