"""Writes crates/anyface/tests/fixtures/pictures: one small picture in all supported formats.

    pip install pillow
    python tools/parity/pictures.py

The upright picture has 48×32 pixels: red, green, blue and white quarters, row by row. In `alpha*`
the white quarter is transparent.
"""

from pathlib import Path

from PIL import Image

TARGET = Path(__file__).parents[2] / "crates/anyface/tests/fixtures/pictures"
ORIENTATION = 0x0112
QUARTERS = [(220, 30, 30), (30, 200, 30), (30, 30, 220), (255, 255, 255)]


def quarters():
    picture = Image.new("RGB", (48, 32))
    for index, colour in enumerate(QUARTERS):
        x, y = 24 * (index % 2), 16 * (index // 2)
        picture.paste(colour, (x, y, x + 24, y + 16))
    return picture


def main():
    TARGET.mkdir(exist_ok=True)
    picture = quarters()

    def save(name, image=picture, **options):
        image.save(TARGET / name, **options)

    alpha = Image.new("L", picture.size, 255)
    alpha.paste(0, (24, 16, 48, 32))
    transparent = picture.copy()
    transparent.paste((0, 0, 0), (24, 16, 48, 32))
    transparent.putalpha(alpha)
    black = Image.new("RGB", picture.size)

    save("rgb.png")
    save("alpha.png", transparent)
    save("alpha.webp", transparent, lossless=True)
    save("palette.png", picture.quantize(4))
    save("animated.png", save_all=True, append_images=[black])
    save("animated.gif", save_all=True, append_images=[black])
    save("animated.webp", save_all=True, append_images=[black], lossless=True)
    save("rgb.webp", quality=90)
    save("rgb.bmp")
    save("rgb.ppm")
    save("rgb.tif")
    save("lzw.tif", compression="tiff_lzw")
    save("cmyk.tif", picture.convert("CMYK"))
    jpeg = {"quality": 95, "subsampling": 0}
    save("rgb.jpg", **jpeg)
    save("progressive.jpg", progressive=True, **jpeg)
    save("cmyk.jpg", picture.convert("CMYK"), **jpeg)
    # Transposition of the stored picture for each of the eight EXIF orientations.
    turns = [None, 0, 3, 1, 5, 2, 6, 4]
    for orientation, turn in enumerate(turns, start=1):
        stored = picture if turn is None else picture.transpose(Image.Transpose(turn))
        save(f"orientation{orientation}.jpg", stored, exif=exif_of(orientation), **jpeg)
    save("orientation6.png", picture.transpose(Image.Transpose.ROTATE_90), exif=exif_of(6))
    grey = Image.linear_gradient("L").resize((48, 32))
    save("grey.png", grey)
    save("grey.jpg", grey, **jpeg)
    save("grey16.png", grey.convert("I").point(lambda value: value * 257).convert("I;16"))
    save("grey16.tif", grey.convert("I").point(lambda value: value * 257).convert("I;16"))


def exif_of(orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return exif


if __name__ == "__main__":
    main()
