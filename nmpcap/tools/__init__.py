"""What netmap's users run from a shell, as functions: thin fronts over loops in C.

Each is a verb of the ``nmpcap`` command as well.
"""
