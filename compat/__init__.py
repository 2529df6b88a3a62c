"""Stand-ins for other pcap libraries: one module an original, with its names, types and errors."""
