"""What each numpy function computes on symbolic arrays, one module for each family."""
