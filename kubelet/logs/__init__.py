"""What containers wrote: read from the files that the engine keeps, across their rotation."""
