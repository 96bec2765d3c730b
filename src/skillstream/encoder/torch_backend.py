"""Runs a model by torch: on CUDA in half precision where there is a GPU, else on the CPU."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from safetensors import SafetensorError
from transformers import AutoModel
from transformers.utils.logging import disable_progress_bar, enable_progress_bar

from skillstream.encoder.batches import BATCH_TOKENS, Batch, BatchEncoder, Collect
from skillstream.encoder.models import ModelConfig, ModelFolder, read_config
from skillstream.encoder.tokenizer import TextTokenizer
from skillstream.errors import ModelError
from skillstream.offline import offline

__all__ = ["TorchEncoder", "load", "quiet_transformers"]

CUDA_BATCH_TOKENS = 16_384
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class TorchEncoder(torch.nn.Module):
    """Token ids and mask, int64[b, length], to pooled vectors and token vectors, both normalised.

    This is the one definition of what the vectors are; OpenVINO runs a conversion of it.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        try:
            with quiet_transformers(), offline():
                self.transformer, found = AutoModel.from_pretrained(
                    config.transformer,
                    dtype="auto",
                    local_files_only=True,
                    trust_remote_code=False,
                    use_safetensors=True,
                    output_loading_info=True,
                )
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise ModelError(f"cannot load the model in {config.transformer}: {error}") from error
        # Missing weights are filled with random numbers; of those only BERT's own pooler is never used.
        missing = sorted(key for key in found["missing_keys"] if not key.startswith("pooler."))
        if missing:
            raise ModelError(
                f"the model in {config.transformer} lacks weights: {', '.join(missing[:3])}, ..."
            )
        self.pooling = config.pooling
        self.stored_in_half = self.transformer.dtype == torch.float16
        self.float().eval()

    @property
    def dim(self) -> int:
        return int(self.transformer.config.hidden_size)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        hidden = self.transformer(
            input_ids=ids, attention_mask=mask
        ).last_hidden_state.float()  # (b, length, dim)
        if self.pooling == "cls":
            pooled = hidden[:, 0]
        else:
            weights = mask.unsqueeze(-1).to(hidden.dtype)
            pooled = (hidden * weights).sum(1) / weights.sum(1)
        normalize = torch.nn.functional.normalize
        return normalize(pooled, dim=-1), normalize(hidden, dim=-1)


def load(folder: ModelFolder, precision: str = "auto", threads: int | None = None) -> BatchEncoder:
    """An encoder by torch.

    Args:
        folder: the model.
        precision: `fp32`, `bf16`, `fp16`, or `auto`: fp16 on a GPU, fp32 on the CPU. There is no `int8`.
        threads: threads of the CPU; torch's own choice if not given. It holds for the whole process.

    Raises:
        ModelError: an exported model, which has no torch weights, or one that cannot be loaded; int8.
    """
    if precision == "int8":
        raise ModelError("int8 runs on the CPU alone: use --backend auto, or another --precision")
    if folder.exported:
        raise ModelError(f"{folder.path} is an exported model, which runs without torch: use backend='auto'")
    config = read_config(folder.path)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if precision == "auto":
        precision = "fp16" if device == "cuda" else "fp32"
    if threads is not None:
        torch.set_num_threads(threads)
    model = TorchEncoder(config).to(device=device, dtype=DTYPES[precision])
    lock = threading.Lock()

    def run(batches: Iterator[Batch], collect: Collect) -> None:
        with lock, torch.inference_mode():
            for batch in batches:
                ids, mask = (torch.from_numpy(array).to(device) for array in (batch.ids, batch.mask))
                pooled, tokens = (output.cpu().numpy() for output in model(ids, mask))
                collect(batch, pooled, tokens)

    tokenizer = TextTokenizer(
        config.transformer / "tokenizer.json", config.max_length, lowercase=config.lowercase
    )
    where = torch.cuda.get_device_name() if device == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    batch_tokens = CUDA_BATCH_TOKENS if device == "cuda" else BATCH_TOKENS
    how = f"{precision} on {where}"
    return BatchEncoder(folder, "torch", precision, model.dim, tokenizer, run, how, batch_tokens)


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Progress bars and remarks about weights have no place in the output of a command."""
    logger = logging.getLogger("transformers")
    level = logger.level
    logger.setLevel(logging.ERROR)
    disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        enable_progress_bar()  # type: ignore[no-untyped-call]
        logger.setLevel(level)
