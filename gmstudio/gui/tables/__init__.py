"""Tables in the window: opening a file, choosing what of it is learned, picking a known data set."""
