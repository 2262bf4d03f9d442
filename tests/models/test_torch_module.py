"""On PyTorch a model is a `torch.nn.Module`: what people do with those works."""

from __future__ import annotations

import copy
import io
import pickle
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pellucid import (
    AutoModel,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    pipeline,
)
from pellucid.engines import installed
from pellucid.errors import InputError
from pellucid.packing import pack
from support.tiny import SIZES, pellucid_checkpoint

torch = pytest.importorskip("torch")

IDS = torch.tensor([[2, 5, 6, 7, 3], [2, 8, 3, 0, 0]])
MASK = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
HOLES = torch.tensor([[0, 1, 1, 0, 1], [1, 0, 1, 1, 0]])


@pytest.fixture
def model(classifier: Path) -> Any:
    return AutoModelForSequenceClassification.from_pretrained(classifier)


def without_gradients(model: Any, *arguments: Any, **named: Any) -> Any:
    with torch.no_grad():
        return model(*arguments, **named)


def test_it_is_a_module_and_of_its_own_class(model: Any) -> None:
    assert isinstance(model, torch.nn.Module)
    assert isinstance(model, BertForSequenceClassification)
    assert type(model).__name__ == "BertForSequenceClassification"
    assert not model.training, "a loaded model is ready to predict"
    assert BertModel(BertConfig(**SIZES["bert"])).training, "a new one is ready to learn"
    assert not isinstance(BertModel(BertConfig(**SIZES["bert"]), engine="numpy"), torch.nn.Module)
    assert (model.dtype, model.device, model.engine) == (torch.float32, torch.device("cpu"), "torch")


def test_parameters_have_the_names_of_the_hub(model: Any, classifier: Path) -> None:
    from safetensors.numpy import load_file

    stored = load_file(classifier / "model.safetensors")
    assert set(model.state_dict()) == set(stored)
    for name, parameter in model.named_parameters():
        assert parameter.requires_grad
        np.testing.assert_array_equal(parameter.detach().numpy(), stored[name])
    assert (
        model.bert.encoder.layer[1].output.dense.weight
        is dict(model.named_parameters())["bert.encoder.layer.1.output.dense.weight"]
    )
    assert model.base_model is model.bert
    assert model.get_input_embeddings() is model.bert.embeddings.word_embeddings
    assert "(classifier): Linear(in_features=24, out_features=2, bias=True)" in repr(model)
    assert "LayerNorm((24,), eps=1e-12" in repr(model)


def test_a_state_is_loaded_and_the_numbers_follow_it(model: Any, classifier: Path) -> None:
    other = BertForSequenceClassification(model.config, seed=5).eval()
    before = without_gradients(other, IDS, MASK).logits
    assert other.load_state_dict(model.state_dict()).missing_keys == []
    torch.testing.assert_close(without_gradients(other, IDS, MASK).logits, without_gradients(model, IDS, MASK).logits)
    assert (without_gradients(other, IDS, MASK).logits - before).abs().max() > 1e-3


@pytest.mark.parametrize("change", ["in place", "behind the back of autograd", "by assignment"])
def test_a_changed_weight_is_computed_with_at_once(model: Any, change: str) -> None:
    """Query, key and value lie side by side for one product; a change of one must not be missed."""
    weight = model.bert.encoder.layer[0].attention.self.key.weight
    before = without_gradients(model, IDS, MASK).logits
    pipe = pipeline("text-classification", model=model, tokenizer=AutoTokenizer.from_pretrained(model.name_or_path))
    answer = pipe("the movie was good")
    if change == "in place":
        with torch.no_grad():
            weight.mul_(-2)
    elif change == "behind the back of autograd":
        weight.data.mul_(-2)
    else:
        weight.data = weight.data * -2
    after = without_gradients(model, IDS, MASK).logits
    assert (after - before).abs().max() > 1e-3
    assert pipe("the movie was good") != answer
    with_gradients = model(IDS, MASK).logits
    torch.testing.assert_close(after, with_gradients.detach(), rtol=1e-4, atol=1e-5)


