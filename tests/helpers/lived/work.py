"""Jobs and live video."""

from __future__ import annotations

from functools import partial

from regard.jobs.job import Asked, Outcome, Part, Step
from regard.jobs.working import Task, Worker
from regard.streams import drops
from regard.streams.messages import SNS, Message
from regard.streams.processor import Session
from tests.helpers.lived.house import Lived
from tests.helpers.lived.known import Known


def worked(house: Lived, known: Known) -> None:
    """One job that is over, of which a topic is yet to hear, with something about somebody; and one that waits."""
    desk, now = house.holdings.jobs, house.office.logbook._clock()

    def work(task: Task) -> Outcome:
        for number in range(3):
            parts = Part(b"%d" % number, 1), Part(b"her", 1, "external/alice")
            task.step(partial(Step, parts, 1, 3))
        return Outcome({"told": now}, {"frames": 3})

    for number in range(2):
        channel = {"SNSTopicArn": f"arn:aws:sns:us-east-1:{known.firm}:films", "RoleArn": "role"}
        given = {"NotificationChannel": channel}
        asked = Asked(known.firm, known.keys["photos"], "photo-library", "StartFaceSearch", given, {}, str(number))
        with desk.engine.begin() as connection:
            known.jobs.append(desk.start(connection, asked))
    Worker(desk, {"StartFaceSearch": work}, "one").run(known.jobs[0])


def streamed(house: Lived, known: Known) -> None:
    """A camera, a processor that was started and stopped, a message that nobody took yet, and one that was given up."""
    streams = house.holdings.streams
    arn = f"arn:aws:kinesisvideo:us-east-1:{known.firm}:stream/door/1"
    streams.sources.put(arn, "rtsp://door:secret@camera/live")
    given = {"Input": {"KinesisVideoStream": {"Arn": arn}}, "Settings": {"ConnectedHome": {"Labels": ["PET"]}}}
    with house.office.engine.begin() as connection:
        streams.processors.create(connection, streams.processors.new(known.firm, "door", "us-east-1", given, {}))
        session = Session("session", known.keys["photos"], "photo-library", "StartStreamProcessor", {}, 10)
        streams.processors.start(connection, streams.processors.found(connection, known.firm, "door"), session)
        streams.processors.end(connection, streams.processors.found(connection, known.firm, "door"))
        message = Message(f"arn:aws:sns:us-east-1:{known.firm}:door", "{}")
        streams.messages.owe(connection, known.firm, message, SNS)
        drops.note(connection, SNS, 1)
