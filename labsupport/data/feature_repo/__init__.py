"""A Feast repository: only definitions stand here, because `feast apply` runs every Python file of its folder."""
