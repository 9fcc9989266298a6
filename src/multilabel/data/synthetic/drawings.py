"""Images of known content: every label is a recognisable object, drawn small or large into a cluttered scene."""

import colorsys
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Box = tuple[float, float, float, float]  # left, top, width, height


@dataclass(frozen=True)
class Drawing:
    """An encoded image, and where it shows what: a label and the box around it for every object.

    A box is in shares of the upright image's width and height, cut off where the image ends; what lies before an object
    hides some of it, and its box stays.
    """

    image: bytes
    boxes: list[tuple[str, Box]]


# One object per label: shapes in the unit square, painted in order. A shape is (kind, role, coordinates): `oval` and
# `box` take x0, y0, x1, y1; `poly` takes points. `body` is a random colour, the other roles have the colours in FIXED.
DRAWINGS: dict[str, list[tuple[str, str, tuple[float, ...]]]] = {
    "1": [  # person
        ("oval", "skin", (0.38, 0.0, 0.62, 0.24)),
        ("poly", "body", (0.3, 0.25, 0.7, 0.25, 0.66, 0.6, 0.34, 0.6)),
        ("poly", "body", (0.3, 0.25, 0.12, 0.52, 0.2, 0.56, 0.36, 0.36)),
        ("poly", "body", (0.7, 0.25, 0.88, 0.52, 0.8, 0.56, 0.64, 0.36)),
        ("poly", "dark", (0.34, 0.6, 0.48, 0.6, 0.44, 1.0, 0.3, 1.0)),
        ("poly", "dark", (0.52, 0.6, 0.66, 0.6, 0.7, 1.0, 0.56, 1.0)),
    ],
    "2": [  # bicycle
        ("ring", "dark", (0.0, 0.42, 0.42, 0.84)),
        ("ring", "dark", (0.58, 0.42, 1.0, 0.84)),
        ("line", "body", (0.21, 0.63, 0.4, 0.3, 0.7, 0.3, 0.79, 0.63)),
        ("line", "body", (0.21, 0.63, 0.5, 0.63, 0.7, 0.3)),
        ("line", "dark", (0.32, 0.26, 0.48, 0.26)),
        ("line", "dark", (0.64, 0.2, 0.8, 0.2)),
    ],
    "3": [  # car
        ("poly", "body", (0.0, 0.5, 0.2, 0.48, 0.34, 0.26, 0.7, 0.26, 0.84, 0.48, 1.0, 0.52, 1.0, 0.74, 0.0, 0.74)),
        ("poly", "glass", (0.38, 0.31, 0.5, 0.31, 0.5, 0.47, 0.28, 0.47)),
        ("poly", "glass", (0.54, 0.31, 0.67, 0.31, 0.77, 0.47, 0.54, 0.47)),
        ("oval", "dark", (0.12, 0.62, 0.34, 0.84)),
        ("oval", "dark", (0.66, 0.62, 0.88, 0.84)),
    ],
    "4": [  # motorcycle
        ("oval", "dark", (0.0, 0.46, 0.4, 0.86)),
        ("oval", "dark", (0.6, 0.46, 1.0, 0.86)),
        ("oval", "light", (0.12, 0.58, 0.28, 0.74)),
        ("oval", "light", (0.72, 0.58, 0.88, 0.74)),
        ("poly", "body", (0.18, 0.42, 0.48, 0.46, 0.62, 0.3, 0.78, 0.4, 0.6, 0.68, 0.36, 0.68)),
        ("line", "dark", (0.8, 0.62, 0.68, 0.2, 0.56, 0.18)),
    ],
    "5": [  # airplane
        ("poly", "light", (0.0, 0.5, 0.12, 0.42, 0.9, 0.42, 1.0, 0.5, 0.9, 0.58, 0.12, 0.58)),
        ("poly", "body", (0.4, 0.46, 0.56, 0.46, 0.4, 0.05, 0.28, 0.05)),
        ("poly", "body", (0.4, 0.54, 0.56, 0.54, 0.4, 0.95, 0.28, 0.95)),
        ("poly", "body", (0.02, 0.46, 0.14, 0.46, 0.06, 0.24, 0.0, 0.24)),
    ],
    "6": [  # bus
        ("box", "body", (0.0, 0.16, 1.0, 0.8)),
        *[("box", "glass", (0.05 + i * 0.19, 0.26, 0.19 + i * 0.19, 0.48)) for i in range(5)],
        ("box", "light", (0.0, 0.56, 1.0, 0.62)),
        ("oval", "dark", (0.12, 0.7, 0.32, 0.9)),
        ("oval", "dark", (0.68, 0.7, 0.88, 0.9)),
    ],
    "7": [  # train
        ("poly", "body", (0.0, 0.7, 0.0, 0.34, 0.1, 0.22, 0.48, 0.22, 0.48, 0.7)),
        ("box", "body", (0.52, 0.22, 1.0, 0.7)),
        ("poly", "glass", (0.04, 0.44, 0.12, 0.3, 0.2, 0.3, 0.2, 0.44)),
        *[("box", "light", (x, 0.3, x + 0.12, 0.44)) for x in (0.28, 0.58, 0.76)],
        *[("oval", "dark", (x, 0.66, x + 0.14, 0.8)) for x in (0.06, 0.28, 0.56, 0.8)],
        ("line", "dark", (0.0, 0.84, 1.0, 0.84)),
        ("line", "dark", (0.0, 0.92, 1.0, 0.92)),
    ],
    "8": [  # truck
        ("box", "light", (0.0, 0.12, 0.62, 0.72)),
        ("poly", "body", (0.65, 0.32, 0.86, 0.32, 1.0, 0.52, 1.0, 0.72, 0.65, 0.72)),
        ("poly", "glass", (0.72, 0.37, 0.84, 0.37, 0.93, 0.52, 0.72, 0.52)),
        *[("oval", "dark", (x, 0.62, x + 0.2, 0.86)) for x in (0.06, 0.34, 0.74)],
    ],
    "9": [  # boat
        ("poly", "body", (0.02, 0.68, 0.98, 0.68, 0.8, 0.92, 0.18, 0.92)),
        ("line", "dark", (0.48, 0.06, 0.48, 0.68)),
        ("poly", "light", (0.52, 0.08, 0.52, 0.62, 0.9, 0.62)),
        ("poly", "light", (0.44, 0.2, 0.44, 0.62, 0.16, 0.62)),
    ],
    "10": [  # traffic light
        ("box", "dark", (0.34, 0.0, 0.66, 0.66)),
        ("oval", "red", (0.41, 0.04, 0.59, 0.22)),
        ("oval", "yellow", (0.41, 0.24, 0.59, 0.42)),
        ("oval", "green", (0.41, 0.44, 0.59, 0.62)),
        ("box", "dark", (0.47, 0.66, 0.53, 1.0)),
    ],
    "11": [  # fire hydrant
        ("oval", "red", (0.34, 0.06, 0.66, 0.34)),
        ("box", "red", (0.34, 0.22, 0.66, 0.88)),
        ("box", "red", (0.2, 0.42, 0.8, 0.56)),
        ("oval", "yellow", (0.42, 0.42, 0.58, 0.58)),
        ("box", "dark", (0.26, 0.86, 0.74, 0.98)),
    ],
    "13": [  # stop sign
        ("box", "grey", (0.47, 0.5, 0.53, 1.0)),
        ("poly", "red", (0.34, 0.0, 0.66, 0.0, 0.86, 0.2, 0.86, 0.46, 0.66, 0.66, 0.34, 0.66, 0.14, 0.46, 0.14, 0.2)),
        ("box", "white", (0.22, 0.26, 0.78, 0.4)),
    ],
    "14": [  # parking meter
        ("box", "grey", (0.46, 0.42, 0.54, 1.0)),
        ("oval", "grey", (0.3, 0.0, 0.7, 0.46)),
        ("box", "white", (0.38, 0.1, 0.62, 0.22)),
        ("box", "dark", (0.46, 0.28, 0.54, 0.38)),
    ],
    "15": [  # bench
        ("box", "wood", (0.04, 0.3, 0.96, 0.38)),
        ("box", "wood", (0.04, 0.42, 0.96, 0.5)),
        ("poly", "wood", (0.02, 0.58, 0.98, 0.58, 1.0, 0.68, 0.0, 0.68)),
        *[("box", "dark", (x, 0.66, x + 0.06, 0.92)) for x in (0.1, 0.84)],
    ],
    "16": [  # bird
        ("oval", "body", (0.22, 0.36, 0.76, 0.72)),
        ("oval", "body", (0.62, 0.2, 0.9, 0.48)),
        ("poly", "yellow", (0.88, 0.3, 1.0, 0.36, 0.88, 0.4)),
        ("poly", "dark", (0.3, 0.5, 0.6, 0.46, 0.2, 0.84)),
        ("poly", "body", (0.28, 0.46, 0.0, 0.34, 0.06, 0.6)),
        ("line", "dark", (0.5, 0.7, 0.5, 0.9)),
    ],
    "17": [  # cat
        ("oval", "fur", (0.2, 0.42, 0.76, 0.98)),
        ("oval", "fur", (0.28, 0.12, 0.7, 0.52)),
        ("poly", "fur", (0.29, 0.28, 0.3, 0.0, 0.46, 0.16)),
        ("poly", "fur", (0.69, 0.28, 0.68, 0.0, 0.52, 0.16)),
        ("oval", "green", (0.37, 0.26, 0.45, 0.34)),
        ("oval", "green", (0.53, 0.26, 0.61, 0.34)),
        ("line", "fur", (0.74, 0.9, 0.94, 0.78, 0.9, 0.5)),
    ],
    "18": [  # dog
        ("oval", "fur", (0.14, 0.4, 0.78, 0.72)),
        ("oval", "fur", (0.62, 0.14, 0.94, 0.46)),
        ("oval", "fur", (0.84, 0.28, 1.0, 0.42)),
        ("oval", "dark", (0.6, 0.16, 0.72, 0.46)),
        *[("box", "fur", (x, 0.6, x + 0.09, 0.96)) for x in (0.18, 0.32, 0.56, 0.68)],
        ("line", "fur", (0.18, 0.48, 0.02, 0.26)),
    ],
    "19": [  # horse
        ("oval", "coat", (0.14, 0.34, 0.74, 0.64)),
        ("poly", "coat", (0.58, 0.44, 0.76, 0.06, 0.9, 0.14, 0.74, 0.54)),
        ("poly", "coat", (0.74, 0.06, 0.88, 0.06, 1.0, 0.26, 0.92, 0.3)),
        ("poly", "dark", (0.7, 0.04, 0.62, 0.4, 0.56, 0.38)),
        *[("box", "coat", (x, 0.54, x + 0.07, 1.0)) for x in (0.18, 0.3, 0.56, 0.66)],
        ("poly", "dark", (0.18, 0.4, 0.0, 0.78, 0.08, 0.8)),
    ],
}
FIXED = {
    "dark": ["#1b1b1f", "#2d2a26", "#3a3f4a"],
    "light": ["#e8e4da", "#f4f4f0", "#cfd8dc"],
    "glass": ["#a9cfe0", "#86aabf", "#c9e2ea"],
    "skin": ["#f1c9a5", "#c68642", "#8d5524", "#ffdbac"],
    "red": ["#c62828", "#e53935", "#b71c1c"],
    "yellow": ["#fdd835", "#f9a825"],
    "green": ["#43a047", "#7cb342"],
    "white": ["#fafafa"],
    "grey": ["#8a8f94", "#6d7276", "#a7adb2"],
    "wood": ["#8d5a2b", "#6d4c41", "#a1744a", "#4e6e4e"],
    "fur": ["#d9a066", "#4a3b30", "#9a9a9a", "#e6dcc8", "#22201e"],
    "coat": ["#6b3e1f", "#3b2a20", "#b98d5e", "#d8d2c8"],
}
# Things come in all colours, but not evenly: a label's body colour varies about a hue of its own.
BODY_HUES = {label: (place * 0.382) % 1 for place, label in enumerate(DRAWINGS)}
HUE_SPREAD = 0.05
MUTED, VIVID = (0.0, 0.3), (0.5, 0.95)  # saturation of scenery and of objects
OBJECT_SIZE = (0.45, 0.8)  # of the shorter side of the image
CLUTTER = (3, 8)  # shapes that mean nothing
PLACES_TRIED = 3
CROWDS = ("1", "3")  # persons and cars often come in twos
MODES = {"RGB": 0.9, "L": 0.04, "CMYK": 0.02, "RGBA": 0.02, "EXIF": 0.02}  # how images are stored


