"""Drafts of pipelines, and what is kept of their trials."""

from apps.pipelines.models.case import PipelineCase, PipelinePin
from apps.pipelines.models.pipeline import ADDRESSES, Pipeline, Status

__all__ = ["ADDRESSES", "Pipeline", "PipelineCase", "PipelinePin", "Status"]
