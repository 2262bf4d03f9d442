"""`pipe.explain(…)`: what a pipeline is asked, and what it hands on."""

from __future__ import annotations

from typing import Any


class Explains:
    """What makes a pipeline able to explain its answers; the attributes are the pipeline's."""

    task: str
    model: Any
    _task: Any
    _encoder: Any
    _pack: Any
    _computed: Any
    _settled: Any
    _is_many: Any

    def explain(
        self,
        *inputs: Any,
        method: str | None = None,
        target: Any = None,
        baseline: str | None = None,
        by: str | None = None,
        steps: int | None = None,
        max_steps: int | None = None,
        tolerance: float | None = None,
        max_tokens: int | None = None,
        **arguments: Any,
    ) -> Any:
        """Which tokens carried a decision: `Explanation` of one input, or a list of them for a list.

        Args:
            inputs: as in calling the pipeline; a list is explained one by one.
            method: "integrated_gradients", on engines with gradients (torch), or "occlusion", on all; left out, the
                first where it can be.
            target: what to explain: a label, a word of the text, an answer, or one of the pipeline's own answers; its
                best answer where left out. A list gives a list of explanations.
            baseline: of integrated gradients, what stands for a word that says nothing: "mask", "pad" or "zero"; the
                first that the tokenizer has where left out.
            by: of occlusion, what is hidden at once: "word" (where left out) or "token".
            steps: of integrated gradients, how many at first; 32 where left out.
            max_steps: they are doubled up to this number while the contributions do not sum to the change of the logit;
                256 where left out.
            tolerance: the error that is allowed of the sum, as a part of the contributions' sizes; 0.005 where left
                out.
            max_tokens: the token budget of a micro-batch of occlusion.
            arguments: the task's.

        Raises:
            InputError: a task whose answers are no numbers, a target that is not there, an argument without a meaning.
            TextTooLongError: a text that the task does not read in windows.
            EngineError: integrated gradients on an engine without gradients.
        """
        from pellucid.explaining.explaining import check_task, explained, how_to

        check_task(self.task)
        how = how_to(self.model.engine, method, baseline, by, steps, max_steps, tolerance, max_tokens)
        data, arguments, _ = self._task.called(inputs, arguments)
        settings = self._settled(arguments)

        def explanation_of(item: Any) -> Any:
            rows = self._task.rows(item, 0, settings)
            encoded = self._encoder.encode([rows], settings, 0)
            windows = [window for _, window in self._computed(encoded, settings, max_tokens, None, None)]
            found = [
                explained(self._task, self.task, self.model, self._pack, item, settings, rows, windows, one, how)
                for one in (target if isinstance(target, list) else [target])
            ]
            return found if isinstance(target, list) else found[0]

        return [explanation_of(item) for item in data] if self._is_many(data, settings) else explanation_of(data)
