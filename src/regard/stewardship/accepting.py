"""Going on with less: an older copy of the log or the database, or other keys of the log. The log tells of it, and why.

A council that is not the first one, and another root key, are accepted by nobody.
"""

from __future__ import annotations

from regard.stewardship.council.motions import check_length
from regard.stewardship.office import Office, check_founded

KIND = "regard/accepted"
_MOST_TOLD = 20


def accept_less(office: Office, because: str) -> list[str]:
    """Record what there is less of, and why; from then on it is what there is. What it was, a line each.

    Raises LookupError where nothing is less; NotTheFirst, PinBroken; NotLogged where the log cannot go on from this.
    """
    if not because.strip():
        raise ValueError("say why: it is written into the log, for ever")
    check_length("reason", because)
    published = office.published
    less = [*published.less(), *published.less_of_old()]
    if not less:
        raise LookupError("nothing is less than it was: there is nothing to accept")
    check_founded(office, less)
    # The records of an older database are numbered on behind those of which the log tells.
    office.logbook.take_over()
    office.logbook.write(KIND, {"because": because, "less": less[:_MOST_TOLD]})
    office.logbook.published = lambda _period, _note: None
    office.logbook.close()
    with office.engine.begin() as connection:
        published.keep_all(connection)
    return less
