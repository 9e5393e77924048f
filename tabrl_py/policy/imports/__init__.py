"""Other programs' policies, read as data: ONNX networks and Stable-Baselines3's PPO archives."""
