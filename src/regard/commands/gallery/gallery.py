"""`regard collections`, `regard index` and `regard search`: a gallery of one's own, through the gate."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from regard.commands.common.inside import Inside, caller_of
from regard.commands.common.options import Json, Key
from regard.commands.common.output import NO, YES, err, failed, out, print_json, table
from regard.commands.gallery.journal import Journal
from regard.commands.gallery.sources import NameFrom, Source, sources_in
from regard.commands.pictures.asking import OF_THE_PICTURE
from regard.commands.pictures.pictures import mark_of, save
from regard.operations.common.errors import ApiError
from regard.settings import from_environment
from regard.stewardship.council.collections import PROFILED
from regard.stores.buckets import Buckets

app = typer.Typer(help="List, make, show and delete collections.", no_args_is_help=True)

Collection = Annotated[str, typer.Argument(help="The collection's id.")]


@app.command("list")
def list_collections(as_json: Json = False, key: Key = None) -> None:
    """Every collection with its faces and users."""
    inside = _inside(key)
    shown = [
        inside.ask("DescribeCollection", CollectionId=name) | {"CollectionId": name}
        for name in inside.ask("ListCollections")["CollectionIds"]
    ]
    if as_json:
        print_json(shown)
        return
    rows = table("Collection", "Faces", "Users", "Face model", "Made")
    for each in shown:
        made = f"{each['CreationTimestamp']:%Y-%m-%d %H:%M}"
        rows.add_row(
            each["CollectionId"], str(each["FaceCount"]), str(each["UserCount"]), each["FaceModelVersion"], made
        )
    out.print(rows)


@app.command()
def create(
    collection: Collection,
    tag: Annotated[list[str] | None, typer.Option(help="NAME=VALUE, for example regard:basis=consent.")] = None,
    key: Key = None,
) -> None:
    """Make a collection."""
    tags = dict(entry.split("=", 1) for entry in tag or () if "=" in entry)
    if len(tags) != len(tag or ()):
        raise typer.BadParameter("a tag reads NAME=VALUE, each name once")
    answer, told = _inside(key).ask_with_remarks("CreateCollection", CollectionId=collection, Tags=tags or None)
    out.print(answer["CollectionArn"])
    if profile := told.get(PROFILED):
        err.print(f"Faces are embedded with the profile {profile}.")


@app.command()
def show(collection: Collection, as_json: Json = False, key: Key = None) -> None:
    """The faces of a collection."""
    inside = _inside(key)
    faces: list[dict[str, Any]] = []
    token = None
    while token or not faces:
        answer = inside.ask("ListFaces", CollectionId=collection, NextToken=token)
        faces += answer["Faces"]
        token = answer.get("NextToken")
        if not token:
            break
    if as_json:
        print_json(faces)
        return
    rows = table("Face", "Name", "User", "Confidence", whole=["Face"])
    for face in faces:
        name, user = face.get("ExternalImageId", ""), face.get("UserId", "")
        rows.add_row(face["FaceId"], name, user, f"{face['Confidence']:.1f}")
    out.print(rows)


@app.command("renew-keys")
def renew_keys(collection: Collection, key: Key = None) -> None:
    """Seal every template of a collection under new keys and a new rotation; nobody is enrolled again."""
    from regard.stewardship.holdings import open_holdings
    from regard.stewardship.office import open_office

    office = open_office(from_environment())
    organization = caller_of(office, key).organization
    renewed = open_holdings(office).gallery.renew_keys(organization, collection)
    office.logbook.write("regard/renewal", {"organization": organization, "faces": renewed})
    out.print(f"{renewed} templates are sealed under new keys")


@app.command()
def delete(
    collection: Collection,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    key: Key = None,
) -> None:
    """Delete a collection with all its faces and their keys. Nothing brings them back."""
    if not yes:
        typer.confirm(f"Delete {collection} and every face in it for good?", abort=True)
    _inside(key).ask("DeleteCollection", CollectionId=collection)
    out.print(f"{collection} is gone.")


def index(
    places: Annotated[
        list[str],
        typer.Argument(
            metavar="PLACE...", help="Pictures, folders, CSV lists (image, and perhaps name), s3://BUCKET/PREFIX."
        ),
    ],
    collection: Annotated[str, typer.Option("--collection", "-c", help="Where to enrol; made when it is not there.")],
    name_from: Annotated[
        NameFrom, typer.Option(help="The name (ExternalImageId) of a face: its file's, its folder's, or none.")
    ] = NameFrom.FILE,
    most: Annotated[int | None, typer.Option("--max-faces", help="Largest faces to take of each picture.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Index also what an earlier run has finished.")] = False,
    as_json: Json = False,
    key: Key = None,
) -> None:
    """Enrol the faces of pictures in a collection.

    A bucket is read with the operator's credentials, where REGARD_S3_ALLOWED lets the key's organization. Stopped and
    run again, it goes on where it was. Leaves with 0 when every picture was read, 2 when one was not; what was not
    enrolled is told with its reasons.

    Example: `regard index people/ --collection staff --name-from folder`
    """
    inside = _inside(key)
    journal = _journal_of(inside, collection)
    buckets = Buckets(from_environment())
    found = list(sources_in(places, name_from, buckets, inside.caller.organization))
    done = {} if again else {each: result for each in found if (result := journal.result(each)) is not None}
    with _bar() as bar:
        task = bar.add_task("Indexing", total=len(found), completed=len(done))
        for source, result in indexed(inside, [each for each in found if each not in done], collection, most):
            journal.note(source, result)
            done[source] = result
            bar.advance(task)
    results = {each.where: done[each] for each in found}
    if as_json:
        print_json(results)
    else:
        _report(results)
    if any("error" in result for result in results.values()):
        raise typer.Exit(failed("not every picture could be read"))


def indexed(
    inside: Inside, sources: Iterable[Source], collection: str, most: int | None = None
) -> Iterator[tuple[Source, dict[str, Any]]]:
    """Enrol the faces of pictures: which one is done, and what became of it.

    Several are worked on at once: one more than there are cores, because one always waits for the disk.
    """
    workers = len(os.sched_getaffinity(0)) + 1
    with ThreadPoolExecutor(workers) as pool:
        begun: dict[Future[dict[str, Any]], Source] = {}
        try:
            for source in sources:
                begun[pool.submit(_index_one, inside, source, collection, most)] = source
                if len(begun) > 2 * workers:
                    yield from _finished(begun)
            while begun:
                yield from _finished(begun)
        finally:
            pool.shutdown(cancel_futures=True)


def search(
    picture: Annotated[Path, typer.Argument(help="The picture whose largest face is looked for.", exists=True)],
    collection: Annotated[str, typer.Option("--collection", "-c", help="Where to look.")],
    threshold: Annotated[float | None, typer.Option(min=0, max=100, help="Least similarity of a match.")] = None,
    most: Annotated[int | None, typer.Option("--max-faces", help="Matches to return.")] = None,
    to: Annotated[Path | None, typer.Option("--out", "-o", help="Write the picture with box and name here.")] = None,
    as_json: Json = False,
    key: Key = None,
) -> None:
    """Look for the largest face of a picture in a collection.

    Leaves with 0 when there is a match, 1 when there is none, 2 on an error.
    """
    inside = _inside(key)
    data = picture.read_bytes()
    answer, remarks = inside.ask_with_remarks(
        "SearchFacesByImage",
        CollectionId=collection,
        Image={"Bytes": data},
        FaceMatchThreshold=threshold,
        MaxFaces=most,
    )
    if to:
        save(data, to, [mark_of(answer["SearchedFaceBoundingBox"], _best(answer), bool(answer["FaceMatches"]))])
    if as_json:
        print_json(answer)
    else:
        _show_matches(answer, remarks)
    raise typer.Exit(YES if answer["FaceMatches"] else NO)


def _inside(key: str | None) -> Inside:
    return Inside(from_environment(), key)


def _journal_of(inside: Inside, collection: str) -> Journal:
    """The journal of this very collection: one that was deleted and made again begins anew."""
    try:
        described = inside.ask("DescribeCollection", CollectionId=collection)
    except ApiError as error:
        if error.code != "ResourceNotFoundException":
            raise
        inside.ask("CreateCollection", CollectionId=collection)
        described = inside.ask("DescribeCollection", CollectionId=collection)
    made = f"{described['CreationTimestamp'].timestamp():.6f}"
    folder = from_environment().data_dir / "journals" / inside.caller.organization
    return Journal(folder / f"{collection}-{made}.jsonl")


def _finished(begun: dict[Future[dict[str, Any]], Source]) -> Iterator[tuple[Source, dict[str, Any]]]:
    for future in wait(begun, return_when=FIRST_COMPLETED).done:
        yield begun.pop(future), future.result()


def _index_one(inside: Inside, source: Source, collection: str, most: int | None) -> dict[str, Any]:
    try:
        answer = inside.ask(
            "IndexFaces",
            CollectionId=collection,
            Image=source.image(),
            ExternalImageId=source.name,
            MaxFaces=most,
        )
    except (ApiError, OSError) as error:
        if isinstance(error, ApiError) and error.code not in OF_THE_PICTURE:
            raise
        return {"error": str(error)}
    return {
        "faces": [record["Face"]["FaceId"] for record in answer["FaceRecords"]],
        "unindexed": [unindexed["Reasons"] for unindexed in answer["UnindexedFaces"]],
    }


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=err
    )


def _report(results: dict[str, dict[str, Any]]) -> None:
    faces = sum(len(result.get("faces", ())) for result in results.values())
    out.print(f"{faces} faces of {len(results)} pictures are enrolled.")
    left = table("Not enrolled", "Reason")
    for file, result in results.items():
        if "error" in result:
            left.add_row(file, result["error"])
        elif not result["faces"] and not result["unindexed"]:
            left.add_row(file, "no face was found")
        for reasons in result.get("unindexed", ()):
            left.add_row(file, ", ".join(reasons))
    if left.row_count:
        out.print(left)


def _show_matches(answer: dict[str, Any], remarks: dict[str, str]) -> None:
    if count := remarks.get("x-regard-faces-in-picture"):
        out.print(f"{count} faces are in the picture; the largest was looked for.")
    rows = table("Similarity", "Name", "Face", whole=["Face"])
    for match in answer["FaceMatches"]:
        face = match["Face"]
        rows.add_row(f"{match['Similarity']:.2f}", face.get("ExternalImageId", ""), face["FaceId"])
    out.print(rows if answer["FaceMatches"] else "Nobody in the collection is like this face.")


def _best(answer: dict[str, Any]) -> str:
    if not answer["FaceMatches"]:
        return "no match"
    match = answer["FaceMatches"][0]
    return f"{match['Face'].get('ExternalImageId', match['Face']['FaceId'])} {match['Similarity']:.1f}"
