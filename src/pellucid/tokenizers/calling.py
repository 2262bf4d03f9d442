"""`tokenizer(texts, …)`: encode, truncate, pad, and gather the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pellucid.errors import InputError, InputTypeError
from pellucid.tokenizers.batch_encoding import BatchEncoding
from pellucid.tokenizers.encoding import Encoding, Fill
from pellucid.tokenizers.inputs import check_texts
from pellucid.tokenizers.options import OPTION_NAMES, Options, Resolving, read_options
from pellucid.tokenizers.ragged import RaggedEncodings
from pellucid.tokenizers.strategies import PaddingStrategy, TruncationStrategy, padded_length, side
from pellucid.tokenizers.truncation import Layout, cut


class Calling(Resolving):
    """The ways to call a tokenizer. None of them changes it, so that any number of threads may call at once."""

    truncation_side: str
    split_special_tokens: bool

    def __call__(
        self,
        text: Any = None,
        text_pair: Any = None,
        text_target: Any = None,
        text_pair_target: Any = None,
        add_special_tokens: bool = True,
        padding: bool | str | PaddingStrategy = False,
        truncation: bool | str | TruncationStrategy | None = None,
        max_length: int | None = None,
        stride: int = 0,
        is_split_into_words: bool = False,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_tensors: Any = None,
        return_token_type_ids: bool | None = None,
        return_attention_mask: bool | None = None,
        return_overflowing_tokens: bool = False,
        return_special_tokens_mask: bool = False,
        return_offsets_mapping: bool = False,
        return_length: bool = False,
        verbose: bool = True,
        **kwargs: Any,
    ) -> BatchEncoding:
        """Encode a text, a pair of texts, or a batch of either.

        Args:
            text: a string, a list of strings, or with `is_split_into_words` a list of words or of lists of words.
            text_pair: the second texts, in the same form.
            text_target: texts whose ids become `labels`.
            text_pair_target: the second texts of those.
            add_special_tokens: put the model's special tokens around the texts.
            padding: True or "longest" fills up to the longest row, "max_length" up to `max_length`; False does not.
            truncation: True or "longest_first" cuts the longer text of a pair first, "only_first" and "only_second"
                one of them; False does not.
            max_length: tokens at most, special tokens included; left out, `model_max_length`.
            stride: tokens that neighbouring windows share, with `return_overflowing_tokens`.
            is_split_into_words: the texts are lists of words.
            pad_to_multiple_of: round the padded length up.
            padding_side: "right" or "left"; left out, the tokenizer's.
            return_tensors: "np" for NumPy arrays, "pt" for PyTorch, "tf" for TensorFlow; left out, lists.
            return_token_type_ids: left out, where the model takes them.
            return_attention_mask: left out, where the model takes them.
            return_overflowing_tokens: make further rows of what truncation cut off, with `overflow_to_sample_mapping`.
            return_special_tokens_mask: add `special_tokens_mask`: 1 for special tokens and padding.
            return_offsets_mapping: add `offset_mapping`: where each token lies, in code points, half-open.
            return_length: add `length`: tokens of each row, padding included.
            verbose: warn of texts that are too long for the model.
            **kwargs: `split_special_tokens`: split special tokens typed in the text like any other word.

        Returns:
            The rows. For a single text without `return_tensors` and overflow, each value is that text's row itself.

        Raises:
            InputTypeError: a text is not a string, or an argument is unknown.
            InputError: impossible lengths or words, a lone surrogate in a text, padding without a padding token.
            RaggedBatchError: arrays of rows of unequal length.
            TokenizerError: the tokenizer's files are broken.

        Source: `PreTrainedTokenizerBase.__call__` of `transformers` 4.57.
        """
        options = read_options(
            {
                "add_special_tokens": add_special_tokens,
                "padding": padding,
                "truncation": truncation,
                "max_length": max_length,
                "stride": stride,
                "is_split_into_words": is_split_into_words,
                "pad_to_multiple_of": pad_to_multiple_of,
                "padding_side": padding_side,
                "return_tensors": return_tensors,
                "return_token_type_ids": return_token_type_ids,
                "return_attention_mask": return_attention_mask,
                "return_overflowing_tokens": return_overflowing_tokens,
                "return_special_tokens_mask": return_special_tokens_mask,
                "return_offsets_mapping": return_offsets_mapping,
                "return_length": return_length,
                "verbose": verbose,
                **kwargs,
            }
        )
        if text is None and text_target is None:
            raise InputError("You need to specify either `text` or `text_target`.")
        if text is None:
            return self._encode_either(text_target, text_pair_target, options)
        encoding = self._encode_either(text, text_pair, options)
        if text_target is not None:
            encoding["labels"] = self._encode_either(text_target, text_pair_target, options)["input_ids"]
        return encoding

    def encode(self, text: Any, text_pair: Any = None, **kwargs: Any) -> Any:
        """The ids of one text or pair; keywords as in calling the tokenizer."""
        return self.encode_plus(text, text_pair, **kwargs)["input_ids"]

    def encode_plus(self, text: Any, text_pair: Any = None, **kwargs: Any) -> BatchEncoding:
        """Encode one text or pair; keywords as in calling the tokenizer."""
        options = read_options(kwargs)
        # As in `transformers`, an empty second text of a single pair is none.
        batch = self._encode_batch([(text, text_pair) if text_pair else text], options)
        if options.return_tensors is not None or options.return_overflowing_tokens:
            return batch
        rows = {key: value[0] if value and isinstance(value[0], list) else value for key, value in batch.data.items()}
        return BatchEncoding(rows, batch.encodings)

    def batch_encode_plus(self, batch_text_or_text_pairs: Any, **kwargs: Any) -> BatchEncoding:
        """Encode a list of texts, or of pairs as tuples of two; keywords as in calling the tokenizer."""
        if not isinstance(batch_text_or_text_pairs, (list, tuple)):
            raise InputTypeError(
                f"batch_text_or_text_pairs has to be a list or a tuple (got {type(batch_text_or_text_pairs)})"
            )
        return self._encode_batch(batch_text_or_text_pairs, read_options(kwargs))

    def tokenize(
        self, text: str, pair: str | None = None, add_special_tokens: bool = False, **kwargs: Any
    ) -> list[str]:
        """The tokens of a text or a pair, by default without special tokens; keywords as in calling the tokenizer."""
        return self.encode_plus(text, pair, add_special_tokens=add_special_tokens, **kwargs).tokens()

    def encode_ragged(
        self,
        texts: Sequence[Any],
        pairs: Sequence[Any] | None = None,
        *,
        add_special_tokens: bool = True,
        truncation: bool | str | TruncationStrategy | None = False,
        max_length: int | None = None,
        stride: int = 0,
        stride_gives_way: bool = False,
        overflow: bool = False,
        is_split_into_words: bool = False,
        numbers: Sequence[int] | None = None,
        offsets: bool = False,
    ) -> RaggedEncodings:
        """Encode a batch without padding: what pipelines pack.

        Nothing is built per token: ids, type ids, offsets and words are read off each row when they are asked for.

        Args:
            texts: strings, or with `is_split_into_words` lists of words.
            pairs: the second texts, as many as `texts`; None for single texts.
            add_special_tokens: put the model's special tokens around the texts.
            truncation: as in calling the tokenizer.
            max_length: tokens at most, special tokens included; left out, `model_max_length`.
            stride: tokens that neighbouring windows share.
            stride_gives_way: where so few tokens remain of a text that `stride` is too many, share half of them.
            overflow: also make rows of the windows over what truncation cut off.
            is_split_into_words: the texts are lists of words.
            numbers: what messages call each text; its place in the batch where left out.
            offsets: where each token lies will be asked for: quicker if it is said, and told in any case.

        Returns:
            The rows, with the number of tokens that each text had before truncation.

        Raises:
            InputTypeError: a text is not a string.
            InputError: impossible lengths, a lone surrogate in a text, lists of unequal length.
            TokenizerError: the tokenizer's files are broken.
        """
        check_texts(texts, "texts")
        if isinstance(texts, str):
            raise InputTypeError("`texts` is one string where a list of texts is expected. Give [text].")
        options = Options(
            add_special_tokens=add_special_tokens,
            truncation=False if truncation is None else truncation,
            max_length=max_length,
            stride=stride,
            is_split_into_words=is_split_into_words,
            return_offsets_mapping=offsets,
        )
        _, strategy, limit = self._strategies(options)
        batch = texts if pairs is None else _zip_pairs(texts, pairs)
        encodings = self._encodings(batch, options, strategy, limit, numbers, stride_gives_way)
        return RaggedEncodings(encodings, overflow=overflow)

    def _encode_either(self, text: Any, text_pair: Any, options: Options) -> BatchEncoding:
        """Encode one text or a batch, whichever `text` is."""
        check_texts(text)
        if text_pair is not None:
            check_texts(text_pair, "text_pair")
        keywords = {name: getattr(options, name) for name in OPTION_NAMES}
        is_batch = isinstance(text, (list, tuple))
        if options.is_split_into_words:
            is_batch = is_batch and len(text) > 0 and isinstance(text[0], (list, tuple))
        if not is_batch:
            return self.encode_plus(text, text_pair, **keywords)
        return self.batch_encode_plus(text if text_pair is None else _zip_pairs(text, text_pair), **keywords)

    def _encode_batch(self, batch: Sequence[Any], options: Options) -> BatchEncoding:
        padding, truncation, max_length = self._strategies(options)
        encodings = self._encodings(batch, options, truncation, max_length)
        if padding is not PaddingStrategy.DO_NOT_PAD and encodings:
            # Overflow windows are filled like the rows they belong to, so they do not count for the longest.
            longest = max(map(len, encodings)) if padding is PaddingStrategy.LONGEST else max_length
            fill = Fill(
                padded_length(longest or 0, options.pad_to_multiple_of),
                side(options.padding_side or self.padding_side, "padding_side"),
                self.pad_token_id,
                self.pad_token,
                self.pad_token_type_id,
            )
            encodings = [encoding.filled(fill) for encoding in encodings]
        samples: list[int] | None = None
        if options.return_overflowing_tokens:
            windows = [encoding.windows() for encoding in encodings]
            samples = [index for index, group in enumerate(windows) for _ in group]
            encodings = [encoding for group in windows for encoding in group]
        rows = self._rows(encodings, options)
        if samples is not None:
            rows["overflow_to_sample_mapping"] = samples
        if max_length is None and options.verbose:
            self._warn_if_too_long(encodings)
        return BatchEncoding(rows, encodings, tensor_type=options.return_tensors)

    def _encodings(
        self,
        batch: Sequence[Any],
        options: Options,
        truncation: TruncationStrategy,
        max_length: int | None,
        numbers: Sequence[int] | None = None,
        stride_gives_way: bool = False,
    ) -> list[Encoding]:
        split = self.split_special_tokens if options.split_special_tokens is None else options.split_special_tokens
        backend = self._backend_for(bool(split))
        sources = backend.encode_batch(
            batch,
            add_special_tokens=options.add_special_tokens,
            is_split_into_words=options.is_split_into_words,
            numbers=numbers,
            offsets=options.return_offsets_mapping,
        )
        if truncation is TruncationStrategy.DO_NOT_TRUNCATE or max_length is None:
            return [Encoding(source) for source in sources]
        layouts: dict[bool, Layout] = {}
        encodings = []
        for index, source in zip(numbers or range(len(sources)), sources, strict=True):
            if len(source) <= max_length:
                encodings.append(Encoding(source))
                continue
            pair = source.n_sequences == 2
            if pair not in layouts:
                layouts[pair] = backend.layout(pair, options.add_special_tokens)
            texts = len(source) - layouts[pair].total
            first = source.sequence_ids.count(0) if pair else texts
            encodings.append(
                Encoding(
                    source,
                    cut(
                        first,
                        texts - first if pair else None,
                        layouts[pair],
                        strategy=truncation,
                        max_length=max_length,
                        stride=options.stride,
                        side=side(self.truncation_side, "truncation_side"),
                        index=index,
                        gives_way=stride_gives_way,
                    ),
                )
            )
        return encodings

    def _rows(self, encodings: list[Encoding], options: Options) -> dict[str, Any]:
        names = self.model_input_names
        with_types, with_mask = options.return_token_type_ids, options.return_attention_mask
        rows: dict[str, Any] = {"input_ids": [encoding.ids for encoding in encodings]}
        if with_types or (with_types is None and "token_type_ids" in names):
            rows["token_type_ids"] = [encoding.type_ids for encoding in encodings]
        if with_mask or (with_mask is None and "attention_mask" in names):
            rows["attention_mask"] = [encoding.attention_mask for encoding in encodings]
        if options.return_special_tokens_mask:
            rows["special_tokens_mask"] = [encoding.special_tokens_mask for encoding in encodings]
        if options.return_offsets_mapping:
            rows["offset_mapping"] = [encoding.offsets for encoding in encodings]
        if options.return_length:
            rows["length"] = [len(encoding) for encoding in encodings]
        return rows

    def _warn_if_too_long(self, encodings: list[Encoding]) -> None:
        if not self.model_max_length:
            return
        for encoding in encodings:
            if len(encoding) > self.model_max_length:
                self._warn_once(
                    "Token indices sequence length is longer than the specified maximum sequence length for this "
                    f"model ({len(encoding)} > {self.model_max_length}). Running this sequence through the model will "
                    "result in indexing errors",
                    True,
                    "too long",
                )
                return


def _zip_pairs(texts: Sequence[Any], pairs: Any) -> list[tuple[Any, Any]]:
    if isinstance(pairs, str):
        raise InputTypeError(
            "when tokenizing batches of text, `text_pair` must be a list or tuple with the same length as `text`."
        )
    if len(texts) != len(pairs):
        raise InputError(
            f"batch length of `text`: {len(texts)} does not match batch length of `text_pair`: {len(pairs)}."
        )
    return list(zip(texts, pairs, strict=True))
