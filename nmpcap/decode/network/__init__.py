"""What Ethertypes announce, and what belongs to IP itself."""
