"""The protocol between the pool and its workers over two pipes: frames of a length (eight bytes) and a pickle.

The parent does not trust a worker that has read a stranger's mail, so it unpickles only the types of a reply."""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass

from maild.domain.messages import message
from maild.domain.messages.attachment import Attachment
from maild.domain.people import directory as people

LENGTH = 8  # bytes of the length, in big-endian order
MAX_FRAME = 2**28  # bytes; no reply is larger

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
    """The reply of a worker to a job."""

    result: object = None
    failure: str = ""  # "" for success
    retires: bool = False  # the worker ends after this reply


class _ReplyUnpickler(pickle.Unpickler):
    """Unpickles the types of a reply only."""

    def find_class(self, module_name: str, global_name: str, /) -> object:
        if (module_name, global_name) in _ALLOWED:
            return super().find_class(module_name, global_name)
        raise pickle.UnpicklingError(f"{module_name}.{global_name} is no part of a reply")


def body_of(thing: object) -> bytes:
    """Return the bytes that follow the length in a frame."""
    return pickle.dumps(thing, protocol=5)


def frame(thing: object) -> bytes:
    """Return a whole frame: the length, then the pickle."""
    body = body_of(thing)
    return len(body).to_bytes(LENGTH, "big") + body


def reply_frame(reply: WorkerReply) -> bytes:
    """Return the frame of a reply."""
    return frame((reply.result, reply.failure, reply.retires))


def reply_of(body: bytes) -> WorkerReply:
    """Read the reply in the body of a frame. Raises pickle.UnpicklingError and other errors for anything else."""
    result, failure, retires = _ReplyUnpickler(io.BytesIO(body)).load()
    return WorkerReply(result, str(failure), bool(retires))
