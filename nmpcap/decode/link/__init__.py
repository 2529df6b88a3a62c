"""Link layers: from the first captured byte to what an Ethertype or its like announces."""
