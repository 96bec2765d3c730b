"""SIGKILL of a training run at a random step: resumed, it ends as if nothing had happened."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from skillstream.training.pair_files import write_shard
from skillstream.training.pairs import TrainingPair
from tests.encoder_models import make_model

STEPS = 260
KILLS = int(os.environ.get("SKILLSTREAM_TRAIN_KILLS", "1"))


def command(folder: Path, output: str, *more: str) -> list[str]:
    return [
        *(sys.executable, "-m", "skillstream", "train", "--recipe", "skills", "--fp32", "--json"),
        *("--base", str(folder / "base"), "--pairs", str(folder / "pairs"), "--output", str(folder / output)),
        *("--steps", str(STEPS), *more),
    ]


def losses(finished: subprocess.CompletedProcess[str]) -> dict[int, float]:
    assert finished.returncode == 0, finished.stderr[-2000:]
    return {int(step): loss for step, loss in json.loads(finished.stdout)["losses"]}


def killed_at(running: subprocess.Popen[str], step: int) -> int:
    """Reads the progress lines and kills the process once it has made `step` steps."""
    assert running.stderr
    for line in running.stderr:
        seen = re.match(r"step (\d+) of", line)
        if seen and int(seen[1]) >= step:
            running.send_signal(signal.SIGKILL)
            break
    assert running.wait() == -signal.SIGKILL
    return int(seen[1]) if seen else 0


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_killed_and_resumed_ends_as_in_one_piece(tmp_path: Path) -> None:
    make_model(tmp_path / "base")
    names = [f"{a}{b}" for a in "abcdefghij" for b in "vwxyz"]
    pairs = [TrainingPair(f"write {name} code", f"manage {name}", "sentence", "s") for name in names]
    write_shard(tmp_path / "pairs", "train/part-00000-of-00001.parquet", pairs)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}  # a second thread for so small a model only waits

    def run(output: str, *more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(tmp_path, output, *more), env=environment, capture_output=True, text=True, check=False
        )

    whole = losses(run("whole"))
    chance = random.Random(os.environ.get("SKILLSTREAM_SEED", "1"))
    for number in range(KILLS):
        output = f"cut-{number}"
        step = killed_at(
            subprocess.Popen(
                command(tmp_path, output),
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            ),
            chance.randrange(10, STEPS),
        )
        # No half model is there to be taken for a whole one.
        assert [path.name for path in (tmp_path / output).iterdir()] == ["checkpoints"]
        resumed = losses(run(output, "--resume"))
        assert resumed.keys() == whole.keys()
        assert resumed == pytest.approx(whole, abs=2e-3), f"killed at step {step}"