def draw_image(labels: list[str], random: np.random.Generator) -> Drawing:
    """An image, 240 to 320 px a side, that shows one object (a few persons or cars) per label."""
    width, height = (int(side) for side in random.integers(240, 321, size=2))
    image = _scene(width, height, random)
    taken: list[Box] = []
    boxes: list[tuple[str, Box]] = []
    for label in sorted(labels, key=lambda label: label not in CROWDS):  # crowds stand behind single things
        for _ in range(int(random.integers(1, 3)) if label in CROWDS else 1):
            box = _roomy_box(width, height, taken, random)
            painted = _place(image, label, box, random)
            boxes.append((label, _around(painted, width, height)))
            taken.append(box)
    image = image.filter(ImageFilter.GaussianBlur(float(random.uniform(0.3, 1.0))))
    noise = random.normal(0, random.uniform(1, 4), (height, width, 1))
    image = Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))
    return Drawing(_encode(image, random), boxes)


def _scene(width: int, height: int, random: np.random.Generator) -> Image.Image:
    """A background of two colours that run into each other, and clutter."""
    top, bottom = _colour(random, MUTED), _colour(random, MUTED)
    ramp = np.linspace(0, 1, height)[:, None, None]
    pixels = np.array(top) * (1 - ramp) + np.array(bottom) * ramp
    image = Image.fromarray(np.broadcast_to(pixels, (height, width, 3)).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(int(random.integers(*CLUTTER))):
        x, y = random.uniform(0, width), random.uniform(0, height)
        spread = random.uniform(0.04, 0.3) * width
        points = [(x + dx, y + dy) for dx, dy in random.uniform(-spread, spread, size=(int(random.integers(3, 6)), 2))]
        if random.random() < 0.5:
            draw.polygon(points, fill=_colour(random, MUTED))
        else:
            draw.line(points, fill=_colour(random, MUTED), width=int(random.integers(1, 6)))
    return image


def _roomy_box(width: int, height: int, taken: list[Box], random: np.random.Generator) -> Box:
    """Left, top, width, height of a new object: of a few random places the one that hides least of the others."""
    side = min(width, height) * random.uniform(*OBJECT_SIZE)
    wide, high = side * random.uniform(0.8, 1.25), side * random.uniform(0.8, 1.25)
    boxes = []
    for _ in range(PLACES_TRIED):
        left = random.uniform(-0.1 * wide, width - 0.9 * wide)
        top = random.uniform(-0.1 * high, height - 0.9 * high)
        boxes.append((left, top, wide, high))
    return min(boxes, key=lambda box: sum(_overlap(box, other) for other in taken))


def _overlap(one: Box, other: Box) -> float:
    """Shared area in pixels."""
    sides = [min(one[i] + one[i + 2], other[i] + other[i + 2]) - max(one[i], other[i]) for i in (0, 1)]
    return max(0.0, sides[0]) * max(0.0, sides[1])


def _place(image: Image.Image, label: str, box: Box, random: np.random.Generator) -> Sequence[tuple[float, float]]:
    """Paint one object into its box, tilted, mirrored and coloured at random; the corners of all that was painted."""
    left, top, width, height = box
    mirrored, tilt = random.random() < 0.5, np.deg2rad(random.uniform(-12, 12))
    palette = {role: str(random.choice(colours)) for role, colours in FIXED.items()}
    palette["body"] = "#{:02x}{:02x}{:02x}".format(*_colour(random, VIVID, BODY_HUES[label]))
    draw = ImageDraw.Draw(image)
    painted: list[tuple[float, float]] = []
    for kind, role, coordinates in DRAWINGS[label]:
        points = np.array(coordinates).reshape(-1, 2)
        if kind in ("oval", "ring", "box"):
            points = _outline(kind, points)
        unit = points - 0.5
        unit[:, 0] *= -1 if mirrored else 1
        turned = unit @ np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
        placed = [(left + (x + 0.5) * width, top + (y + 0.5) * height) for x, y in turned]
        if kind in ("line", "ring"):
            draw.line(placed, fill=palette[role], width=max(2, round(0.05 * min(width, height))), joint="curve")
        else:
            draw.polygon(placed, fill=palette[role])
        painted += placed
    return painted


def _around(points: Sequence[tuple[float, float]], width: int, height: int) -> Box:
    """The box around points of an image, as shares of its width and height."""
    places = np.clip(np.array(points) / (width, height), 0, 1)
    (left, top), (right, bottom) = places.min(axis=0).tolist(), places.max(axis=0).tolist()
    return left, top, right - left, bottom - top


def _outline(kind: str, corners: np.ndarray) -> np.ndarray:
    """A box or an ellipse as a polygon, so that it can be tilted."""
    (x0, y0), (x1, y1) = corners
    if kind == "box":
        return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    angles = np.linspace(0, 2 * np.pi, 21)
    return np.stack([(x0 + x1 + (x1 - x0) * np.cos(angles)) / 2, (y0 + y1 + (y1 - y0) * np.sin(angles)) / 2], axis=1)


def _colour(
    random: np.random.Generator, saturation: tuple[float, float], hue: float | None = None
) -> tuple[int, int, int]:
    """A random colour of 0..255, of any hue or near the given one (0..1)."""
    turn = random.random() if hue is None else hue + random.uniform(-HUE_SPREAD, HUE_SPREAD)
    red, green, blue = colorsys.hsv_to_rgb(turn % 1, random.uniform(*saturation), random.uniform(0.35, 0.95))
    return int(red * 255), int(green * 255), int(blue * 255)


def _encode(image: Image.Image, random: np.random.Generator) -> bytes:
    """JPEG (or PNG for transparency), now and then greyscale, CMYK, or turned with an EXIF note that says so."""
    buffer = io.BytesIO()
    mode = str(random.choice(list(MODES), p=list(MODES.values())))
    if mode == "RGBA":
        image.convert("RGBA").resize((image.width // 2, image.height // 2)).save(buffer, "PNG")
    elif mode == "EXIF":
        exif = Image.Exif()
        exif[0x0112] = 6  # orientation: turn by 90 degrees clockwise to view
        image.transpose(Image.Transpose.ROTATE_90).save(buffer, "JPEG", quality=80, exif=exif)
    else:
        image.convert(mode).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
