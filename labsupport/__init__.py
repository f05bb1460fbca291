"""The package behind the course "Machine learning foundations for DevOps engineers"."""

__version__ = "0.8.8"
