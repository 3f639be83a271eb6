"""Lines of text: crops of one line, letters of any size, pages turned any way, and the order of reading."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from random import Random

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from regard.settings import Settings
from regard.vision.pictures.images import Picture, decode
from regard.vision.things.lines import letter, reading_order
from regard.vision.things.text import TextReader

KINDS = ("Sans", "Sans-Bold", "Sans-Oblique", "SansMono", "Serif", "Serif-Bold")
FONTS = [Path(mpl.__file__).parent / "mpl-data" / "fonts" / "ttf" / f"DejaVu{kind}.ttf" for kind in KINDS]
SAID = [
    *("Exit on the left", "No parking here", "Big summer sale", "Welcome to Berlin", "Size L red", "Room 12 B"),
    *("el niño come pan", "Größe Übermaß", "Total 12.50 EUR", "Gate A 17 closed", "Hot tea and cake", "+49 30 901820"),
]
PAGE = ["Welcome to our house", "please take off", "your shoes", "Coffee 2.50 EUR", "Tea with lemon", "Total 4.30 EUR"]


@pytest.fixture(scope="module")
def reader() -> TextReader:
    return TextReader.opened(Settings())


@pytest.mark.parametrize("size", [(300, 500), (1000, 800), (1, 40)])
def test_the_detector_is_shown_what_rapidocr_would_show_it(reader: TextReader, size: tuple[int, int]) -> None:
    detector = reader._first.text_det
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    shown, expected = detector.get_preprocess()(pixels), type(detector).get_preprocess(detector)(pixels)
    assert shown.dtype == expected.dtype
    assert np.array_equal(shown, expected)


def _drawn(text: str, font: Path, size: int, margin: int) -> Image.Image:
    chosen = ImageFont.truetype(str(font), size)
    left, top, right, bottom = chosen.getbbox(text)
    made = Image.new("RGB", (int(right - left) + 2 * margin, int(bottom - top) + 2 * margin), "white")
    ImageDraw.Draw(made).text((margin - left, margin - top), text, font=chosen, fill="black")
    return made


def _picture(image: Image.Image) -> Picture:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=92)
    return decode(file.getvalue())


def _words(reader: TextReader, image: Image.Image) -> list[str]:
    return [word.text for line in reader(_picture(image)) for word in line.words]


def _crops(number: int) -> Iterator[tuple[str, Image.Image]]:
    """Plates, meters and numbers, in any font, size, margin and grain: always the same ones."""
    chance = np.random.default_rng(7)
    letters = list("ABCDEFGHKLMNPRSTUVWXYZ")
    for _ in range(number):
        plate = (
            f"{''.join(chance.choice(letters, 2))} {''.join(chance.choice(letters, 2))} {chance.integers(100, 9999)}"
        )
        meter, price = f"{chance.integers(10000, 99999)}.{chance.integers(0, 10)}", f"EUR {chance.integers(10, 999)}.50"
        text, size = str(chance.choice([plate, meter, price])), int(chance.integers(18, 200))
        image = _drawn(text, FONTS[chance.integers(len(FONTS))], size, int(size * chance.uniform(0.15, 1)))
        pixels = np.asarray(image, np.float64) + chance.normal(0, chance.uniform(0, 12), (image.height, image.width, 3))
        yield text, Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


@pytest.mark.long
@pytest.mark.slow("each of 240 crops is read")
def test_crops_of_one_line_are_read(reader: TextReader, scale: float) -> None:
    crops = list(_crops(round(240 * scale)))
    missed = [text for text, image in crops if _words(reader, image) != text.split()]
    assert len(missed) <= 0.05 * len(crops), missed


@pytest.mark.long
@pytest.mark.slow("looks twice at a hundred large pictures")
def test_large_letters_are_one_line_in_order(reader: TextReader, scale: float) -> None:
    chance = np.random.default_rng(3)
    for number in range(round(100 * scale)):
        text, size = SAID[number % len(SAID)], int(chance.integers(64, 420))
        image = _drawn(text, FONTS[chance.integers(len(FONTS))], size, int(size * chance.uniform(0.2, 2)))
        assert [line.text for line in reader(_picture(image))] == [text], size


@pytest.mark.parametrize("quarters", range(4))
def test_a_page_is_read_in_its_order_whichever_way_it_is_turned(reader: TextReader, quarters: int) -> None:
    page = Image.new("RGB", (700, 900), "white")
    for row, text in enumerate(PAGE):
        font = ImageFont.truetype(str(FONTS[0]), 36)
        ImageDraw.Draw(page).text((70, 80 + 120 * row), text, font=font, fill="black")
    turned = Image.fromarray(np.ascontiguousarray(np.rot90(np.asarray(page), quarters)))
    assert [line.text for line in reader(_picture(turned))] == PAGE


@pytest.mark.long
@pytest.mark.parametrize("size", [14, 40])
def test_a_lone_small_line_on_a_large_page_is_found_where_it_is(reader: TextReader, size: int) -> None:
    page = Image.new("RGB", (3000, 4000), "white")
    font = ImageFont.truetype(str(FONTS[0]), size)
    ImageDraw.Draw(page).text((1800, 2800), "No parking here", font=font, fill="black")
    (line,) = reader(_picture(page))
    assert line.text == "No parking here"
    left, top, right, bottom = font.getbbox("No parking here")
    centre = line.outline.mean(axis=0) * (3000, 4000)
    assert np.abs(centre - (1800 + (left + right) / 2, 2800 + (top + bottom) / 2)).max() < size


@pytest.mark.long
@pytest.mark.parametrize("text", ["J", "7", "A", "OK"])
@pytest.mark.parametrize("size", [24, 160])
def test_letters_that_stand_alone_are_read_upright(reader: TextReader, text: str, size: int) -> None:
    assert _words(reader, _drawn(text, FONTS[0], size, 20)) == [text]


# The same in many fonts, and a bar in some.
_BARS = {"I": {"I", "l"}, "l": {"I", "l", "1"}}


@pytest.mark.long
@pytest.mark.parametrize("text", ["I", "l", "i", "J", "j", "L", "!"])
def test_letters_that_are_little_but_a_bar_are_read_at_any_size(reader: TextReader, text: str, scale: float) -> None:
    sizes = [12, 16, 24, 36, 48, 64, 90, 120, 160, 200][:: 1 if scale == 1 else 3]
    made = [(font, size, margin) for font in FONTS[::3] for size in sizes for margin in (0.3, 1)]
    read = [_words(reader, _drawn(text, font, size, round(margin * size))) for font, size, margin in made]
    wrong = [(size, each) for (_, size, _), each in zip(made, read, strict=True) if not _said(each, text)]
    assert len(wrong) <= 0.1 * len(made), wrong


def _said(read: list[str], text: str) -> bool:
    return len(read) == 1 and read[0] in _BARS.get(text, {text})


def test_a_lone_letter_is_told_where_it_stands(reader: TextReader) -> None:
    page = Image.new("RGB", (400, 300), "white")
    ImageDraw.Draw(page).rectangle((250, 100, 262, 190), fill="black")
    (line,) = reader(_picture(page))
    assert line.text in _BARS["I"]
    assert line.outline.min(axis=0) * (400, 300) == pytest.approx((250, 100), abs=3)
    assert line.outline.max(axis=0) * (400, 300) == pytest.approx((263, 191), abs=3)


@pytest.mark.long
@pytest.mark.parametrize("text", ["C++", "i++", "Wi-Fi", "C#"])
@pytest.mark.parametrize("size", [16, 24, 90])
def test_a_short_text_is_not_taken_for_one_that_stands_on_its_head(reader: TextReader, text: str, size: int) -> None:
    for font in FONTS[::3]:
        assert _words(reader, _drawn(text, font, size, size)) == [text]


@pytest.mark.parametrize("text", ["STOP", "Gate B", "EXIT", "12:30"])
def test_a_sign_that_stands_on_its_head_is_read(reader: TextReader, text: str) -> None:
    (line,) = reader(_picture(_drawn(text, FONTS[0], 48, 30).rotate(180)))
    assert line.text == text
    assert line.outline[0, 0] > line.outline[1, 0]


def test_degrees_are_two_characters(reader: TextReader) -> None:
    assert "".join(_words(reader, _drawn("25 °C", FONTS[0], 60, 20))) == "25°C"


@pytest.mark.parametrize("text", ["ΠΡΟΣΟΧΗ θάλασσα", "xin chào người tiếng Việt", "được rượu đường phố"])
def test_scripts_whose_letters_get_lost_are_answered_less_sure(reader: TextReader, text: str) -> None:
    (line,) = reader(_picture(_drawn(text, FONTS[0], 44, 24)))
    assert all(word.confidence <= 50 for word in line.words)


@pytest.mark.parametrize("text", ["Größe Übermaß", "źródło książka", "niño mañana"])
def test_scripts_that_are_read_are_answered_as_sure_as_they_are(reader: TextReader, text: str) -> None:
    (line,) = reader(_picture(_drawn(text, FONTS[0], 44, 24)))
    assert all(word.confidence > 80 for word in line.words)


@pytest.mark.long
def test_large_and_small_lines_of_one_picture_are_both_read(reader: TextReader) -> None:
    page = Image.new("RGB", (1600, 1200), "white")
    for top, size, text in ((60, 300, "SALE"), (600, 36, "Only this week"), (800, 36, "Closed on Sunday")):
        ImageDraw.Draw(page).text((80, top), text, font=ImageFont.truetype(str(FONTS[0]), size), fill="black")
    assert [line.text for line in reader(_picture(page))] == ["SALE", "Only this week", "Closed on Sunday"]


@given(st.floats(-180, 180), st.integers(1, 5), st.integers(1, 4), st.randoms(use_true_random=False))
def test_rows_are_read_from_their_beginning_however_a_page_lies(
    degrees: float, rows: int, columns: int, chance: Random
) -> None:
    box = np.array([[0, 0], [80, 0], [80, 20], [0, 20]], np.float64)
    outlines = np.stack([box + np.array([100 * column, 30 * row]) for row in range(rows) for column in range(columns)])
    turn = np.radians(degrees)
    outlines = outlines @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    places = list(range(len(outlines)))
    chance.shuffle(places)
    assert [places[at] for at in reading_order(outlines[places])] == sorted(places)


def test_nothing_has_no_order() -> None:
    assert reading_order(np.zeros((0, 4, 2))) == []


def _thing(seed: int) -> Image.Image:
    """Something round or square of several colours on a white ground, as shops show what they sell."""
    chance = np.random.default_rng(seed)
    colours = Image.fromarray(chance.integers(20, 150, (6, 8, 3), np.uint8)).resize(
        (320, 220), Image.Resampling.BICUBIC
    )
    shape = Image.new("L", (320, 220), 0)
    if seed % 2:
        ImageDraw.Draw(shape).ellipse((0, 0, 319, 219), fill=255)
    else:
        ImageDraw.Draw(shape).rounded_rectangle((40, 0, 279, 219), 40, fill=255)
    page = Image.new("RGB", (400, 300), "white")
    page.paste(colours, (40, 40), shape)
    return page


@pytest.mark.parametrize("seed", range(4))
def test_a_thing_on_a_plain_ground_is_no_letter(seed: int) -> None:
    assert letter(_picture(_thing(seed)).pixels) is None
    assert letter(_picture(_drawn("8", FONTS[1], 160, 20)).pixels) is not None


def test_a_fruit_on_a_white_ground_is_not_read_as_a_nought(reader: TextReader, shared_data: Path) -> None:
    # It was, at 95.
    assert reader(decode((shared_data / "imagenet" / "n07716906_spaghetti_squash.JPEG").read_bytes())) == []


def test_a_line_that_is_read_is_not_taken_for_one_letter(reader: TextReader) -> None:
    """A label of one colour with its line in it: as a whole it is one part, as a letter is."""
    page = Image.new("RGB", (400, 300), "white")
    ImageDraw.Draw(page).rounded_rectangle((60, 40, 340, 260), 30, fill="black")
    ImageDraw.Draw(page).text((105, 135), "Open daily", fill="white", font=ImageFont.truetype(str(FONTS[1]), 30))
    assert _words(reader, page) == ["Open", "daily"]
