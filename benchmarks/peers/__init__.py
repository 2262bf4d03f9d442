"""Pellucid beside every peer: the same checkpoints, texts and threads, in turn, in one run."""
