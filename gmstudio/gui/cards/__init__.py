"""Cards: forms made from specifications."""
