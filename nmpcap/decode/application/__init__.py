"""What ports announce."""
