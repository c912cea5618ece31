"""Drawing data: tools, strokes, undo."""
