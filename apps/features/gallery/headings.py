"""The headings that templates go under; an import makes what is missing."""

from typing import Final

WRITING: Final = {"key": "writing", "title": "Writing", "title_zh": "文案"}
IMAGES: Final = {"key": "images", "title": "Images", "title_zh": "图片"}
OFFICE: Final = {"key": "office", "title": "Office", "title_zh": "办公"}
