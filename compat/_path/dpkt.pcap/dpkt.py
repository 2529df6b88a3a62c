"""dpkt, to programs that have this folder on their path: the genuine one, but for its pcap."""

from nmpcap.compat._stand_ins import take_place

take_place("dpkt.pcap", __file__)
