"""The keys that every config.json of `transformers` may have, and what is done with each."""

from __future__ import annotations

from typing import Any

PROBLEM_TYPES = ("regression", "single_label_classification", "multi_label_classification")

# What any config of `transformers` may have, with its default. These are read:
READ: dict[str, Any] = {
    "architectures": None,
    "dtype": None,
    "function_to_apply": None,
    "output_attentions": False,
    "output_hidden_states": False,
    "pad_token_id": None,
    "problem_type": None,
    "return_all_scores": None,
    "return_dict": True,
    "tie_word_embeddings": True,
    "tokenizer_class": None,
    "torchscript": False,
}
# These are refused when they hold anything else, since they change what is computed:
REFUSED: dict[str, Any] = {
    "add_cross_attention": False,
    "cross_attention_hidden_size": None,
    "is_decoder": False,
    "is_encoder_decoder": False,
    "pruned_heads": {},
    "quantization_config": None,
    "tie_encoder_decoder": False,
}
# These are harmless: they speak of training, of generating text, of memory, or of other tokens' ids.
HARMLESS: dict[str, Any] = {
    "bad_words_ids": None,
    "begin_suppress_tokens": None,
    "bos_token_id": None,
    "chunk_size_feed_forward": 0,
    "decoder_start_token_id": None,
    "diversity_penalty": 0.0,
    "do_sample": False,
    "early_stopping": False,
    "encoder_no_repeat_ngram_size": 0,
    "eos_token_id": None,
    "exponential_decay_length_penalty": None,
    "finetuning_task": None,
    "forced_bos_token_id": None,
    "forced_eos_token_id": None,
    "length_penalty": 1.0,
    "max_length": 20,
    "min_length": 0,
    "no_repeat_ngram_size": 0,
    "num_beam_groups": 1,
    "num_beams": 1,
    "num_return_sequences": 1,
    "output_scores": False,
    "prefix": None,
    "remove_invalid_values": False,
    "repetition_penalty": 1.0,
    "return_dict_in_generate": False,
    "sep_token_id": None,
    "suppress_tokens": None,
    "task_specific_params": None,
    "temperature": 1.0,
    "tf_legacy_loss": False,
    "top_k": 50,
    "top_p": 1.0,
    "typical_p": 1.0,
    "use_bfloat16": False,
}
COMMON = {**READ, **REFUSED, **HARMLESS}

# Written into config.json by `transformers` and answered in other ways.
NOT_ATTRIBUTES = ("model_type", "transformers_version", "torch_dtype", "num_labels", "id2label", "label2id")
