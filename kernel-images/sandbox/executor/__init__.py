"""What runs inside the sandbox: the notebook's cells, the decoder of images, and the probe of the sandbox itself.

Standard library only, except for what a role itself is about (IPython, Pillow). It shares its process with the
notebook's code, so whatever it tells the supervisor is a claim and never a proof.
"""
