"""Codes of what is wrong with a dataset or with a line of one, and AWS's texts of them."""

from __future__ import annotations

from enum import StrEnum


class LineCode(StrEnum):
    """What is wrong with a line of a manifest, or with a part of it. Warnings leave a line out, and count for nothing.

    The first eight end the checks of a line. Two of them, the picture's, who reads the picture says.
    """

    MISSING_SOURCE_REF = "ERROR_MISSING_SOURCE_REF"
    INVALID_SOURCE_REF_FORMAT = "ERROR_INVALID_SOURCE_REF_FORMAT"
    NO_LABEL_ATTRIBUTES = "ERROR_NO_LABEL_ATTRIBUTES"
    INVALID_LABEL_ATTRIBUTE_FORMAT = "ERROR_INVALID_LABEL_ATTRIBUTE_FORMAT"
    INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT = "ERROR_INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT"
    MISSING_BOUNDING_BOX_CONFIDENCE = "ERROR_MISSING_BOUNDING_BOX_CONFIDENCE"
    MISSING_CLASS_MAP_ID = "ERROR_MISSING_CLASS_MAP_ID"
    INVALID_JSON_LINE = "ERROR_INVALID_JSON_LINE"
    NO_VALID_LABEL_ATTRIBUTES = "ERROR_NO_VALID_LABEL_ATTRIBUTES"
    INVALID_IMAGE = "ERROR_INVALID_IMAGE"
    INVALID_IMAGE_DIMENSION = "ERROR_INVALID_IMAGE_DIMENSION"
    INVALID_BOUNDING_BOX = "ERROR_INVALID_BOUNDING_BOX"
    NO_VALID_ANNOTATIONS = "ERROR_NO_VALID_ANNOTATIONS"
    BOUNDING_BOX_TOO_SMALL = "ERROR_BOUNDING_BOX_TOO_SMALL"
    TOO_MANY_BOUNDING_BOXES = "ERROR_TOO_MANY_BOUNDING_BOXES"
    UNSUPPORTED_USE_CASE_TYPE = "ERROR_UNSUPPORTED_USE_CASE_TYPE"
    INVALID_LABEL_NAME_LENGTH = "ERROR_INVALID_LABEL_NAME_LENGTH"
    UNANNOTATED_RECORD = "WARNING_UNANNOTATED_RECORD"
    NO_ANNOTATIONS = "WARNING_NO_ANNOTATIONS"
    NO_ATTRIBUTE_ANNOTATIONS = "WARNING_NO_ATTRIBUTE_ANNOTATIONS"

    @property
    def warns(self) -> bool:
        """Whether it is a warning alone."""
        return self.value.startswith("WARNING_")

    def text(self, attribute: str = "") -> str:
        """What it says; `attribute` is the label attribute that it is about, where it names one."""
        return _LINES[self].replace("{}", attribute)


class DatasetCode(StrEnum):
    """Why a dataset could not be made or changed."""

    MANIFEST_INACCESSIBLE_OR_UNSUPPORTED_FORMAT = "ERROR_MANIFEST_INACCESSIBLE_OR_UNSUPPORTED_FORMAT"
    MANIFEST_SIZE_TOO_LARGE = "ERROR_MANIFEST_SIZE_TOO_LARGE"
    MANIFEST_ROWS_EXCEEDS_MAXIMUM = "ERROR_MANIFEST_ROWS_EXCEEDS_MAXIMUM"
    INVALID_PERMISSIONS_MANIFEST_S3_BUCKET = "ERROR_INVALID_PERMISSIONS_MANIFEST_S3_BUCKET"
    TOO_MANY_RECORDS_IN_ERROR = "ERROR_TOO_MANY_RECORDS_IN_ERROR"
    MANIFEST_TOO_MANY_LABELS = "ERROR_MANIFEST_TOO_MANY_LABELS"
    INSUFFICIENT_IMAGES_PER_LABEL_FOR_DISTRIBUTE = "ERROR_INSUFFICIENT_IMAGES_PER_LABEL_FOR_DISTRIBUTE"

    @property
    def text(self) -> str:
        """What it says."""
        return _DATASETS[self]


_LINES = {
    LineCode.MISSING_SOURCE_REF: "The source-ref key is missing.",
    LineCode.INVALID_SOURCE_REF_FORMAT: "The format of the source-ref value is invalid.",
    LineCode.NO_LABEL_ATTRIBUTES: "No label attributes found.",
    LineCode.INVALID_LABEL_ATTRIBUTE_FORMAT: "The format of the label attribute {} is invalid.",
    LineCode.INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT: "The format of the label attribute metadata is invalid.",
    LineCode.MISSING_BOUNDING_BOX_CONFIDENCE: "One or more bounding boxes has a missing confidence value.",
    LineCode.MISSING_CLASS_MAP_ID: "One of more class ids is missing from the class map.",
    LineCode.INVALID_JSON_LINE: "The JSON Line has an invalid format.",
    LineCode.NO_VALID_LABEL_ATTRIBUTES: "No valid label attributes found.",
    LineCode.INVALID_IMAGE: "The image is invalid. Check S3 path and/or image properties.",
    LineCode.INVALID_IMAGE_DIMENSION: "The image dimension(s) do not conform to allowed dimensions.",
    LineCode.INVALID_BOUNDING_BOX: "The bounding box has off frame values.",
    LineCode.NO_VALID_ANNOTATIONS: "No valid annotations found.",
    LineCode.BOUNDING_BOX_TOO_SMALL: "The height and width of the bounding box is too small.",
    LineCode.TOO_MANY_BOUNDING_BOXES: "There are more bounding boxes than the allowed maximum.",
    LineCode.UNSUPPORTED_USE_CASE_TYPE: (
        "The use case type of the {}-metadata label attribute metadata is unsupported. Check the type field."
    ),
    # AWS documents no text of this one.
    LineCode.INVALID_LABEL_NAME_LENGTH: "The length of a label name is invalid. A name has 1 to 255 characters.",
    LineCode.UNANNOTATED_RECORD: "Record is unannotated.",
    LineCode.NO_ANNOTATIONS: "No annotations were found.",
    LineCode.NO_ATTRIBUTE_ANNOTATIONS: "No attribute annotations were found.",
}
_DATASETS = {
    DatasetCode.MANIFEST_INACCESSIBLE_OR_UNSUPPORTED_FORMAT: "The manifest file extension or contents are invalid.",
    DatasetCode.MANIFEST_SIZE_TOO_LARGE: "The manifest file size exceeds the maximum supported size.",
    DatasetCode.MANIFEST_ROWS_EXCEEDS_MAXIMUM: "The manifest file has too many rows.",
    DatasetCode.INVALID_PERMISSIONS_MANIFEST_S3_BUCKET: "The S3 bucket permissions are incorrect.",
    DatasetCode.TOO_MANY_RECORDS_IN_ERROR: "The manifest file has too many terminal errors.",
    DatasetCode.MANIFEST_TOO_MANY_LABELS: "The manifest file has too many labels.",
    DatasetCode.INSUFFICIENT_IMAGES_PER_LABEL_FOR_DISTRIBUTE: (
        "The manifest file doesn't have enough labeled images to distribute the dataset."
    ),
}
