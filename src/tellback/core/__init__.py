"""What the hub knows and does. No HTTP here, and no vendor's name."""
