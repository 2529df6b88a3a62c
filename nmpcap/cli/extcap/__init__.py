"""Wireshark and tshark on netmap's ports: the extcap contract, and putting the program where they look.

command (nmpcap extcap) -> place (install, uninstall)
                        -> contract (what is asked) -> sentences (answers), ports (what is opened)
                                                    -> stream (packets into the fifo), control
"""
