"""Why training fails, in the codes of the contract. AWS documents texts of the first few alone."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """Why a version could not be trained. The first five leave no files behind."""

    MANIFEST_INACCESSIBLE = "ERROR_MANIFEST_INACCESSIBLE_OR_UNSUPPORTED_FORMAT"
    MANIFEST_SIZE_TOO_LARGE = "ERROR_MANIFEST_SIZE_TOO_LARGE"
    INVALID_PERMISSIONS_MANIFEST_S3_BUCKET = "ERROR_INVALID_PERMISSIONS_MANIFEST_S3_BUCKET"
    MANIFEST_IS_EMPTY = "ERROR_MANIFEST_IS_EMPTY"
    CANNOT_WRITE = "ERROR_CANNOT_WRITE_OUTPUT_S3_BUCKET"
    TOO_MANY_INVALID_ROWS = "ERROR_TOO_MANY_INVALID_ROWS_IN_MANIFEST"
    MULTIPLE_S3_BUCKETS = "ERROR_IMAGES_IN_MULTIPLE_S3_BUCKETS"
    INVALID_PERMISSIONS_IMAGES_S3_BUCKET = "ERROR_INVALID_PERMISSIONS_IMAGES_S3_BUCKET"
    INSUFFICIENT_FOR_AUTOSPLIT = "ERROR_INSUFFICIENT_IMAGES_PER_LABEL_FOR_AUTOSPLIT"
    TOO_FEW_LABELS = "ERROR_MANIFEST_TOO_FEW_LABELS"
    TOO_MANY_LABELS = "ERROR_MANIFEST_TOO_MANY_LABELS"
    TOO_FEW_USABLE_LABELS = "ERROR_MANIFEST_TOO_FEW_USABLE_LABELS"
    INSUFFICIENT_LABEL_OVERLAP = "ERROR_INSUFFICIENT_LABEL_OVERLAP"
    INSUFFICIENT_USABLE_LABEL_OVERLAP = "ERROR_INSUFFICIENT_USABLE_LABEL_OVERLAP"
    FAILED_IMAGES_S3_COPY = "ERROR_FAILED_IMAGES_S3_COPY"

    @property
    def text(self) -> str:
        """What it says."""
        return _TEXTS[self]


_TEXTS = {
    Fault.MANIFEST_INACCESSIBLE: "The manifest file extension or contents are invalid.",
    Fault.MANIFEST_SIZE_TOO_LARGE: "The manifest file size exceeds the maximum supported size.",
    Fault.INVALID_PERMISSIONS_MANIFEST_S3_BUCKET: "The S3 bucket permissions are incorrect.",
    Fault.MANIFEST_IS_EMPTY: "The manifest file is empty.",
    Fault.CANNOT_WRITE: "Unable to write to output S3 bucket.",
    Fault.TOO_MANY_INVALID_ROWS: "The manifest file has too many invalid rows.",
    Fault.MULTIPLE_S3_BUCKETS: "The images are in more than one S3 bucket.",
    Fault.INVALID_PERMISSIONS_IMAGES_S3_BUCKET: "The permissions of the S3 bucket with the images are incorrect.",
    Fault.INSUFFICIENT_FOR_AUTOSPLIT: "Some labels have too few images to be split into training and test.",
    Fault.TOO_FEW_LABELS: "The manifest file has too few labels.",
    Fault.TOO_MANY_LABELS: "The manifest file has too many labels.",
    Fault.TOO_FEW_USABLE_LABELS: "The manifest file has too few usable labels.",
    Fault.INSUFFICIENT_LABEL_OVERLAP: "Less than half of the labels are in both the training and the test.",
    Fault.INSUFFICIENT_USABLE_LABEL_OVERLAP: "Less than half of the usable labels are in both training and test.",
    Fault.FAILED_IMAGES_S3_COPY: "Images could not be copied from S3.",
}


class CannotTrain(Exception):
    """Nothing can be trained: the fault, and what would help. `files` says whether files are left behind."""

    def __init__(self, fault: Fault, help: str = "") -> None:
        super().__init__(f"{fault.text} {help}".strip())
        self.fault = fault

    @property
    def leaves_files(self) -> bool:
        """Whether the ManifestSummary tells of it."""
        return list(Fault).index(self.fault) >= list(Fault).index(Fault.TOO_MANY_INVALID_ROWS)