def test_dropout_is_for_training_and_has_the_probabilities_of_the_checkpoint(classifier: Path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(classifier)
    torch.manual_seed(0)
    once, again = model(IDS, MASK).logits, model(IDS, MASK).logits
    assert torch.equal(once, again)
    model.train()
    assert not torch.equal(model(IDS, MASK).logits, model(IDS, MASK).logits)
    assert torch.equal(model.eval()(IDS, MASK).logits, once)
    model.train().config.hidden_dropout_prob = model.config.attention_probs_dropout_prob = 0.0
    torch.testing.assert_close(model(IDS, MASK).logits, once)
    # A pipeline predicts, whatever the model is set to.
    model.config.hidden_dropout_prob = 0.5
    pipe = pipeline("text-classification", model=model, tokenizer=str(classifier))
    assert pipe("the movie was good") == pipe("the movie was good")
    assert model.training


def test_gradients_reach_every_parameter_that_is_computed_with(model: Any) -> None:
    model(IDS, MASK, labels=torch.tensor([0, 1])).loss.backward()
    without = [name for name, parameter in model.named_parameters() if parameter.grad is None]
    assert without == []
    unused = [name for name, parameter in model.named_parameters() if not parameter.grad.abs().max() > 0]
    assert [name for name in unused if not name.endswith("key.bias")] == [], "the softmax hides a key's bias"


def test_a_gradient_goes_through_hidden_states_and_attentions(model: Any) -> None:
    output = model(IDS, HOLES, output_hidden_states=True, output_attentions=True)
    (output.hidden_states[1].square().sum() + output.attentions[0].square().sum()).backward()
    assert model.bert.encoder.layer[0].attention.self.key.weight.grad.abs().max() > 0
    assert model.classifier.weight.grad is None
    cells = ~HOLES.bool()
    assert (output.hidden_states[2][cells] == 0).all()
    assert (output.attentions[1].transpose(1, 2)[cells] == 0).all()


def test_numpy_in_gives_numpy_out_without_gradients(model: Any) -> None:
    output = model(IDS.numpy(), MASK.numpy(), labels=np.array([0, 1]))
    assert isinstance(output.logits, np.ndarray)
    assert float(output.loss) == pytest.approx(
        float(model(IDS, MASK, labels=torch.tensor([0, 1])).loss.detach()), rel=1e-5
    )


def test_frozen_parts_do_not_move_and_the_others_do(model: Any) -> None:
    for parameter in model.bert.parameters():
        parameter.requires_grad = False
    before = copy.deepcopy(model.state_dict())
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.5)
    model(IDS, MASK, labels=torch.tensor([0, 1])).loss.backward()
    optimizer.step()
    moved = [name for name, value in model.state_dict().items() if not torch.equal(value, before[name])]
    assert moved == ["classifier.weight", "classifier.bias"]


def test_hooks_run_on_the_model_and_on_the_parts_that_compute(model: Any) -> None:
    seen: dict[str, Any] = {}
    model.register_forward_hook(lambda module, given, output: seen.update(model=output))
    dense = model.bert.encoder.layer[1].output.dense
    handle = dense.register_forward_hook(lambda module, given, output: seen.update(dense=output.shape))
    query = model.bert.encoder.layer[0].attention.self.query
    query.register_forward_hook(lambda module, given, output: output * 0)
    model.bert.embeddings.word_embeddings.register_forward_hook(lambda *a: seen.update(words=a[2].shape))
    model.bert.embeddings.LayerNorm.register_full_backward_hook(lambda *a: seen.update(backward=True))
    output = model(IDS, MASK, labels=torch.tensor([0, 1]))
    output.loss.backward()
    assert seen["model"] is output
    assert seen["dense"] == seen["words"] == (8, 24), "eight real tokens, no padding"
    assert seen["backward"]
    handle.remove()
    plain = AutoModelForSequenceClassification.from_pretrained(model.name_or_path)
    assert (plain(IDS, MASK).logits - output.logits).abs().max() > 1e-3, "what a hook returns is computed with"
    with pytest.raises(InputError, match="only holds parts, .*intermediate.dense, output.dense, output.LayerNorm"):
        model.bert.encoder.layer[0].register_forward_hook(print)
    with pytest.raises(InputError, match="is not called by itself"):
        model.bert(IDS)


