"""What Uppy's S3 plugin is answered, in its names."""

from typing import Literal

from pydantic import BaseModel

from services.gateway.schemas import Id, Url


class S3Params(BaseModel):
    """A form to POST the file with, fields first."""

    method: Literal["POST"]
    url: Url
    fields: dict[str, str]


class S3Multipart(BaseModel):
    key: str
    uploadId: Id  # noqa: N815 - as Uppy calls it


class S3SignedPart(BaseModel):
    url: Url
    expires: int


class S3SignedParts(BaseModel):
    presignedUrls: dict[str, str]  # noqa: N815 - as Uppy calls it


class S3ReceivedPart(BaseModel):
    PartNumber: int
    ETag: str
    Size: int


class S3Completed(BaseModel):
    location: Url
    key: str
