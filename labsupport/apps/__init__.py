"""Programs that containers run: `python -m labsupport.apps.server` and others."""
