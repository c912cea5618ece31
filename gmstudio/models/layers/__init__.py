"""The torch modules that models are made of; imported only when a model is built."""
