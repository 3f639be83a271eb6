"""The page on a model of one's own: what it is worth, what it confuses, with the pictures; two versions compared."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template

from regard.custom.workbench.charts import learning, precision_recall
from regard.custom.workbench.groups import Matrix, matrix_of
from regard.custom.workbench.kept import Asked, Point, Results
from regard.custom.workbench.markup import grid, key, linked, listed, pictures
from regard.custom.workbench.pictures import ADAPTER, CLASSIFIER, DETECTOR
from regard.evaluation.custom.classifier import MORE
from regard.evaluation.document import Block, Heading, Listing, Markup, Paragraph, Table, as_html

# What else has to be known to read the figures.
_KINDS = {
    CLASSIFIER: "",
    DETECTOR: " Figures of labels count boxes, which are right where they overlap by half with one that is there. "
    "Further down pictures count, each label by its surest box.",
    ADAPTER: " It adds to what moderation tells; labels are told from a confidence of 50 on.",
}
# Charts of so many labels are in a page, of those with the least F1.
MOST_CHARTS = 24
# Of more labels the matrix is a list of what is confused: 1,640 cells can still be searched by eye, 62,750 cannot.
MOST_SQUARE = 40
PAGE = Template(
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>$title</title>'
    '<meta name="viewport" content="width=device-width,initial-scale=1"><style>'
    ":root{color-scheme:light dark;--ink:#222;--back:#fff;--line:#ccc;--blue:#1a5fb4;--red:#a51d2d;--soft:#f3f3f3}"
    "@media(prefers-color-scheme:dark){:root{--ink:#eee;--back:#1b1b1d;--line:#555;--blue:#8ab8f0;--red:#ff9a9a;"
    "--soft:#2a2a2d}}"
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:var(--ink);"
    "background:var(--back);overflow-wrap:anywhere}a{color:var(--blue)}.loud{font-weight:600}"
    "table{border-collapse:collapse;margin:1rem 0;overflow-wrap:normal}.wide{overflow-x:auto}"
    "caption{text-align:left}th,td{padding:.25rem .7rem;border-bottom:1px solid var(--line);text-align:left;"
    "vertical-align:top}th{font-weight:600}.figure,.wide td{text-align:right}.wide th{max-width:10rem}"
    ":is(.wide,.listed) td a{display:block}.listed td{text-align:right}.listed th{overflow-wrap:anywhere}"
    ".wrong a{color:var(--red);font-weight:600}.none{opacity:.7}"
    "svg{max-width:100%;height:auto}.line{stroke:var(--blue);stroke-width:2}.dot{fill:var(--blue)}"
    ".charts,.grid{display:flex;flex-wrap:wrap;gap:.75rem;padding:0;margin:.5rem 0;list-style:none}"
    ".grid li{width:7rem;display:flex;flex-direction:column;font-size:.85rem;line-height:1.3}"
    ".grid img,.gone{width:96px;height:96px;object-fit:contain;background:var(--soft)}"
    ".over{position:relative;width:96px;height:96px}.over svg{position:absolute;inset:0;width:96px;height:96px}"
    "rect{fill:none;stroke:#ffb000;stroke-width:2;vector-effect:non-scaling-stroke}"
    ".over rect{filter:drop-shadow(0 0 1px #000)}rect.told{stroke:#7cf;stroke-dasharray:5 4}"
    ".key{background:#222;height:1.5rem;width:2.5rem;vertical-align:middle}"
    "@media(max-width:34rem){main>table,main>table :is(caption,tbody,tr,th){display:block}"
    "main>table thead{display:none}"
    "main>table td{display:flex;justify-content:space-between;gap:1rem;border:0}"
    "main>table td::before{content:attr(data-of)}main>table th{border:0;border-top:1px solid var(--line)}}"
    "section:target{outline:2px solid var(--blue);outline-offset:.4rem}small{font-weight:400;opacity:.75}"
    "</style></head>\n<body><main>\n$blocks\n</main></body></html>\n"
)


def page(results: Results, against: Results | None = None) -> str:
    """The whole page; `against` is another version, that this one is compared with."""
    blocks = [*_worth(results), *(_compared(results, against) if against else []), *_confused(results)]
    return as_html([*blocks, *_curves(results), *_twins(results)], page=PAGE)


def figures(results: Results) -> list[tuple[str, str]]:
    """What the model is worth, in words: AWS's members of the summary, then ours."""
    more = [] if results.with_more is None else [(f"F1 with {MORE} pictures more", f"about {results.with_more:.3f}")]
    means = zip(("Average precision", "Average recall"), results.beside.get("means", ()), strict=False)
    unrelated = results.false_labels
    false = [] if unrelated is None else [("Unrelated pictures with a label", f"{100 * unrelated:.1f} %")]
    return [
        ("F1", f"{results.f1:.3f}"),
        ("Precision", f"{results.precision:.3f}"),
        ("Recall", f"{results.recall:.3f}"),
        *((name, f"{value:.3f}") for name, value in means),
        ("F1 of another such test, 95 times in 100", f"{results.interval.low:.3f} to {results.interval.high:.3f}"),
        ("F1 across five folds of the training", f"{results.cross_validated:.3f}"),
        *false,
        *more,
    ]


