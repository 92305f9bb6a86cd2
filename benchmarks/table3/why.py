"""Why a classifier's accuracy is not the paper's, where it is not."""

WHY: dict[str, str] = {}
