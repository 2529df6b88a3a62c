"""What pcapy's module hands out: readers, dumpers, programs."""
