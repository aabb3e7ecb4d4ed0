"""What can be asked of a resource: one file a verb, generic over kinds."""
