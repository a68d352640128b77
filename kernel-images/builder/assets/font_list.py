"""Writes matplotlib's list of its own fonts, which it would else make at the first plot of every run.

Arguments: the file to write. System fonts are left out, since the image has none; the order is that of the file names,
since matplotlib's own order follows the hashes of paths.
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
    sys.exit("a font of this machine got into the list")
font_manager.json_dump(manager, sys.argv[1])
print(f"fontlist-v{font_manager.FontManager.__version__}.json")
