"""A pod's volumes on this node's disk."""
