"""The programs that run inside the sandbox: the notebook's cells, the image decoder, and the probe of the sandbox.

They use only the standard library, IPython (for cells) and Pillow (for images). The notebook's code runs in the same
process as the executor, so the supervisor must not trust what the executor reports.
"""
