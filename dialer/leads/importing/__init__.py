"""Imports of leads from files: reading, preparing and writing them, whatever the files are like."""
