"""The steps: forward and backward over one packed row, clipping, AdamW; epochs, their measures, and checkpoints."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

import torch

from pellucid.engines.torch import LOSSES
from pellucid.errors import TrainingError
from pellucid.models.torch.arrays import stored
from pellucid.training.checkpoints import BEST, STATE, RunFolder
from pellucid.training.data import Examples, batches
from pellucid.training.metrics import evaluate, is_better
from pellucid.training.optimizer import adamw, factor, set_rates
from pellucid.training.settings import Settings

Tensors: TypeAlias = dict[str, Any]
"""`torch.Tensor`s by name."""

READ_EVERY = 10
"""Steps between two looks at the loss: each one waits for the device."""


@dataclass
class Progress:
    """How far a run is, as its checkpoint keeps it.

    Attributes:
        epoch: the epoch under way, counted from 0.
        batch: batches of it that are done.
        step: steps of the whole run that are done.
        loss: the sum of its texts' losses so far.
        seconds: what its steps took so far.
        metrics: of the finished epochs.
        best_epoch: the best of them, counted from 1; None where nothing is measured.
    """

    epoch: int = 0
    batch: int = 0
    step: int = 0
    loss: float = 0.0
    seconds: float = 0.0
    metrics: list[dict[str, Any]] = field(default_factory=list)
    best_epoch: int | None = None


class Loop:
    """One run.

    Args:
        model: on PyTorch; trained in place.
        problem: as the config's `problem_type`.
        settings: the recipe.
        training: what is learned from.
        evaluation: what is measured on after each epoch.
        folder: where checkpoints are kept, if anywhere.
        save_steps: steps between two checkpoints within an epoch; None for those at its end alone.
        is_shown: show a progress bar.
        on_epoch: called with the measures of each epoch.
    """

    def __init__(
        self,
        model: Any,
        problem: str,
        settings: Settings,
        training: Examples,
        evaluation: Examples | None,
        *,
        folder: RunFolder | None,
        save_steps: int | None,
        is_shown: bool,
        on_epoch: Callable[[dict[str, Any]], object] | None = None,
    ) -> None:
        self.model, self.problem, self.settings = model, problem, settings
        self.training, self.evaluation = training, evaluation
        self.folder, self.save_steps, self.is_shown = folder, save_steps, is_shown
        self.on_epoch = on_epoch or (lambda measures: None)
        self.progress = Progress()
        self.optimizer = adamw(model, settings)
        self._labels = torch.from_numpy(training.labels).to(model.device)
        self._best: Tensors | None = None
        self._loss = torch.zeros((), device=model.device)
        self._batches = math.ceil(len(training) / settings.batch_size)
        self._steps = settings.epochs * self._batches

    def run(self, record: dict[str, Any] | None) -> None:
        """Learn until the last epoch, or until nothing gets better.

        Args:
            record: what an earlier run left in the folder, to go on from.
        """
        with _own_random_numbers(self.model.device, self.settings.seed):
            if record is not None:
                self._restore(record["progress"])
            for measures in self.progress.metrics:
                self.on_epoch(measures)
            with self._bar() as bar:
                while self.progress.epoch < self.settings.epochs and not self._is_stuck():
                    self._epoch(bar)
        if self._best is not None:
            self._load_weights(self._best)
        self.model.eval()

    def _is_stuck(self) -> bool:
        patience, best = self.settings.early_stopping, self.progress.best_epoch
        return patience is not None and best is not None and self.progress.epoch - best >= patience

    def _epoch(self, bar: Any) -> None:
        progress, settings = self.progress, self.settings
        self.model.train()
        order = list(batches(self.training.packed.lengths, settings.batch_size, settings.seed, progress.epoch))
        begun = time.perf_counter() - progress.seconds
        for batch in order[progress.batch :]:
            loss = self._step(batch)
            self._loss += loss * len(batch)
            progress.step += 1
            progress.batch += 1
            if progress.step % READ_EVERY == 0 or progress.batch == self._batches:
                bar.set_postfix_str(f"loss {self._finite(loss):.3f}", refresh=False)
            bar.update()
            progress.seconds = time.perf_counter() - begun
            if self.save_steps and progress.step % self.save_steps == 0 and progress.batch < self._batches:
                self._save(is_best_new=False)
        is_best_new = self._measure()
        progress.epoch, progress.batch, progress.seconds = progress.epoch + 1, 0, 0.0
        self._loss.zero_()
        self._save(is_best_new=is_best_new)
        self.on_epoch(progress.metrics[-1])

    def _step(self, batch: Any) -> Any:
        """Learn from one batch; its mean loss."""
        set_rates(self.optimizer, factor(self.settings, self.progress.step, self._steps))
        with self._precision():
            logits = self.model.run_packed(self.training.packed.take(batch))["logits"]
        loss = LOSSES[self.problem](logits.float(), self._labels[torch.from_numpy(batch)])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.max_gradient_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss.detach()

    def _finite(self, loss: Any) -> float:
        value = float(loss)
        if not math.isfinite(value):
            raise TrainingError(
                f"The loss is {value} at step {self.progress.step}: the weights are lost. Lower `learning_rate`, which "
                f"is {self.settings.learning_rate}, or lengthen `warmup`; the last checkpoint, if any, is as it was.",
                step=self.progress.step,
            )
        return value

    def _precision(self) -> Any:
        is_half = self.settings.dtype == "bfloat16"
        return torch.autocast(self.model.device.type, torch.bfloat16, enabled=is_half)

    def _measure(self) -> bool:
        """Note the measures of the epoch that ends; whether it is the best so far."""
        progress, count = self.progress, len(self.training)
        self._finite(self._loss)
        measures: dict[str, Any] = {
            "epoch": progress.epoch + 1,
            "step": progress.step,
            "train_loss": float(self._loss) / count,
        }
        if self.evaluation is not None:
            self.model.eval()
            with self._precision():
                logits = self.model.runner.run(self.evaluation.packed, outputs=("logits",)).outputs["logits"]
            measures |= evaluate(self.problem, logits, self.evaluation.labels)
        measures |= {"seconds": progress.seconds, "texts_per_second": count / progress.seconds}
        best = None if progress.best_epoch is None else progress.metrics[progress.best_epoch - 1]
        progress.metrics.append(measures)
        if self.evaluation is None or not is_better(self.problem, measures, best):
            return False
        progress.best_epoch = progress.epoch + 1
        self._best = {name: one.detach().cpu().clone() for name, one in self.model.named_parameters()}
        return True

    # What a checkpoint holds.

    def as_json(self) -> dict[str, Any]:
        """How far the run is."""
        return asdict(self.progress)

    def _save(self, *, is_best_new: bool) -> None:
        if self.folder is None:
            return
        self.progress.loss = float(self._loss)
        tensors = {f"model.{name}": one for name, one in self.model.named_parameters()}
        for name, one in self.model.named_parameters():
            for key, value in self.optimizer.state.get(one, {}).items():
                tensors[f"optimizer.{key}.{name}"] = value
        tensors["random.cpu"] = torch.get_rng_state()
        if self.model.device.type == "cuda":
            tensors["random.cuda"] = torch.cuda.get_rng_state(self.model.device)
        best = _stored(self._best) if is_best_new and self._best is not None else None
        self.folder.write(self.as_json(), _stored(tensors), best)

    def _restore(self, progress: dict[str, Any]) -> None:
        assert self.folder is not None
        self.progress = Progress(**progress)
        self._loss.fill_(self.progress.loss)
        tensors = self.folder.tensors(STATE)
        self._load_weights({name.removeprefix("model."): one for name, one in tensors.items() if name[:6] == "model."})
        for name, one in self.model.named_parameters():
            state = {
                key: tensors[f"optimizer.{key}.{name}"].to(one.device)
                for key in ("step", "exp_avg", "exp_avg_sq")
                if f"optimizer.{key}.{name}" in tensors
            }
            if state:
                self.optimizer.state[one] = state
        torch.set_rng_state(tensors["random.cpu"])
        if "random.cuda" in tensors:
            torch.cuda.set_rng_state(tensors["random.cuda"], self.model.device)
        if self.progress.best_epoch is not None:
            self._best = self.folder.tensors(BEST)

    def _load_weights(self, weights: Tensors) -> None:
        with torch.no_grad():
            for name, one in self.model.named_parameters():
                one.copy_(weights[name])

    @contextlib.contextmanager
    def _bar(self) -> Iterator[Any]:
        from tqdm.auto import tqdm

        with tqdm(
            total=self._steps, initial=self.progress.step, unit="step", disable=not self.is_shown, smoothing=0.1
        ) as bar:
            yield bar


def _stored(tensors: Tensors) -> dict[str, Any]:
    return {name: stored(name, one) for name, one in tensors.items()}


@contextlib.contextmanager
def _own_random_numbers(device: Any, seed: int) -> Iterator[None]:
    """Draw from a seed, and leave the caller's random numbers as they were."""
    is_cuda = device.type == "cuda"
    devices = [device if device.index is not None else torch.cuda.current_device()] if is_cuda else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield


@contextlib.contextmanager
def on_threads(count: int | None) -> Iterator[None]:
    """Compute on this many threads of the CPU; on PyTorch's usual number where left out."""
    usual = torch.get_num_threads()
    torch.set_num_threads(count or usual)
    try:
        yield
    finally:
        torch.set_num_threads(usual)