def by_label(results: Results) -> list[list[str]]:
    """Of each label its F1, precision, recall, threshold, and how many pictures were learned from and tested with."""
    return [
        [
            each.name,
            *(f"{value:.3f}" for value in (each.f1, each.precision, each.recall, each.threshold)),
            str(each.trained),
            str(each.n),
        ]
        for each in results.labels
    ]


COLUMNS = ("Label", "F1", "Precision", "Recall", "Told from", "Learned from", "Tested with")


def _worth(results: Results) -> list[Block]:
    weak = [each.advice for each in results.labels if each.advice]
    help: list[Block] = [Heading("Weak labels"), Listing(weak)] if weak else []
    text = f"Learned from {results.trained} pictures, tested with {len(results.pictures)} others.{_KINDS[results.kind]}"
    return [
        Heading(results.name, 1),
        Paragraph(text),
        Table(("Figure", "This model"), figures(results), caption="What it is worth"),
        Table(COLUMNS, by_label(results), caption="By label"),
        *_beside_base(results),
        *help,
    ]


def _beside_base(results: Results) -> list[Block]:
    """Of an adapter what it tells and what the base does, at each confidence."""
    levels = results.beside.get("compared", ())
    if not levels:
        return []
    rows = [[str(level), *(str(each) for each in (*base, *adapter))] for level, base, adapter in levels]
    sides = [f"{side}: {what}" for side in ("Base", "Adapter") for what in ("right", "wrong", "missed")]
    return [Table(("From", *sides), rows, caption="Labels of the test pictures, from a confidence on")]


def _confused(results: Results) -> list[Block]:
    matrix = matrix_of(results)
    groups = matrix.groups
    wrong: list[Block] = [Markup(grid(each, results)) for each in groups if each.wrong]
    return [
        Heading("What is taken for what"),
        *_table_of(matrix),
        *([Markup(key())] if any(each.boxes for each in results.pictures) else []),
        Heading("What is wrong"),
        *(wrong or [Paragraph("Nothing, of the test pictures.")]),
        Heading("What is right"),
        *(Markup(grid(each, results)) for each in groups if not each.wrong),
    ]


def _table_of(matrix: Matrix) -> list[Block]:
    """The whole matrix; of many labels the cells that are wrong, and that the others are at zero."""
    count, pairs = len(matrix.rows), matrix.pairs
    if count <= MOST_SQUARE:
        told = "Test pictures by what they show, and the surest label that is told. A number leads to its pictures."
        return [Paragraph(told), Markup(linked(matrix, "Test pictures"))]
    if not pairs:
        return [Paragraph(f"Nothing, of {count} labels: each is told of the pictures that show it.")]
    told = (
        f"{count} labels are too many for a matrix. This is what is confused, the most first; whatever is not here is "
        "at zero. A number leads to its pictures."
    )
    return [Paragraph(told), Markup(listed(pairs, "what is confused", "Test pictures that are told wrongly"))]


