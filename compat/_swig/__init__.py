"""What pylibpcap's module hands out, beside pypcap's of the same name."""