class Doubled(torch.nn.Module):
    """A layer in another's place, as adapters are put there."""

    def __init__(self, inner: torch.nn.Linear) -> None:
        super().__init__()
        self.inner = inner

    @property
    def weight(self) -> Any:
        return self.inner.weight

    @property
    def bias(self) -> Any:
        return self.inner.bias

    def forward(self, x: Any) -> Any:
        return 2 * self.inner(x)


def test_a_module_that_was_put_in_the_place_of_another_is_called(model: Any) -> None:
    expected = 2 * without_gradients(model, IDS, MASK).logits
    model.classifier = Doubled(model.classifier)
    torch.testing.assert_close(without_gradients(model, IDS, MASK).logits, expected)
    model.classifier = torch.nn.Linear(24, 7)
    assert model(IDS, MASK).logits.shape == (2, 7)


def test_a_subclass_may_add_layers_and_go_its_own_way(classifier: Path) -> None:
    class Scored(BertModel):
        """A score for each text."""

        def __init__(self, config: Any, **arguments: Any) -> None:
            super().__init__(config, **arguments)
            self.score = torch.nn.Linear(config.hidden_size, 1)

        def forward(self, *arguments: Any, **named: Any) -> Any:
            return self.score(super().forward(*arguments, **named).pooler_output)

    model = Scored(BertConfig(**SIZES["bert"])).eval()
    assert isinstance(model, torch.nn.Module)
    assert model(IDS, MASK).shape == (2, 1)
    assert {"score.weight", "pooler.dense.bias"} <= set(model.state_dict())
    model(IDS, MASK).sum().backward()
    assert model.score.weight.grad is not None


def test_copies_and_pickles_are_whole_and_apart(model: Any) -> None:
    model.runner.run(pack([[2, 5, 3]]))  # what a pipeline holds is not taken along
    expected = without_gradients(model, IDS, MASK).logits
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model)), torch.load(file, weights_only=False)]
    with torch.no_grad():
        model.classifier.weight.zero_()
    for one in copies:
        assert type(one) is type(model)
        torch.testing.assert_close(without_gradients(one, IDS, MASK).logits, expected)
        assert one.config == model.config


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_it_is_moved_to_another_precision(model: Any, dtype: Any) -> None:
    expected = without_gradients(model, IDS, MASK).logits
    moved = model.to(dtype)
    assert moved is model
    assert model.dtype == dtype
    logits = without_gradients(model, IDS, MASK).logits
    assert logits.dtype == dtype
    torch.testing.assert_close(logits.float(), expected, rtol=0.1, atol=0.1)
    pipe = pipeline("text-classification", model=model, tokenizer=model.name_or_path)
    assert pipe.model.runner.dtype == str(dtype).removeprefix("torch.")
    assert 0 < pipe("the movie was good")[0]["score"] <= 1


