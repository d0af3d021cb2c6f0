"""Bytes <-> words: the room that reads raw mail and writes it. Reading is pure; a worker process does it.

The way of one raw mail: `limits` looks at the bytes, `parts` cuts them into MIME parts, `headers` and `addresses` read
the fields, `body` chooses the text, `html` and `quoting` find the new words, `parse` puts an InboundMessage together,
and `worker` does all that in a process that can be killed."""
