"""Deep learning: networks from scratch, and what Keras is compared with. Nothing here imports TensorFlow at module level."""
