"""What makes up nmpcap.compat.scapy: provider -> sockets -> ports that sockets share."""
