"""The schema's revisions, run by Alembic when a ledger is opened.

A new one: a file in `versions`, its name in `schema.REVISIONS`. A revision is history: it names plain types
and imports nothing of ours, so that it still makes what it made on the day it was written.
"""
