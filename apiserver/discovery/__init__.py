"""What is served, told to clients: groups, versions, resources."""
