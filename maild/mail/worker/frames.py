"""What the pool and its workers say to each other over two pipes: a length of eight bytes, then a pickle.

The parent does not trust a worker that has read a stranger's mail: it unpickles only the types of an answer."""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass

from maild.domain.messages import message
from maild.domain.messages.attachment import Attachment
from maild.domain.people import directory as people

LENGTH = 8  # bytes of the length
MAX_FRAME = 2**28  # bytes; more is no answer but a worker gone mad

_KINDS = (
    Attachment,
    message.InboundMessage,
    message.DeliveryReport,
    message.DeliveryStatus,
    message.DeliveryAction,
    message.ForwardedMail,
    people.Address,
    people.Person,
)
_ALLOWED = {
    *((kind.__module__, kind.__name__) for kind in _KINDS),
    *(("datetime", name) for name in ("datetime", "timezone", "timedelta")),
}


@dataclass(frozen=True, slots=True)
class WorkerReply:
    """What a worker made of a job. `failure` is "" when it went well; `retires`: the worker ends after this answer."""

    result: object = None
    failure: str = ""
    retires: bool = False


class _Answers(pickle.Unpickler):
    """Reads answers; any other type is refused."""

    def find_class(self, module_name: str, global_name: str, /) -> object:
        if (module_name, global_name) in _ALLOWED:
            return super().find_class(module_name, global_name)
        raise pickle.UnpicklingError(f"{module_name}.{global_name} has no place in an answer")


def body_of(thing: object) -> bytes:
    """One thing as it goes over the pipe, behind its length."""
    return pickle.dumps(thing, protocol=5)


def frame(thing: object) -> bytes:
    """One thing with its length before it."""
    body = body_of(thing)
    return len(body).to_bytes(LENGTH, "big") + body


def answer_frame(answer: WorkerReply) -> bytes:
    """An answer as it goes over the pipe."""
    return frame((answer.result, answer.failure, answer.retires))


def answer_of(body: bytes) -> WorkerReply:
    """The answer in a frame; pickle.UnpicklingError and many others when it is none."""
    result, failure, retires = _Answers(io.BytesIO(body)).load()
    return WorkerReply(result, str(failure), bool(retires))
