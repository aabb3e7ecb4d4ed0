"""Objects kept: the road of a write, the caches that a read is served from, lists and watches over them."""
