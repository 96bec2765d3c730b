"""OpenVINO without its telemetry: the only module that imports it.

Importing OpenVINO, and every conversion, posts to an analytics service and leaves an identification
file in the home folder. OpenVINO goes without where its package for that cannot be imported, which
holds in every process, also on a cluster, since it is arranged here, before the first import.
"""

from __future__ import annotations

import sys

sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None: importing it fails

import openvino  # noqa: E402 - only now

__all__ = ["openvino"]
