"""What makes up nmpcap.compat.scapy: provider -> sockets -> _shared_port."""
