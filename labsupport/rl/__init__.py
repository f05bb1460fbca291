"""Reinforcement learning in NumPy: one algorithm, one file, over environments that step many copies at once."""