@pytest.mark.parametrize(
    ("family", "mask"),
    [("bert", None), ("bert", HOLES), ("distilbert", MASK)],
    ids=["no mask", "holes", "padding on the right"],
)
def test_a_compiled_and_an_exported_model_give_the_same(tmp_path: Path, family: str, mask: Any) -> None:
    folder = pellucid_checkpoint(tmp_path, family, "ForSequenceClassification")
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    named = {"input_ids": IDS} if mask is None else {"input_ids": IDS, "attention_mask": mask}
    expected = without_gradients(model, **named, output_hidden_states=True, output_attentions=True)
    # The graph is taken whole, and run as it is: no compiler of C++ is needed.
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    output = without_gradients(compiled, **named, output_hidden_states=True, output_attentions=True)
    for name in ("logits", "hidden_states", "attentions"):
        torch.testing.assert_close(output[name], expected[name], rtol=1e-4, atol=1e-5)
    batch, length = torch.export.Dim("batch", max=64), torch.export.Dim("length", min=2, max=40)
    shapes = {name: {0: batch, 1: length} for name in named}
    exported = torch.export.export(model, (), named, dynamic_shapes=shapes, strict=False).module()
    torch.testing.assert_close(exported(**named).logits, expected.logits, rtol=1e-4, atol=1e-5)
    longer = {name: value.repeat(2, 3) for name, value in named.items()}
    torch.testing.assert_close(
        exported(**longer).logits, without_gradients(model, **longer).logits, rtol=1e-4, atol=1e-5
    )


def test_a_compiled_model_learns(model: Any) -> None:
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    labels = torch.tensor([0, 1])
    compiled(input_ids=IDS, attention_mask=MASK, labels=labels).loss.backward()
    gradients = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    model.zero_grad()
    model(IDS, MASK, labels=labels).loss.backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(gradients[name], parameter.grad, rtol=1e-4, atol=1e-5)


def test_replicas_of_data_parallel_use_their_own_weights(model: Any) -> None:
    replica = model._replicate_for_data_parallel()
    modules = dict(model.named_modules())
    copies = {name: module._replicate_for_data_parallel() for name, module in modules.items() if name}
    copies[""] = replica
    # As `torch.nn.parallel.replicate` does it, on one device: plain tensors, and children that are copies.
    for name, module in modules.items():
        for child in module._modules:
            setattr(copies[name], child, copies[f"{name}.{child}".lstrip(".")])
        for leaf, parameter in module._parameters.items():
            if parameter is not None:
                setattr(copies[name], leaf, parameter.detach() * 1.5)
    expected = without_gradients(model, IDS, MASK).logits
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5)
    larger = without_gradients(model, IDS, MASK).logits
    torch.testing.assert_close(without_gradients(replica, IDS, MASK).logits, larger)
    assert (larger - expected).abs().max() > 1e-3
    outputs = [without_gradients(model, IDS, MASK) for _ in range(2)]
    gathered = type(outputs[0])((name, torch.cat([one[name] for one in outputs])) for name in outputs[0])
    assert gathered.logits.shape == (4, 2), "how PyTorch gathers outputs that are dictionaries"


def test_one_model_learns_and_predicts_from_many_threads(model: Any) -> None:
    expected = without_gradients(model, IDS, MASK).logits
    wrong: list[Any] = []

    def work() -> None:
        for _ in range(10):
            with torch.no_grad():
                if (model(IDS, MASK).logits - expected).abs().max() > 1e-5:
                    wrong.append(model)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_what_was_learned_is_saved_and_loaded_by_every_engine(model: Any, tmp_path: Path) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model(IDS, MASK, labels=torch.tensor([0, 1])).loss.backward()
    optimizer.step()
    model.save_pretrained(tmp_path)
    expected = without_gradients(model, IDS, MASK).logits.numpy()
    for engine in installed():
        loaded = AutoModelForSequenceClassification.from_pretrained(tmp_path, engine=engine)
        np.testing.assert_allclose(loaded(IDS.numpy(), MASK.numpy()).logits, expected, rtol=1e-4, atol=1e-5)


def test_half_precision_is_saved_as_it_is(model: Any, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    model.to(torch.bfloat16).save_pretrained(tmp_path)
    for name, tensor in load_file(tmp_path / "model.safetensors").items():
        assert torch.equal(tensor, model.state_dict()[name]), name


def test_an_encoder_has_no_loss(encoder: Path) -> None:
    with pytest.raises(InputError, match="BertModel has no head to compute a loss of"):
        AutoModel.from_pretrained(encoder)(IDS, labels=torch.tensor([0, 1]))
