"""How fast training and prediction are, as ratios to what the machine could do at best and to what people write."""
