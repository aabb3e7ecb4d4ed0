"""The node itself: its object, what it admits, pressure and evictions, and its shutdown. `work` puts them together."""
