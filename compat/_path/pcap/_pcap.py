"""_pcap, to programs that have this folder on their path: nmpcap's stand-in."""

from nmpcap.compat._stand_ins import take_place

take_place("pcap", __file__)
