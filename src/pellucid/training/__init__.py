"""Fine-tuning on PyTorch: texts and labels become packed batches, and a checkpoint that answers as they do."""
