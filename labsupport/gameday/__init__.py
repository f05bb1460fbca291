"""A game day: the course's whole system on one cluster, six incidents in an order that a seed gives, and somebody on call."""
