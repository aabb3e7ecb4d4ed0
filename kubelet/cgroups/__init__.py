"""What pods may use and what they use: limits, cgroups, and what is read from them."""
