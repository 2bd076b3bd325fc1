"""Every metric of our own. docs/telemetry.md is made of this list; no other file makes an instrument."""

from meshkit.metrics import Counter, Gauge, Histogram, Instrument

_MIB = 1 << 20
_CALL = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_REQUEST = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
_LONG = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200)

# What waits. Looked up every few seconds by each replica that can: take the `max` of them, never the sum.
TASK_QUEUE_AGE = Gauge("reelmesh.task.queue_age", "s", ["kind"], "How long ago the oldest task that waits was queued.")
TASKS = Gauge("reelmesh.tasks", "{task}", ["kind", "state"], "Tasks that are queued or running.")
OUTBOX_AGE = Gauge("reelmesh.outbox.age", "s", ["publisher"], "How long the oldest unpublished event has waited.")
CONSUMER_LAG = Gauge("reelmesh.consumer.lag", "{message}", ["consumer"], "Messages not yet given to their consumer.")
DEAD_LETTERS = Gauge("reelmesh.dead_letters", "{message}", ["consumer"], "Messages buried, and not yet looked after.")
STREAM_FILL = Gauge("reelmesh.stream.fill", "1", ["stream"], "Bytes in a stream, as part of those it may hold.")

# Messages.
MESSAGES_HANDLED = Counter(
    "reelmesh.message.handled", "{message}", ["consumer", "outcome"], "Deliveries of events: done, again or buried."
)
MESSAGES_REDELIVERED = Counter(
    "reelmesh.message.redelivered", "{message}", ["consumer"], "Deliveries that were not a message's first."
)

# Requests to the gateway, and calls between the services; names, attributes and buckets are OpenTelemetry's own.
HTTP_DURATION = Histogram(
    "http.server.request.duration",
    "s",
    ["http.request.method", "http.route", "http.response.status_code"],
    "How long requests to the gateway took, until the last byte of their answers.",
    buckets=_REQUEST,
)
RPC_DURATION = Histogram(
    "rpc.server.call.duration",
    "s",
    ["rpc.method", "rpc.response.status_code", "rpc.system.name"],
    "How long unary calls took.",
    buckets=_CALL,
)

# Uploads.
UPLOADS = Counter(
    "reelmesh.uploads", "{upload}", ["state", "transport", "reason"], "Uploads that came to a state; receiving: opened."
)
UPLOAD_SIZE = Histogram(
    "reelmesh.upload.size",
    "By",
    ["type"],
    "Size of completed uploads, by the first half of their declared content type.",
    buckets=[_MIB * 4**power for power in range(-1, 9)],
)
PRESIGN_DURATION = Histogram(
    "reelmesh.presign.duration",
    "s",
    [],
    "How long the part URLs of one answer took to sign.",
    buckets=[0.00001 * 2**power for power in range(14)],
)
OBJECT_IO = Counter(
    "reelmesh.object.io",
    "By",
    ["operation", "type"],
    "Bytes that our processes read from the object store, or wrote there. What clients and players move by presigned "
    "URLs passes by.",
)

# Jobs and tasks, as the scheduler decides.
JOBS_ENDED = Counter(
    "reelmesh.job.ended",
    "{job}",
    ["state", "reason", "blame"],
    "Jobs that ended. To blame for a failure is the source, or the mesh.",
)
JOB_DURATION = Histogram("reelmesh.job.duration", "s", ["state"], "From a job's creation to its end.", buckets=_LONG)
JOB_PLAYABLE = Histogram(
    "reelmesh.job.time_to_playable", "s", [], "From a job's creation to its first playable seconds.", buckets=_LONG
)
TASKS_ENDED = Counter("reelmesh.task.ended", "{task}", ["kind", "state"], "Tasks that succeeded or failed.")
TASKS_REQUEUED = Counter(
    "reelmesh.task.requeued",
    "{task}",
    ["kind"],
    "Tasks queued again: an attempt failed, a lease ran out, or a worker handed its task back.",
)

# What workers do.
TASK_ATTEMPTS = Counter(
    "reelmesh.task.attempts",
    "{attempt}",
    ["kind", "outcome"],
    "Attempts that a worker lived to see the end of: succeeded, interrupted, or the reason of the failure.",
)
FFMPEG_RUNS = Counter(
    "reelmesh.ffmpeg.runs",
    "{run}",
    ["outcome"],
    "Runs of ffmpeg: ok, timeout, undecodable, killed, failed, interrupted.",
)
ENCODE_SPEED = Histogram(
    "reelmesh.encode.speed",
    "1",
    ["kind"],
    "Seconds of output per second of one worker; a second of all rungs counts once.",
    buckets=[0.0625 * 2**power for power in range(13)],
)
ENCODE_COST = Histogram(
    "reelmesh.encode.cost",
    "s/min",
    ["kind"],
    "CPU-seconds per minute of output, of ffmpeg in all rungs of one task.",
    buckets=[0.5 * 2**power for power in range(13)],
)
ENCODE_CPU = Counter("reelmesh.encode.cpu_time", "s", ["kind"], "CPU time of the programs that encoded.")
ENCODE_OUTPUT = Counter("reelmesh.encode.output_time", "s", ["kind"], "Duration of what was encoded.")

# Webhooks.
WEBHOOK_ATTEMPT = Histogram(
    "reelmesh.webhook.attempt.duration",
    "s",
    ["outcome"],
    "How long receivers took: delivered, http_3xx, http_4xx, http_5xx, or why there was no answer.",
    buckets=_CALL,
)
WEBHOOKS_ENDED = Counter(
    "reelmesh.webhook.ended", "{delivery}", ["state"], "Deliveries that are over: succeeded, or failed for good."
)

ALL = tuple(each for each in list(globals().values()) if isinstance(each, Instrument))

_TASK = ("job.id", "task.id", "task.epoch")
_HTTP = ("http.request.method", "http.route", "http.response.status_code", "url.scheme", "url.path", "url.query")
_RPC = ("rpc.system.name", "rpc.method", "rpc.response.status_code")
SPANS = {
    "<method> <route>": (_HTTP, "The gateway has a request. In its path there is no playback token."),
    "<service>/<method>": (_RPC, "A call by gRPC, once where it is made and once where it is served."),
    "send <stream>": ((), "A relay publishes an event or a task; its parent is the call that said it."),
    "process <stream>": ((), "A consumer or a worker has a message. A redelivery begins a trace of its own, linked."),
    "process webhooks": ((), "One attempt of a delivery, answer and bookkeeping included."),
    "POST": (
        ("http.request.method", "server.address", "http.response.status_code", "error.type"),
        "The request of that attempt. It has a `traceparent`, so that its receiver may go on with the trace.",
    ),
    "probe source": (_TASK, "A worker reads a source."),
    "encode chunk": (_TASK, "A worker makes all rungs of a chunk, and stores them."),
    "encode audio": (_TASK, "A worker makes the sound."),
    "make stills": (_TASK, "A worker makes posters and sprites."),
    "make subtitles": (_TASK, "A worker makes WebVTT of one stream of subtitles."),
    "make images": (_TASK, "A worker makes the sizes of an image."),
    "join file": (_TASK, "A worker joins what was encoded into one file."),
    "analyse stream": (_TASK, "A worker looks at a chunk beside its rungs, or listens to the sound."),
    "ffmpeg": (("ffmpeg.outcome",), "One run of ffmpeg, as in `reelmesh.ffmpeg.runs`."),
}
"""Every span by its name, with its attributes; those of HTTP and gRPC are as OpenTelemetry has them."""
