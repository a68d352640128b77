"""Executes a notebook with nbclient, and prints the time in seconds."""

import sys
import time

import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(sys.argv[1], as_version=4)
started = time.perf_counter()
NotebookClient(notebook, timeout=None).execute()
print(time.perf_counter() - started)
