"""Packets within packets."""
