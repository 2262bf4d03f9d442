"""The face of models on PyTorch: `torch.nn.Module`s that own the weights of the architecture's one function."""
