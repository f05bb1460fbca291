"""Small operators for custom resources: Workflows here, and what every operator of the course shares."""
