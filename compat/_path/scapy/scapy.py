"""scapy, to programs that have this folder on their path: the genuine one, which will know nmpcap's ports."""

from nmpcap.compat._stand_ins import take_place

take_place("scapy", __file__)
