"""Operators of the labs: small controllers that run workflows and experiments on any cluster."""
