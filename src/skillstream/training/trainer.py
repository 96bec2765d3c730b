"""Runs a recipe with sentence-transformers' own trainer. Torch is imported in the functions that train."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from skillstream.errors import OutputError, SourceError
from skillstream.extras import needs_torch
from skillstream.offline import offline
from skillstream.storage import remove_whole, sweep, whole_folder
from skillstream.training.compose import Example, compose
from skillstream.training.pairs import TrainingPair
from skillstream.training.recipes import Recipe

if TYPE_CHECKING:
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer
    from torch import Tensor, nn

__all__ = ["TrainingResult", "loss_every", "train"]

LOSS_EVERY = 500  # steps, as in the published card; a short run gets ten lines
CHECKPOINT_EVERY = 100
KEPT_CHECKPOINTS = 2
LOG_EVERY = 10
SAVED = ".model"
NOISY_CALLBACKS = frozenset({"PrinterCallback", "ProgressCallback"})

Progress = Callable[[int, int, float, float], None]


class TrainingResult(msgspec.Struct, frozen=True):
    """What a run came to.

    Attributes:
        output: the model folder.
        losses: (step, mean loss since the one before), every 500 steps and at the end; of a short run ten.
        steps: of the optimiser.
        examples: that the run had to draw from.
        seconds: of training, of this start alone where the run was resumed.
        resumed_at: step at which it went on, 0 for a run in one piece.
        device: `cpu` or `cuda`.
    """

    output: str
    losses: list[tuple[int, float]]
    steps: int
    examples: int
    seconds: float
    resumed_at: int
    device: str


@offline()
def train(
    recipe: Recipe,
    pairs: Sequence[TrainingPair],
    base: str | Path,
    output: str | Path,
    *,
    base_name: str = "",
    resume: bool = False,
    keep_checkpoints: bool = False,
    progress: Progress | None = None,
) -> TrainingResult:
    """Fine-tunes the encoder in `base` and leaves a sentence-transformers folder in `output`.

    Until it is finished `output` holds nothing but `checkpoints/`.

    Args:
        recipe: all hyperparameters.
        pairs: to learn from.
        base: folder of the model to begin with.
        base_name: what the model card calls it; the folder's name if empty.
        output: an empty or new folder, or with `resume` one of a run that was cut off.
        resume: go on from the last checkpoint, if there is one.
        keep_checkpoints: don't remove `checkpoints/` at the end.
        progress: is called with (step, steps, loss, seconds left) now and then.

    Raises:
        ModelError: the extra `torch` is not installed.
        OutputError: `output` holds something else.
        SourceError: no pairs that this recipe can use.
    """
    with needs_torch("training"):
        import torch
        from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer
        from sentence_transformers.sentence_transformer.training_args import (
            SentenceTransformerTrainingArguments,
        )

    folder = Path(output)
    checkpoints = folder / "checkpoints"
    last = _prepare_output(folder, checkpoints, resume)
    torch.manual_seed(recipe.seed)
    model = SentenceTransformer(str(base), local_files_only=True)
    own_limit, model.max_seq_length = model.max_seq_length, recipe.max_tokens
    if recipe.frozen_words:
        _word_vectors(model).requires_grad_(False)
    dataset, loss = _data_and_loss(recipe, pairs, model)
    steps = recipe.steps or recipe.epochs * -(-len(dataset) // recipe.batch_size)
    on_cpu = not torch.cuda.is_available()
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(checkpoints),
        per_device_train_batch_size=recipe.batch_size,
        num_train_epochs=recipe.epochs,
        max_steps=recipe.steps or -1,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="linear" if recipe.schedule == "linear" else "warmup_stable_decay",
        lr_scheduler_kwargs={}
        if recipe.schedule == "linear"
        else {"num_decay_steps": recipe.decay, "decay_type": "linear"},
        warmup_steps=recipe.warmup,
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm,
        seed=recipe.seed,
        bf16=recipe.bf16,
        use_cpu=on_cpu,
        dataloader_pin_memory=not on_cpu,
        batch_sampler=_in_order if recipe.loss == "masked" else "batch_sampler",
        multi_dataset_batch_sampler="round_robin",
        logging_steps=LOG_EVERY,
        save_strategy="steps",
        save_steps=CHECKPOINT_EVERY,
        save_total_limit=KEPT_CHECKPOINTS,
        report_to="none",
        disable_tqdm=True,
    )
    trainer = SentenceTransformerTrainer(model=model, args=arguments, train_dataset=dataset, loss=loss)
    trainer.callback_handler.callbacks = [
        callback
        for callback in trainer.callback_handler.callbacks
        if type(callback).__name__ not in NOISY_CALLBACKS
    ]
    if progress is not None:
        trainer.add_callback(_progress_callback(progress))
    started = time.monotonic()
    trainer.train(resume_from_checkpoint=str(last) if last else None)
    seconds = time.monotonic() - started
    model.max_seq_length = own_limit
    if recipe.average < 1.0:
        _average_with_base(model, base, recipe.average)
    losses = loss_every(trainer.state.log_history, _window(trainer.state.global_step))
    model.model_card_data.base_model = base_name or Path(base).name
    _complete_card(model, dataset, loss, losses, steps / recipe.epochs, resumed=last is not None)
    _save(model, folder)
    if not keep_checkpoints:
        shutil.rmtree(checkpoints)
    return TrainingResult(
        output=str(folder),
        losses=losses,
        steps=trainer.state.global_step or steps,
        examples=len(dataset),
        seconds=round(seconds, 1),
        resumed_at=int(last.name.rpartition("-")[2]) if last else 0,
        device="cpu" if on_cpu else "cuda",
    )


def loss_every(log: Sequence[dict[str, Any]], window: int) -> list[tuple[int, float]]:
    """Means of the logged losses over windows of `window` steps; the last window may be shorter."""
    windows: dict[int, list[tuple[float, int]]] = {}
    before = 0
    for entry in log:
        if "loss" in entry:
            step = int(entry["step"])
            windows.setdefault(-(-step // window), []).append((float(entry["loss"]), step - before))
            before = step
    last = before
    return [
        (min(number * window, last), round(sum(x * n for x, n in found) / sum(n for _, n in found), 4))
        for number, found in sorted(windows.items())
    ]


def _prepare_output(folder: Path, checkpoints: Path, resume: bool) -> Path | None:
    """The checkpoint to go on from; refuses a folder with anything else in it."""
    if resume:
        sweep(folder)  # of a run that was killed while it saved its model
        remove_whole(folder / SAVED)
    others = [path.name for path in folder.iterdir() if path != checkpoints] if folder.exists() else []
    if others:
        raise OutputError(f"--output {folder}: not empty (it holds {sorted(others)[0]}); give a new folder")
    found = sorted(checkpoints.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    # A kill in the middle of saving leaves a checkpoint without its last file.
    whole = [path for path in found if (path / "trainer_state.json").exists()]
    if found and not resume:
        raise OutputError(
            f"--output {folder}: holds checkpoints of another run; add --resume or give a new folder"
        )
    checkpoints.mkdir(parents=True, exist_ok=True)
    return whole[-1] if whole else None


def _data_and_loss(
    recipe: Recipe, pairs: Sequence[TrainingPair], model: SentenceTransformer
) -> tuple[Dataset, nn.Module]:
    from datasets import Dataset
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    if not pairs:
        raise SourceError("no training pairs")
    if recipe.loss == "mnrl":
        columns = {"sentence_0": [p.anchor for p in pairs], "sentence_1": [p.positive for p in pairs]}
        return Dataset.from_dict(columns), MultipleNegativesRankingLoss(model, scale=recipe.scale)

    from skillstream.training.losses import MaskedRankingLoss

    try:
        examples = list(compose(pairs, recipe.steps * recipe.batch_size, recipe.seed))
    except ValueError as error:
        raise SourceError(str(error)) from error
    ids: dict[str, int] = {}
    known = [
        frozenset(ids.setdefault(text, len(ids)) for text in sorted(example.known)) for example in examples
    ]
    candidates = [
        tuple(ids.setdefault(text, len(ids)) for text in (example.positive, example.negative) if text)
        for example in examples
    ]
    return _examples_dataset(examples), MaskedRankingLoss(model, known, candidates, scale=recipe.scale)


def _examples_dataset(examples: Iterable[Example]) -> Dataset:
    from datasets import Dataset

    rows = list(examples)
    columns: dict[str, list[Any]] = {"query": [e.query for e in rows], "positive": [e.positive for e in rows]}
    if any(e.negative for e in rows):
        columns["negative"] = [e.negative for e in rows]
    return Dataset.from_dict(columns | {"label": list(range(len(rows)))})


def _in_order(dataset: Dataset, batch_size: int, drop_last: bool, **_: Any) -> Any:
    """Composed examples are random already; in their order a longer run begins with the shorter one."""
    from sentence_transformers.base.sampler import DefaultBatchSampler
    from torch.utils.data import SequentialSampler

    return DefaultBatchSampler(SequentialSampler(dataset), batch_size, drop_last)


def _word_vectors(model: SentenceTransformer) -> Tensor:
    transformer: Any = model[0]
    weight: Tensor = transformer.auto_model.get_input_embeddings().weight
    return weight


def _progress_callback(progress: Progress) -> Any:
    from transformers import TrainerCallback

    class ShowProgress(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
            self.started, self.first = time.monotonic(), state.global_step

        def on_log(self, args: Any, state: Any, control: Any, **values: Any) -> None:  # noqa: ARG002
            done = state.global_step - self.first
            logs = values.get("logs") or {}
            if done and "loss" in logs:
                left = (time.monotonic() - self.started) / done * (state.max_steps - state.global_step)
                progress(state.global_step, state.max_steps, logs["loss"], left)

    return ShowProgress()


def _average_with_base(model: SentenceTransformer, base: str | Path, share: float) -> None:
    import torch
    from sentence_transformers import SentenceTransformer

    with torch.no_grad():
        other = dict(SentenceTransformer(str(base), local_files_only=True, device="cpu").named_parameters())
        for name, parameter in model.named_parameters():
            parameter.copy_(other[name].to(parameter.device).lerp(parameter, share))


def _window(steps: int) -> int:
    return LOSS_EVERY if steps >= 2 * LOSS_EVERY else max(LOG_EVERY, -(-steps // 10))


def _complete_card(
    model: SentenceTransformer,
    dataset: Dataset,
    loss: nn.Module,
    losses: Sequence[tuple[int, float]],
    epoch: float,
    *,
    resumed: bool,
) -> None:
    """sentence-transformers writes the card; of a resumed run it knows the end alone."""
    card = model.model_card_data
    card.local_files_only = True
    texts = dataset.remove_columns([name for name in dataset.column_names if name == "label"])
    card.train_datasets = card.extract_dataset_metadata(texts, [], loss, "train")
    if resumed:
        card._training_start_time = None  # noqa: SLF001 - else it gives the time since the resumption as all of it
    card.training_logs = [
        {"Epoch": round(step / epoch, 4), "Step": step, "Training Loss": loss} for step, loss in losses
    ]


def _save(model: SentenceTransformer, folder: Path) -> None:
    """Whole or not at all: `modules.json`, without which it is no model, comes last."""
    whole = folder / SAVED
    with whole_folder(whole) as temporary:
        model.save_pretrained(str(temporary), safe_serialization=True)
        card = temporary / "README.md"
        usage = card.read_text("utf-8").replace("# Download from the 🤗 Hub", "# Load it from its folder")
        card.write_text(usage.replace("sentence_transformers_model_id", folder.name), "utf-8")
    # Beside its checkpoints, so file by file.
    for path in sorted(whole.iterdir(), key=lambda path: path.name == "modules.json"):
        path.replace(folder / path.name)
    whole.rmdir()
