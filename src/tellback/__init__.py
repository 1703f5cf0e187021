"""tellback: a self-hosted hub for customer feedback."""

__version__ = "0.1.0"
