"""Documents that can be followed: links lead somewhere, commands parse, and blocks run, against a service of their own.

`make lint` runs this file; its name keeps it out of `make test`. What pages have to mention is in tests/test_docs.py.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from typer.testing import CliRunner, Result

from regard.cli import COMMANDS as NAMED
from regard.cli import app, imported
from tests.helpers.films import film_of
from tests.helpers.running import Running, running
from tests.helpers.stores import store, store_client, store_settings

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").glob("*.md")
)

# What the pages take to be there.
PICTURES = (
    *("picture.jpg", "passport.jpg", "selfie.jpg", "street.jpg", "party.jpg", "car.jpg"),
    *("photos/one.jpg", "people/ann/1.jpg", "people/ann/2.jpg"),
)
FOLDERS = (
    *("receipts", "lfw", "members", "arrests", "audit", "faces", "attributes"),
    *("unrelated", "parts", "parts-1", "parts-2", "new"),
)
FILES = dict.fromkeys(
    (
        "pairs.txt",
        "twice.csv",
        "agedb_30.bin",
        "people.csv",
        "faces.csv",
        "members.csv",
        "receipts.csv",
        "notice.txt",
        "weights.tar",
        "acme.secret",
        "2026-11-1234.tlog-proof",
        "log.pub",
    ),
    "",
)
# The commands that are not run, under the reason. They parse all the same; one that left its page fails a test.
NOT_RUN: dict[str, tuple[str, ...]] = {
    "it runs until it is stopped": (
        "regard serve",
        "regard work",
        "regard witness serve witness.example/one --folder witness --log log.pub --host 127.0.0.1 --port 4600",
    ),
    "it asks a service or a program that is not ours": (
        "regard report 2026-11 --log https://faces.example/log --key log.pub",
        "regard keys renew-master --command 'kms-client print regard'",
        "regard collections unseal SEAL --as ann --key ann.key --service https://faces.example",
        'regard council propose floor \'{"purpose": "photo-library", "floor": 85}\' --title \'…\' '
        "--service https://faces.example --as ann --key ann.key",
        "regard council vote HASH approve --service https://faces.example --as ben --key ben.key",
        "regard council suspend identify --reason 'a false arrest' --service https://faces.example "
        "--as ben --key ben.key",
        "regard log verify https://faces.example/log --key log.pub",
        "regard log mine --log https://faces.example/log --key log.pub --secret acme.secret --receipts receipts",
        "regard log copy archive --from https://faces.example/log",
    ),
    "it measures labelled pictures, more than a package ships: tests/evaluation does": (
        "regard train head beard faces/",
        "regard train head smile faces.csv --column smiles --out heads",
        "regard train heads attributes/",
        "regard train scenes photos/ --name ours --out scenes.json",
        "regard train background unrelated/",
        "regard custom train parts/ --out parts-1",
        "regard custom train parts/ --seen parts-1 --out parts-2",
        "regard custom report parts-2 --against parts-1",
        "regard custom detect new/ --model parts-1",
        "regard custom export parts-1 --to parts.onnx",
        "regard evaluate verify people/",
        "regard evaluate verify lfw/ --pairs pairs.txt",
        "regard evaluate verify agedb_30.bin",
        "regard evaluate identify people/ --gallery 1000",
        "regard evaluate calibrate people/ --as 'passport photographs' --version own-1",
        "regard evaluate calibrate people/ --same twice.csv --as 'passport photographs' --version own-1",
        "regard audit run people.csv",
        "regard audit run people.csv --similarity 95 --gallery 20000",
        "regard audit congress members/ arrests/ --groups members.csv",
        "regard audit verify audit/ --key '$(regard log key)'",
    ),
    "it takes or makes a tar of 300 MB: tests/commands does, with small ones": (
        "regard weights export weights.tar",
        "regard weights import weights.tar",
    ),
    "it is for those who sit on the council: tests/commands/stewardship does": (
        'regard council propose floor \'{"purpose": "photo-library", "floor": 85}\' --title \'…\' '
        "--as ann --key ann.key",
        "regard council vote HASH approve --as ben --key ben.key",
        "regard council vote HASH refuse --as cyd --key cyd.key --reason 'people were hurt at 80'",
        "regard council suspend identify --reason 'a false arrest' --as ben --key ben.key",
        """regard council propose vectors '{"organization": ID, "collection": NAME, "clear": true}' --title '…'""",
        "regard collections seal members --needed 2",
    ),
    "it names what only an earlier answer gives": (
        "regard review loops picture-1 --json",
        "regard console invite ORGANIZATION ada --role reviewer",
        "regard console sessions --end ID",
        "regard console revoke ORGANIZATION ada",
        "regard consent show RECEIPT",
        "regard consent withdraw RECEIPT",
        "regard review false-match ada alice REQUEST-ID",
        "regard report 2026-11 --log copy-of-the-log/ --key log.pub --format html -o report.html",
        "regard jobs show 5f0c --watch",
        "regard jobs cancel 5f0c",
        "regard jobs retry 5f0c",
        "regard reports show 3f0c",
        "regard reports answer 3f0c upheld --words 'The match was wrong; the picture was removed.'",
        "regard receipt verify 2026-11-1234.tlog-proof --key log.pub",
    ),
    "it needs a camera: tests/commands/streams does, and tests/streams": (
        "regard streams source arn:aws:kinesisvideo:us-east-1:111122223333:stream/door/1 "
        "rtsp://USER:PASSWORD@camera/live",
        "regard streams show door",
        "regard streams stop door",
    ),
    "it asks a person back": ("regard subject erase alice",),
    "the service has to start in between": ("regard log rotate --finish",),
    "nothing is less there than it was": (
        "regard log accept --because 'the disk broke; the backup of the night before is in place'",
    ),
}
WHY = {text: why for why, texts in NOT_RUN.items() for text in texts}


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code on a page: where it begins, the language that its fence names, and its lines."""

    page: Path
    line: int
    language: str
    lines: tuple[str, ...]

    @property
    def place(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page, fenced or indented by four spaces."""
    lines = page.read_text().splitlines()
    number = 0
    while number < len(lines):
        begin = number
        if lines[number].startswith("```"):
            number += 1
            while not lines[number].startswith("```"):
                number += 1
            yield Block(page, begin + 2, lines[begin][3:], tuple(lines[begin + 1 : number]))
        elif lines[number].startswith("    ") and not lines[number - 1].strip():
            while number < len(lines) and lines[number].startswith("    "):
                number += 1
            yield Block(page, begin + 1, "", tuple(line[4:] for line in lines[begin:number]))
        number += 1


BLOCKS = [block for page in PAGES for block in blocks(page)]
PYTHON = [block for block in BLOCKS if block.language == "python"]


@dataclass(frozen=True, slots=True)
class Shown:
    """A command of ours as a page shows it; `to` is the file that its output goes to."""

    place: str
    line: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.line, comments=True)[1:]

    @property
    def text(self) -> str:
        return shlex.join(["regard", *self.words])


def commands() -> Iterator[Shown]:
    """Every line of a block that calls `regard`, in order."""
    for block in BLOCKS:
        for number, line in enumerate(block.lines, block.line):
            if re.match(r"(\.venv/bin/)?regard (?!listens on)", line):
                yield Shown(f"{block.page.name}:{number}", line.removeprefix(".venv/bin/"))


COMMANDS = list(commands())


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with what the pages name: pictures, films, a face in each, and files that only have to be there."""
    from skimage.data import astronaut

    folder = tmp_path_factory.mktemp("work")
    for name in PICTURES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(astronaut()).save(folder / name)
    sign = Image.new("RGB", (320, 160), "white")
    ImageDraw.Draw(sign).text((30, 50), "No parking", "black", font_size=44)
    for name, shown in (("street.mp4", astronaut()), ("party.mp4", astronaut()), ("sign.mp4", np.array(sign))):
        film_of(folder / name, [shown] * 13)
    for name in FOLDERS:
        (folder / name).mkdir()
    for name, content in FILES.items():
        (folder / name).write_text(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(ROOT / "examples")
        patch.setenv("REVIEW_SECRET", "as `regard review appoint` tells it")
        yield folder


@pytest.fixture(scope="module")
def service(workplace: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service, with what it printed pasted, and its data folder for commands that work beside it."""
    data = tmp_path_factory.mktemp("data")
    with (
        filled_store(workplace) as settings,
        running(data, **settings) as started,
        pytest.MonkeyPatch.context() as patch,
    ):
        given = settings | {"REGARD_DATA_DIR": str(data), "AWS_ENDPOINT_URL_S3": settings["REGARD_S3_ENDPOINT"]}
        for name, value in {**given, **started.environment}.items():
            patch.setenv(name, value)
        started.client().create_collection(CollectionId="members")
        yield started


@contextmanager
def filled_store(workplace: Path) -> Iterator[dict[str, str]]:
    """The settings of docs/s3.md, of a store that has its picture: that any organization may read, as each is new."""
    with store() as address:
        client = store_client(address)
        client.create_bucket(Bucket="pictures")
        client.upload_file(str(workplace / "picture.jpg"), "pictures", "party/one.jpg")
        client.create_bucket(Bucket="films")
        client.upload_file(str(workplace / "street.mp4"), "films", "street.mp4")
        yield store_settings(address, "*=pictures/party/,*=films/")


def ask(words: list[str]) -> Result:
    """Run a command of ours in this process; a file after `>` gets what it prints.

    Folders of a server's own lie in the folder that the tests work in.
    """
    words = [word.removeprefix("/") if word.startswith("/srv/") else word for word in words]
    words, to = (words[:-2], words[-1]) if ">" in words else (words, None)
    done = CliRunner().invoke(app, words, catch_exceptions=True)
    if to:
        Path(to).write_text(done.stdout)
    return done


@pytest.mark.parametrize("shown", COMMANDS, ids=lambda shown: f"{shown.place} {shown.text}")
def test_commands_parse(shown: Shown, workplace: Path) -> None:
    words = shown.words
    assert {*words[:1]} & {*NAMED}, f"{shown.place}: there is no `{shown.text}`"
    command, words = imported(words[0]), words[1:]
    while hasattr(command, "commands"):
        assert {*words[:1]} & {*command.commands}, f"{shown.place}: there is no `{shown.text}`"
        command, words = command.commands[words[0]], words[1:]
    command.make_context(command.name, words[: words.index(">")] if ">" in words else words)


@pytest.mark.parametrize("shown", COMMANDS, ids=lambda shown: f"{shown.place} {shown.text}")
def test_commands_run(shown: Shown, service: Running) -> None:
    if why := WHY.get(shown.text):
        pytest.skip(why)
    done = ask(shown.words)
    assert done.exit_code == 0, f"{shown.place}: {done.output} {done.exception!r}"


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: block.place)
def test_python_runs(block: Block, service: Running, workplace: Path) -> None:
    names = {"rekognition": service.client(), "picture": (workplace / "picture.jpg").read_bytes(), "ARN": _flow()}
    exec(compile("\n".join(block.lines), block.place, "exec"), names)


def test_whatever_is_not_run_is_still_on_a_page() -> None:
    assert not WHY.keys() - {shown.text for shown in COMMANDS}


def _flow() -> str:
    """The ARN of the flow definition that docs/moderation.md sets."""
    done = ask(["review", "flow", "set", "doubtful", "--label", "Explicit", "--at-least", "20", "--at-most", "80"])
    arns: list[str] = re.findall(r"arn:\S+", done.output)
    return arns[0]


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        assert file.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in _anchors(file), f"{page.name} links to {target}: no such heading"
