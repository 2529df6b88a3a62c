"""What carries ports, and what else IP carries from end to end."""
