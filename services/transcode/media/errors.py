"""Why a source cannot become a stream, told apart from why an attempt failed."""

from typing import Literal

Reason = Literal[
    "not_media",
    "unsupported_codec",
    "corrupt",
    "too_large",
    "too_long",
    "empty_file",
    "type_mismatch",
]
EditReason = Literal[
    "trim_outside_source",
    "crop_outside_picture",
    "edit_needs_video",
    "edit_asset_not_video",
    "edit_asset_not_image",
]


class BadMedia(Exception):
    """The source itself is at fault: trying again cannot help.

    `reason` is stable and meant for clients to branch on; `message` is for people.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason: Reason = reason
        self.message = message


class BadEdit(Exception):
    """What was asked of a source cannot be done with it. `reason` and `message` as in BadMedia."""

    def __init__(self, reason: EditReason, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason: EditReason = reason
        self.message = message


class EncodeFailed(Exception):
    """The attempt failed (a killed process, a full disk, a wrong output): it may be tried again."""


class WrongOutput(EncodeFailed):
    """ffmpeg said it succeeded, but what it wrote is not what the chunk needs."""
