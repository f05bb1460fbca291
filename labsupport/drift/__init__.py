"""Has the world moved, and does it matter: tests and detectors on streams of rows, injected drifts, bills, and the gate."""
