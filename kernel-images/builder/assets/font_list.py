"""Writes matplotlib's list of its own fonts. Without it, matplotlib would create it at the first plot of every run.

The argument is the file to write. System fonts are left out, because the image has none. Fonts are sorted by file name,
because matplotlib's own order depends on the hashes of paths.
"""

import sys

import matplotlib
from matplotlib import font_manager

font_manager.findSystemFonts, find = (
    lambda fontpaths=None, fontext="ttf": find(fontpaths, fontext) if fontpaths else [],
    font_manager.findSystemFonts,
)
manager = font_manager.FontManager()
for fonts in (manager.ttflist, manager.afmlist):
    fonts.sort(key=lambda font: (font.fname, font.name, font.style, font.variant, str(font.weight)))
if not manager.ttflist or not all(font.fname.startswith(matplotlib.get_data_path()) for font in manager.ttflist):
    sys.exit("the list contains a font of this machine")
font_manager.json_dump(manager, sys.argv[1])
print(f"fontlist-v{font_manager.FontManager.__version__}.json")
