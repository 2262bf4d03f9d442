"""The face of `transformers`: configs, models and their Auto classes."""
