"""Attachments: their names, their rows, and the sweep of what has no row."""

from tellback.core.files.actions import add_many, sweep_unreferenced
from tellback.core.files.model import File, NewFile
from tellback.core.files.queries import blob_of, known_blobs, of_ticket
from tellback.core.files.rules import clean_name

__all__ = [
    "File",
    "NewFile",
    "add_many",
    "blob_of",
    "clean_name",
    "known_blobs",
    "of_ticket",
    "sweep_unreferenced",
]
