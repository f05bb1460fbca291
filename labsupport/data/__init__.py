"""Data on its way to a model: features, joins in time, feature stores, and the checks that keep both ends the same."""
