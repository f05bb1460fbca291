"""What the checkers of the lessons try answers on: one module a lesson, where its tables are too long to stand in the checker."""
