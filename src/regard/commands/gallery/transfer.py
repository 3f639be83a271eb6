"""`regard collections export`, `import`, `copy`, `key` and `re-embed`: collections that move."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from regard.commands.common.inside import Inside
from regard.commands.common.options import Key
from regard.commands.common.output import err, out
from regard.commands.gallery.gallery import Collection
from regard.commands.gallery.gallery import app as app
from regard.commands.pictures.asking import OF_THE_PICTURE
from regard.commands.pictures.pictures import pictures_under
from regard.operations.common.errors import ApiError
from regard.settings import from_environment
from regard.stewardship.council.collections import PROFILE, RENEWS, SUCCESSOR
from regard.stewardship.holdings import open_holdings
from regard.stewardship.office import open_office
from regard.vision.faces.faces import VERSIONS


@app.command("key")
def recipient_key() -> None:
    """The key that others seal collections to for this service. It is no secret."""
    out.print(open_holdings(open_office(from_environment())).gallery.transfer.recipient)


@app.command("export")
def export_collection(
    collection: Collection,
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    to: Annotated[str, typer.Option(help="The recipient's key, as `regard collections key` prints it there.")],
    key: Key = None,
) -> None:
    """Write a collection to a file that only the recipient's service opens.

    Example: `regard collections export staff staff.sealed --to "$KEY"`
    """
    answer = Inside(from_environment(), key).ask_ours(
        "ExportCollection", CollectionId=collection, File=str(file), Recipient=to
    )
    out.print(f"{answer['Faces']} faces are in {file}.{_along(answer)}")


@app.command("import")
def import_collection(
    file: Annotated[Path, typer.Argument(help="A file that `regard collections export` wrote.", exists=True)],
    name: Annotated[str | None, typer.Option("--as", help="Another name for the collection.")] = None,
    key: Key = None,
) -> None:
    """Make a collection of a file that was sealed to this service, with the tags and ids that it had."""
    settings = from_environment()
    with file.open("rb") as source:
        head, *_ = open_holdings(open_office(settings)).gallery.transfer.read(source)
    collection, tags = name or head.collection_id, _profiled(head.tags, head.face_model)
    _fill(Inside(settings, key), collection, tags, "ImportFaces", File=str(file))


@app.command("copy")
def copy_collection(
    collection: Collection,
    name: Annotated[str, typer.Argument(help="The name of the copy.")],
    key: Key = None,
) -> None:
    """Make a second collection with the same tags, faces and users."""
    inside = Inside(from_environment(), key)
    face_model = inside.ask("DescribeCollection", CollectionId=collection)["FaceModelVersion"]
    _fill(inside, name, _profiled(_tags(inside, collection), face_model), "CopyFaces", Source=collection)


@app.command("re-embed")
def renew_collection(
    collection: Collection,
    pictures: Annotated[list[Path], typer.Argument(help="The original pictures, or folders of them.", exists=True)],
    drop_missing: Annotated[
        bool, typer.Option("--drop-missing", help="Let go of faces whose pictures were not brought.")
    ] = False,
    profile: Annotated[
        str | None, typer.Option(help="fast or accurate; by default what a new collection with its tags is made with.")
    ] = None,
    key: Key = None,
) -> None:
    """Make a collection anew with the face model that runs, from the original pictures.

    Where rights are at stake that is the accurate profile, unless told otherwise. The old one answers until the new one
    is complete and takes its name. Stopped and run again, it goes on where it was. Example: `regard collections
    re-embed staff people/`
    """
    inside, renewed = Inside(from_environment(), key), collection + SUCCESSOR
    if renewed not in inside.ask("ListCollections")["CollectionIds"]:
        tags = {name: value for name, value in _tags(inside, collection).items() if name != PROFILE}
        tags |= {PROFILE: profile} if profile else {}
        inside.ask("CreateCollection", CollectionId=renewed, Tags=tags or None)
    faces = 0
    for file in pictures_under(pictures):
        image = {"Bytes": file.read_bytes()}
        try:
            answer = inside.ask_ours("RenewFaces", CollectionId=renewed, Source=collection, Image=image)
        except ApiError as error:
            if error.code not in OF_THE_PICTURE:
                raise
            err.print(f"{file}: {error}")
            continue
        faces += answer["Faces"]
        if answer["Lost"]:
            err.print(f"{file}: {answer['Lost']} faces were not found again")
    dropped = inside.ask_ours("SwitchCollection", CollectionId=collection, Renewed=renewed, DropMissing=drop_missing)
    out.print(f"{faces} faces were renewed, {dropped['Dropped']} dropped.")


def _tags(inside: Inside, collection: str) -> dict[str, str]:
    arn = inside.ask("DescribeCollection", CollectionId=collection)["CollectionARN"]
    tags: dict[str, str] = inside.ask("ListTagsForResource", ResourceArn=arn)["Tags"]
    # What a collection says of itself goes along; what an earlier renewal said of it, and was broken off, does not.
    return {key: value for key, value in tags.items() if key != RENEWS}


def _profiled(tags: dict[str, str], face_model: str) -> dict[str, str]:
    """The tags with the profile that the templates are of: they fit into no collection of another."""
    profiles = [profile for profile, version in VERSIONS.items() if version == face_model]
    return dict.fromkeys([PROFILE], profiles[0]) | tags if profiles else tags


def _fill(inside: Inside, collection: str, tags: dict[str, str], operation: str, **parameters: str) -> None:
    """Make a collection and fill it; when that fails, it goes again."""
    inside.ask("CreateCollection", CollectionId=collection, Tags=tags or None)
    try:
        answer = inside.ask_ours(operation, CollectionId=collection, **parameters)
    except BaseException:
        inside.ask("DeleteCollection", CollectionId=collection)
        raise
    refused = f" {answer['Refused']} were not let in: erased here, or without a receipt." if answer["Refused"] else ""
    out.print(f"{answer['Faces']} faces are in {collection}.{refused}{_along(answer)}")


def _along(answer: dict[str, Any]) -> str:
    what = {"Receipts": "consents that count", "Suppressions": "people not to be enrolled"}
    counted = [f"{answer[name]} {each}" for name, each in what.items() if answer.get(name)]
    return f" With them: {', '.join(counted)}." if counted else ""
