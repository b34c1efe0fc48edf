"""A pair that was chosen, without its bytes, which stay in the staging folder until they are written."""

from dataclasses import dataclass

from slug_lightning.curation.harvest import FoundPair


@dataclass(frozen=True, order=True)
class Kept:
    """Where a chosen pair is, and what the manifest says of it; ordered by source and position.

    Attributes:
        source: Number of its source.
        position: Its number in the source.
        stage: Name in the staging folder under which its source's pairs are.
        key: Its name in the source.
        url: Where its image came from.
        sha256: Digest of the image as it is stored.
        download_sha256: Digest of the image as it was downloaded, if the source says one.
        similarity: Cosine of image and caption, if it was measured.
    """

    source: int
    position: int
    stage: str
    key: str
    url: str
    sha256: str
    download_sha256: str
    similarity: float | None = None

    @classmethod
    def of(cls, pair: FoundPair, source: int, stage: str, similarity: float | None = None) -> "Kept":
        """From the pair itself."""
        return cls(
            source,
            pair.position,
            stage,
            pair.key,
            pair.about.url,
            pair.sha256,
            pair.about.sha256,
            similarity,
        )
