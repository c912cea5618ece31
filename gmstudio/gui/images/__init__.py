"""Images in the window: opened, looked at, chosen."""
