"""Listeners to events. They know what happens; nothing that happens knows them."""
