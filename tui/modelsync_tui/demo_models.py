"""What the demo shows: a few models in several versions, in every state a row can have."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from pathlib import Path

from modelsync.tag import Tag

KiB, MiB = 1024, 1024 * 1024
_BLOCK_BYTES = 8 * MiB


class Sides(Enum):
    """Where a version of the demo is, and how far its upload came."""

    SAME = auto()
    LOCAL_ONLY = auto()
    REMOTE_ONLY = auto()
    DIFFERS = auto()
    """Here a later build than there, under one tag."""
    FAILED = auto()
    """Whole here; the upload broke off."""
    STUCK = auto()
    """Not here; its upload began long ago and never ended."""
    UPLOADING = auto()
    """Not here; someone is at it."""
    REFERENCE = auto()
    """Not here, and there only a pointer to HuggingFace."""


_HERE = (Sides.SAME, Sides.LOCAL_ONLY, Sides.DIFFERS, Sides.FAILED)


@dataclass(frozen=True, slots=True)
class Sample:
    """One version of the demo."""

    tag: Tag
    sides: Sides
    size_bytes: int
    """Of its weights."""
    age: timedelta
    """How long ago it was built."""
    by: str
    """Who pushed it."""
    module: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, object] = field(default_factory=dict)
    weights: str = "model.safetensors"


def _sample(
    tag: str,
    sides: Sides,
    size_bytes: float,
    days: float,
    by: str,
    module: str = "bentoml.transformers",
    weights: str = "model.safetensors",
    labels: Mapping[str, str] | None = None,
    **metadata: object,
) -> Sample:
    age = timedelta(days=days)
    return Sample(Tag.parse(tag), sides, int(size_bytes), age, by, module, labels or {}, metadata, weights)


_SKLEARN, _XGB = "bentoml.sklearn", "bentoml.xgboost"
_PROD, _STAGING = {"stage": "prod"}, {"stage": "staging"}

SAMPLES: tuple[Sample, ...] = (
    # The first row is where the cursor starts: pushing it must move something that can be watched.
    _sample("asr-whisper:v3-turbo", Sides.LOCAL_ONLY, 208 * MiB, 0.2, "mia", labels=_STAGING, wer=0.071),
    _sample("asr-whisper:v2", Sides.SAME, 3.1 * MiB, 31.27, "mia", labels=_PROD, wer=0.083),
    _sample("fraud-detector:v11-03", Sides.REMOTE_ONLY, 32 * MiB, 2.08, "raj", _XGB, "model.ubj", _STAGING, auc=0.971),
    _sample("fraud-detector:v11-02", Sides.REMOTE_ONLY, 1.4 * MiB, 9.31, "raj", _XGB, "model.ubj", auc=0.968),
    _sample("fraud-detector:v10", Sides.SAME, 1.2 * MiB, 40.66, "raj", _XGB, "model.ubj", _PROD, auc=0.964),
    _sample("iris_clf:v12", Sides.LOCAL_ONLY, 96 * KiB, 1.15, "mia", _SKLEARN, "saved_model.pkl", accuracy=0.98),
    _sample("iris_clf:v11", Sides.SAME, 94 * KiB, 6.37, "mia", _SKLEARN, "saved_model.pkl", _PROD, accuracy=0.97),
    _sample("iris_clf:v10", Sides.SAME, 92 * KiB, 12.71, "lin", _SKLEARN, "saved_model.pkl", accuracy=0.97),
    _sample("llama-ft:2026w47", Sides.DIFFERS, 6.5 * MiB, 1.3, "raj", labels=_STAGING, lora_r=16, eval_loss=1.083),
    _sample("llama-ft:2026w45", Sides.SAME, 6.2 * MiB, 15.42, "raj", labels=_PROD, lora_r=16, eval_loss=1.112),
    _sample("llama-ft:2026w44", Sides.REMOTE_ONLY, 4.6 * MiB, 22.05, "mia", lora_r=8, eval_loss=1.140),
    _sample("minilm-embeddings:v2", Sides.REFERENCE, 0, 5.83, "lin", revision="main"),
    _sample("minilm-embeddings:v1", Sides.SAME, 1.9 * MiB, 60.12, "lin", labels=_PROD, dimensions=384),
    _sample("reranker:2026-11-b", Sides.FAILED, 2.2 * MiB, 3.49, "mia", ndcg=0.411),
    _sample("reranker:2026-11-a", Sides.SAME, 2.1 * MiB, 10.94, "lin", labels=_PROD, ndcg=0.402),
    _sample("sentiment_model:v3", Sides.UPLOADING, 800 * KiB, 0.005, "lin", accuracy=0.94),
    _sample("sentiment_model:v2", Sides.STUCK, 800 * KiB, 4.2, "raj", accuracy=0.93),
    _sample("sentiment_model:v1_approved", Sides.SAME, 760 * KiB, 45.58, "lin", labels=_PROD, accuracy=0.92),
    _sample("summarization:k3zq7xu5lgqc67i3", Sides.LOCAL_ONLY, 5.4 * MiB, 0.8, "mia", rouge=0.443),
    _sample("summarization:btwtmvu5kwqc67i3", Sides.SAME, 5.3 * MiB, 20.33, "mia", labels=_PROD, rouge=0.431),
    _sample("summarization:a20c9hu4zwqc67i3", Sides.REMOTE_ONLY, 5.1 * MiB, 50.76, "raj", rouge=0.428),
)


def write_model(home: Path, sample: Sample, built: datetime, *, larger_by: int = 0) -> Path:
    """Writes one version as BentoML would have saved it under `home`; returns its directory.

    The newest of a name becomes its latest. The weights are random bytes: nothing on the way can make them smaller.
    """
    directory = home / "models" / sample.tag.name / sample.tag.version
    directory.mkdir(parents=True)
    (directory / "model.yaml").write_text(_model_yaml(sample, built), encoding="utf-8")
    config = {"architectures": [sample.tag.name.title()], "dtype": "bfloat16", **sample.metadata}
    (directory / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    with (directory / sample.weights).open("wb", buffering=0) as file:
        left = sample.size_bytes + larger_by
        while left > 0:
            left -= file.write(os.urandom(min(left, _BLOCK_BYTES)))
    if sample.tag.version == _newest_here(sample.tag.name):
        (directory.parent / "latest").write_text(sample.tag.version, encoding="utf-8")
    return directory


def _newest_here(name: str) -> str:
    here = [sample for sample in SAMPLES if sample.tag.name == name and sample.sides in _HERE]
    return min(here, key=lambda sample: sample.age).tag.version if here else ""


def _model_yaml(sample: Sample, built: datetime) -> str:
    """The facts of one version; JSON is YAML, so nothing else is needed to write them."""
    metadata = dict(sample.metadata)
    if sample.sides is Sides.REFERENCE:
        metadata |= {"registry": "huggingface", "model_id": f"sentence-transformers/{sample.tag.name}"}
    facts = {
        "name": sample.tag.name,
        "version": sample.tag.version,
        "module": sample.module,
        "labels": dict(sample.labels),
        "options": {},
        "metadata": metadata,
        "context": {
            "framework_name": sample.module.rpartition(".")[2],
            "framework_versions": {},
            "bentoml_version": "1.4.39",
            "python_version": "3.11.9",
        },
        "signatures": {},
        "api_version": "v1",
        "creation_time": built.isoformat(),
    }
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in facts.items())
