"""Machine learning from scratch: the implementations that part 2 teaches."""
