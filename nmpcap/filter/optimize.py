"""placeholder"""
from nmpcap.filter.graph import lower
def optimize(body, values):
    return lower(body, share=True)
