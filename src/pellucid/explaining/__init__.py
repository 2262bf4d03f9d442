"""Which tokens carried a decision: integrated gradients, and occlusion."""