def _curves(results: Results) -> list[Block]:
    shown = results.tested[:MOST_CHARTS]
    charts = "".join(precision_recall(results, each.name) for each in shown)
    left = len(results.labels) - len(shown)
    blocks: list[Block] = [
        Heading("Precision and recall"),
        Paragraph(
            "On the test pictures; the dot is where a label is told from. That comes from pictures left out of the "
            "training, not from these." + (f" {left} labels are not drawn." if left else "")
        ),
        Markup(f'<div class="charts">{charts}</div>'),
    ]
    if len(results.curve) > 1:
        more = None if results.with_more is None else Point(results.trained + MORE, results.with_more)
        told = f" The dashed line is what {MORE} more would give, if it goes on so." if more else ""
        rows = [[str(each.pictures), f"{each.f1:.3f}"] for each in results.curve]
        blocks += [
            Heading("What more pictures give"),
            Paragraph(f"Heads of a part of the pictures, each measured on pictures that it was not made of.{told}"),
            Markup(f'<div class="charts">{learning(results.curve, more)}</div>'),
            Table(("Pictures", "F1"), rows, caption="Learning curve"),
        ]
    return blocks


def _twins(results: Results) -> list[Block]:
    none = "No picture of the test is in the training, or looks like one that is."
    if not results.twins:
        return [Heading("Twice there"), Paragraph(none)]
    of = {each.path: each for each in results.pictures}
    rows = [
        [Path(each.test).name, "the same file" if each.same else "looks alike", Path(each.trained).name]
        for each in results.twins
    ]
    return [
        Heading("Twice there"),
        Paragraph(
            f"Of the test, also in the training or alike: {len(rows)}. They were learned by heart, which flatters F1."
        ),
        Table(("Test", "How", "Training"), rows),
        Markup(pictures([of[each.test] for each in results.twins if each.test in of], results)),
    ]


def _compared(now: Results, before: Results) -> list[Block]:
    olds = {each.name: each for each in before.labels}
    rows = [["all", f"{before.f1:.3f}", f"{now.f1:.3f}", f"{now.f1 - before.f1:+.3f}"]]
    for each in now.labels:
        old = olds.pop(each.name, None)
        was = (f"{old.f1:.3f}", f"{each.f1 - old.f1:+.3f}") if old else ("not there", "")
        rows.append([each.name, was[0], f"{each.f1:.3f}", was[1]])
    rows += [[name, f"{old.f1:.3f}", "not there", ""] for name, old in olds.items()]
    return [
        Heading(f"Against {before.name}"),
        Table(("F1", before.name, now.name, "Difference"), rows, caption="Each on its own test"),
        *_changed(now, before),
    ]


def _changed(now: Results, before: Results) -> list[Block]:
    """What became of the pictures that both were tested with."""
    earlier = {each.digest: each for each in before.pictures}
    both = [(each, earlier[each.digest]) for each in now.pictures if each.digest in earlier]
    if not both:
        return [Paragraph("No picture was in both tests.")]
    sides: dict[str, Sequence[Asked]] = {
        title: [new for new, old in both if (now.right(new), before.right(old)) == change]
        for title, change in (("wrong now, right before", (False, True)), ("right now, wrong before", (True, False)))
    }
    right = sum(now.right(new) for new, _ in both), sum(before.right(old) for _, old in both)
    told = f"{len(both)} pictures were in both tests: {right[0]} are right now, {right[1]} were before."
    blocks: list[Block] = [Paragraph(told)]
    for title, changed in sides.items():
        if changed:
            blocks.append(Markup(f"<h3>{escape(title)} <small>{len(changed)}</small></h3>{pictures(changed, now)}"))
    return blocks
