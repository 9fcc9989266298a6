"""Trained models for others: folders to hand on, and networks as ONNX graphs that run without torch."""
