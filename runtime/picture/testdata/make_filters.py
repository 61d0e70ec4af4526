"""Writes chelsea_98_51_FILTER.png, as torchvision's resize and center_crop do: pip install pillow==9.4.0."""

import os

from PIL import Image

here = os.path.dirname(os.path.abspath(__file__))
photo = Image.open(os.path.join(here, "chelsea.png")).convert("RGB")
w, h = photo.size
resize, crop = 98, 51
for name in ("box", "lanczos", "nearest", "bilinear"):
    size = (resize * w // h, resize)
    resized = photo.resize(size, getattr(Image.Resampling, name.upper()))
    left, top = (int(round((n - crop) / 2.0)) for n in size)
    resized.crop((left, top, left + crop, top + crop)).save(os.path.join(here, f"chelsea_{resize}_{crop}_{name}.png"), optimize=True)
