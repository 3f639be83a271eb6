"""Much, done in a new folder."""

from __future__ import annotations

from pathlib import Path

from tests.helpers.lived.house import opened
from tests.helpers.lived.known import Known
from tests.helpers.lived.labels import labelled
from tests.helpers.lived.parties import decided, parties
from tests.helpers.lived.people import enrolled, filed, reviewed
from tests.helpers.lived.work import streamed, worked


def lived(folder: Path) -> Known:
    """Do much in a new folder, in every table of it; what people outside know then."""
    with opened(folder) as house:
        known = Known()
        parties(house, known)
        decided(house)
        enrolled(house, known)
        reviewed(house, known)
        filed(house, known)
        worked(house, known)
        streamed(house, known)
        labelled(house, known)
        _, log = house.office.logbook.shards.current()
        log.submit([b'{"kind":"regard/test"}'] * 300).result()
        log.publish()
        known.log_key = "\n".join(map(str, house.office.logbook.keys.verifiers))
    # A second start pins what the first one published, and leaves a tile behind that it outgrows.
    with opened(folder) as house:
        house.office.logbook.write("regard/test", {})
        return known
