"""The console's fixtures."""

from consoles import desk, escalated, signed_in

__all__ = ["desk", "escalated", "signed_in"]
