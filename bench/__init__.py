"""Measurements that anyone can repeat: how fast training and prediction are, and how runs end that are disturbed."""
