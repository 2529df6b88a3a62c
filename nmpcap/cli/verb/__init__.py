"""The verbs of ``nmpcap``: each a thin front over functions that Python programs call as well."""
