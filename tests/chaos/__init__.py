"""Storms: the real daemon against the real emulator, by a schedule from a seed (docs/reliability.md)."""
