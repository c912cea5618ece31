"""How a model is learned."""

COMPONENTS = True
