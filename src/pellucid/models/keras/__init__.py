"""The face of models on TensorFlow: Keras models that own the weights of the architecture's one function."""
