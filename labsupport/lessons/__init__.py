"""The checkers, hints and quiz of each lesson, one file a lesson: lesson_101.py and so on."""
