"""Images: pulled by policy and login, and collected when the disk fills. `service` is the seam to the engine."""
