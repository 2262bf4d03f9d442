"""int8: how inputs are rounded, how far the answers are those of float32, and which precision is the fastest."""
