"""The command line: nmdump, which is tcpdump's, and ``nmpcap VERB``.

    options (one table) -> getopt -> command (what was asked for) -> opening, filter
        -> writing and rotation, or counting      in the core, packet by packet nowhere in Python
        -> printing                               nmpcap.decode's lines, in batches

Thin fronts: whatever is done here can be done with the library. Model of options, words, lines and
statuses: tcpdump 4.99.3; where that goes on in silence and newer ones refuse, nmdump refuses.
"""
