"""Parts of a file, straight to the object store: several at a time, each tried again on its own."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Event, Lock

import httpx2
import stamina

from reelmesh_client.errors import ClientError, ProblemError, UnreachableError
from reelmesh_client.files import Piece, Source
from reelmesh_client.models import SignedPart
from reelmesh_client.transport import DIRECT, reaching

ATTEMPTS = 6
SIGNED_AT_ONCE = 100
TIMEOUT = httpx2.Timeout(60.0, connect=10.0, pool=None)

OnProgress = Callable[[int, int], None]
"""Called with the bytes that are there by now, and all of them. A part that has to be sent again is taken back."""
Sign = Callable[[Sequence[int]], list[SignedPart]]


class StoppedError(Exception):
    """Another part failed for good, so this one need not go on."""


class Tally:
    def __init__(self, total: int, on_progress: OnProgress | None) -> None:
        self._total = total
        self._there = 0
        self._tell = on_progress
        self._lock = Lock()

    def add(self, count: int) -> None:
        with self._lock:
            self._there += count
            if self._tell is not None:
                self._tell(self._there, self._total)


class Signatures:
    """The parts' URLs, asked for a hundred at a time and only when it is their turn: they age."""

    def __init__(self, sign: Sign, wanted: Sequence[int], known: Iterable[SignedPart]) -> None:
        self._sign = sign
        self._wanted = list(wanted)
        self._known = {part.part_number: part for part in known}
        self._lock = Lock()

    def of(self, number: int) -> SignedPart:
        with self._lock:
            if number not in self._known:
                at = self._wanted.index(number)
                self._keep(self._sign(self._wanted[at : at + SIGNED_AT_ONCE]))
            return self._known[number]

    def renewed(self, number: int) -> SignedPart:
        fresh = self._sign([number])
        with self._lock:
            self._keep(fresh)
            return self._known[number]

    def _keep(self, parts: Iterable[SignedPart]) -> None:
        self._known |= {part.part_number: part for part in parts}


class Sender:
    def __init__(self, source: Source, signatures: Signatures, tally: Tally, parallel: int) -> None:
        self._source = source
        self._signatures = signatures
        self._tally = tally
        self._parallel = max(1, parallel)
        self._stopped = Event()

    def send(self, todo: Sequence[Piece]) -> None:
        """Returns when all of them are there. Raises what the first part to fail for good failed with."""
        limits = httpx2.Limits(max_connections=self._parallel, max_keepalive_connections=self._parallel)
        # A client of its own: the API key is not for the object store.
        with httpx2.Client(timeout=TIMEOUT, limits=limits, mounts=DIRECT) as store:
            pool = ThreadPoolExecutor(self._parallel, thread_name_prefix="part")
            try:
                for sent in as_completed([pool.submit(self._sent, store, piece) for piece in todo]):
                    sent.result()
            except BaseException:
                # Not waited for: a part may hang in a read, and whoever pressed Ctrl-C has gone.
                self._stopped.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
            pool.shutdown()

    def _sent(self, store: httpx2.Client, piece: Piece) -> None:
        for attempt in stamina.retry_context(
            on=self._worth_another_try,
            attempts=ATTEMPTS,
            timeout=None,
            wait_initial=0.2,
            wait_max=10.0,
            wait_jitter=0.3,
        ):
            with attempt:
                # Whatever was wrong with the URL, most often its age, is not wrong with a new one.
                signed = (self._signatures.of if attempt.num == 1 else self._signatures.renewed)(piece.number)
                self._put(store, piece, signed)

    def _put(self, store: httpx2.Client, piece: Piece, signed: SignedPart) -> None:
        counted = [0]
        headers = {**signed.headers, "Content-Length": str(piece.size)}
        try:
            with reaching("the object store"):
                answer = store.put(signed.url, headers=headers, content=self._counting(piece, counted))
            accepted(answer, piece)
        except BaseException:
            self._tally.add(-counted[0])
            raise

    def _counting(self, piece: Piece, counted: list[int]) -> Iterator[bytes]:
        for block in self._source.blocks(piece):
            if self._stopped.is_set():
                raise StoppedError
            yield block
            counted[0] += len(block)
            self._tally.add(len(block))

    def _worth_another_try(self, error: Exception) -> bool:
        if self._stopped.is_set() or not isinstance(error, ClientError):
            return False
        if isinstance(error, ProblemError):
            return error.status in {403, 408, 429} or error.status >= 500
        return isinstance(error, UnreachableError)


def accepted(answer: httpx2.Response, piece: Piece) -> None:
    if not answer.is_success:
        raise ProblemError(
            status=answer.status_code,
            code="object_store_refused",
            detail=f"the object store answered {answer.status_code} {answer.reason_phrase} to part {piece.number}",
        )
