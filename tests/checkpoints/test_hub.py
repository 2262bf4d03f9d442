from __future__ import annotations

import json
import logging
import pickle
import socket
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from pellucid.checkpoints import hub as hub_module
from pellucid.checkpoints.hub import Checkpoint, locate
from pellucid.checkpoints.reading import read_tensors
from pellucid.checkpoints.renamed import other_name
from pellucid.errors import (
    CheckpointError,
    CheckpointNotFoundError,
    InputError,
    InputTypeError,
    OfflineError,
    PellucidError,
    UnsafeCheckpointError,
)
from support.fake_hub import FakeHub

FILES = {"config.json": b'{"model_type": "bert"}', "vocab.txt": b"[PAD]\n", "sub/config.json": b'{"a": 1}'}


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "hub"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, cache: Path) -> Iterator[FakeHub]:
    with FakeHub() as fake:
        fake.install(monkeypatch, cache)
        yield fake


@pytest.fixture
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)


def read(checkpoint: Checkpoint, filename: str) -> bytes | None:
    path = checkpoint.file(filename)
    return None if path is None else path.read_bytes()


class TestFolder:
    def test_existing_folder_is_used_as_it_is(self, tmp_path: Path) -> None:
        (tmp_path / "config.json").write_bytes(b"{}")
        checkpoint = locate(tmp_path)
        assert (checkpoint.commit, checkpoint.folder) == (None, tmp_path)
        assert checkpoint.file("config.json") == tmp_path / "config.json"
        assert checkpoint.file("absent.json") is None

    def test_folder_named_like_a_repository_is_taken_before_the_hub(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_sockets: None
    ) -> None:
        (tmp_path / "owner" / "name").mkdir(parents=True)
        monkeypatch.chdir(tmp_path)
        assert locate("owner/name").commit is None
        assert locate("owner/name/").commit is None

    def test_unicode_and_spaces_in_the_path(self, tmp_path: Path) -> None:
        folder = tmp_path / "Modèle à 猫"
        folder.mkdir()
        (folder / "config.json").write_bytes(b"{}")
        assert locate(str(folder)).require("config.json").name == "config.json"

    def test_home_is_expanded(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "model").mkdir()
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        assert locate("~/model").folder == tmp_path / "model"

    def test_subfolder(self, tmp_path: Path) -> None:
        (tmp_path / "encoder").mkdir()
        (tmp_path / "encoder" / "config.json").write_bytes(b"{}")
        assert locate(tmp_path, subfolder="encoder/").file("config.json") == tmp_path / "encoder" / "config.json"
        with pytest.raises(UnsafeCheckpointError):
            locate(tmp_path, subfolder="../other")

    def test_file_is_refused_and_its_folder_named(self, tmp_path: Path) -> None:
        (tmp_path / "model.safetensors").write_bytes(b"")
        with pytest.raises(CheckpointNotFoundError, match="is a file; expected the folder") as caught:
            locate(tmp_path / "model.safetensors")
        assert str(tmp_path) in str(caught.value)

    @pytest.mark.parametrize("name", ["./missing", "/no/such/folder", "a/b/c", "~/missing-folder", "..", "a\\b"])
    def test_missing_folder_is_called_neither_folder_nor_repository(
        self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_sockets: None
    ) -> None:
        (tmp_path / "here").mkdir()
        monkeypatch.chdir(tmp_path / "here")
        if name == "..":
            name = "../missing"
        with pytest.raises(CheckpointNotFoundError, match=r"neither an existing folder nor the name of a repository"):
            locate(name)

    @pytest.mark.parametrize("name", [None, 3, b"name", ["name"]])
    def test_name_that_is_not_text_is_a_type_error(self, name: object) -> None:
        with pytest.raises(InputTypeError):
            locate(name)  # type: ignore[arg-type]

    def test_missing_files_are_listed(self, tmp_path: Path) -> None:
        error = locate(tmp_path).missing("tokenizer.json", "vocab.txt")
        assert isinstance(error, CheckpointNotFoundError)
        assert "tokenizer.json or vocab.txt" in str(error)
        with pytest.raises(CheckpointNotFoundError, match=r"has no config\.json"):
            locate(tmp_path).require("config.json")

    @pytest.mark.parametrize("filename", ["../x", "/etc/passwd", "a/../../x", "", "C:x", "a\\b", "x\0", "nul", "a//b"])
    def test_names_that_leave_the_folder_are_refused(self, tmp_path: Path, filename: str) -> None:
        with pytest.raises(UnsafeCheckpointError) as caught:
            locate(tmp_path).file(filename)
        assert caught.value.code == "checkpoint.path_escape"


class TestBuiltin:
    @pytest.fixture
    def package(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        folder = tmp_path / "package" / "builtin"
        folder.mkdir(parents=True)
        (folder.parent / "checkpoints").mkdir()
        monkeypatch.setattr(hub_module, "__file__", str(folder.parent / "checkpoints" / "hub.py"))
        monkeypatch.chdir(tmp_path)
        return folder

    def test_is_the_folder_in_the_package(self, package: Path, no_sockets: None) -> None:
        assert locate("builtin").folder == package

    def test_folder_of_that_name_does_not_shadow_it_silently(
        self, package: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert locate("builtin").folder == package
        assert not caplog.text
        (tmp_path / "builtin").mkdir()
        assert locate("builtin").folder == package
        assert "Write './builtin' for the folder" in caplog.text
        assert locate("./builtin").folder == Path("./builtin")
        assert locate(Path("builtin")).folder == Path("builtin")


class TestNames:
    @pytest.mark.parametrize(
        "name",
        [
            "../../etc",
            "a/b/c",
            "a//b",
            ".",
            "%2e%2e",
            "a\\b",
            "a․․b/c",
            "http://169.254.169.254/",
            "file:///etc/passwd",
            "x" * 1_000_000,
            "a\nb",
            "a b",
            "",
            "a\0b",
            "-a",
            "owner/name.git",
            "a--b",
            "naïve/name",
            "/",
        ],
    )
    def test_what_can_be_no_repository_is_refused_before_any_request(
        self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_sockets: None
    ) -> None:
        monkeypatch.chdir(tmp_path)
        if name in (".", "/", "../../etc"):
            name = f"missing/{name}"
        with pytest.raises(CheckpointNotFoundError) as caught:
            locate(name)
        assert len(str(caught.value)) < 600
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        "revision", ["../main", "a b", "", "main\n", "refs/../x", "a..b", "/main", "x.lock", "a:b", 3]
    )
    def test_what_can_be_no_revision_is_refused_before_any_request(self, revision: str, no_sockets: None) -> None:
        with pytest.raises(CheckpointNotFoundError) as caught:
            locate("owner/name", revision=revision)
        assert caught.value.code == "checkpoint.revision"

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("bert-base-cased", "google-bert/bert-base-cased"),
            (
                "distilbert-base-uncased-finetuned-sst-2-english",
                "distilbert/distilbert-base-uncased-finetuned-sst-2-english",
            ),
            ("gpt2", "openai-community/gpt2"),
            ("roberta-base", "FacebookAI/roberta-base"),
            ("distilgpt2", "distilbert/distilgpt2"),
            ("t5-small", "google-t5/t5-small"),
            ("albert-base-v2", "albert/albert-base-v2"),
        ],
    )
    def test_moved_repositories_are_known_by_both_names(self, old: str, new: str) -> None:
        assert other_name(old) == new
        assert other_name(new) == old

    def test_names_of_other_owners_are_not_taken_for_moved_ones(self) -> None:
        assert other_name("someone/bert-base-cased") is None
        assert other_name("my-model") is None


class TestHub:
    def test_files_are_fetched_when_they_are_asked_for(self, hub: FakeHub, cache: Path) -> None:
        commit = hub.add("owner/name", FILES)
        checkpoint = locate("owner/name")
        assert checkpoint.commit == commit
        assert "vocab.txt" not in " ".join(hub.paths())
        assert read(checkpoint, "vocab.txt") == FILES["vocab.txt"]
        assert read(checkpoint, "config.json") == FILES["config.json"]
        assert read(checkpoint, "absent.json") is None
        assert (cache / "models--owner--name" / "refs" / "main").read_text() == commit
        assert checkpoint.file("vocab.txt") == (cache / "models--owner--name" / "snapshots" / commit / "vocab.txt")
        asked = {path.rpartition("/")[2] for path in hub.paths() if "/resolve/" in path}
        assert asked == {"config.json", "vocab.txt", "absent.json"}

    def test_second_load_asks_once(self, hub: FakeHub) -> None:
        hub.add("owner/name", FILES)
        for filename in (*FILES, "absent.json"):
            locate("owner/name").file(filename)
        hub.requests.clear()
        checkpoint = locate("owner/name")
        for filename in (*FILES, "absent.json"):
            checkpoint.file(filename)
        assert [(request.method, request.path) for request in hub.requests] == [
            ("HEAD", "/owner/name/resolve/main/config.json")
        ]

    def test_large_files_come_from_another_host_without_the_token(self, hub: FakeHub) -> None:
        hub.large = 100
        hub.add("owner/name", {**FILES, "model.safetensors": b"w" * 1000}, token="hf_secret")
        assert read(locate("owner/name", token="hf_secret"), "model.safetensors") == b"w" * 1000
        elsewhere = [request for request in hub.requests if request.path.startswith("/other-host/")]
        assert elsewhere
        assert all(request.authorization is None for request in elsewhere)

    def test_all_files_come_from_one_commit(self, hub: FakeHub) -> None:
        first = hub.add("owner/name", FILES)
        checkpoint = locate("owner/name")
        second = hub.add("owner/name", {"config.json": b'{"new": 1}', "vocab.txt": b"new"})
        assert read(checkpoint, "vocab.txt") == FILES["vocab.txt"]
        assert checkpoint.commit == first
        assert locate("owner/name").commit == second
        assert read(locate("owner/name"), "vocab.txt") == b"new"

    @pytest.mark.parametrize("revision", ["v1.0", "refs/pr/3"])
    def test_branches_tags_and_pull_requests(self, hub: FakeHub, revision: str) -> None:
        hub.add("owner/name", FILES)
        commit = hub.add("owner/name", {"config.json": b"{}"}, revision=revision)
        checkpoint = locate("owner/name", revision=revision)
        assert (checkpoint.commit, read(checkpoint, "config.json")) == (commit, b"{}")

    def test_full_commit_hash_with_cached_files_makes_no_request(self, hub: FakeHub) -> None:
        commit = hub.add("owner/name", FILES)
        first = locate("owner/name", revision=commit)
        assert read(first, "config.json") == FILES["config.json"]
        hub.requests.clear()
        assert read(locate("owner/name", revision=commit), "config.json") == FILES["config.json"]
        assert hub.requests == []

    def test_repository_without_a_config_still_has_a_commit(self, hub: FakeHub) -> None:
        commit = hub.add("owner/name", {"tokenizer.json": b"{}"})
        checkpoint = locate("owner/name")
        assert checkpoint.commit == commit
        assert checkpoint.file("config.json") is None
        assert read(checkpoint, "tokenizer.json") == b"{}"
        hub.status = 500
        assert locate("owner/name").commit == commit

    def test_subfolder(self, hub: FakeHub) -> None:
        hub.add("owner/name", FILES)
        assert read(locate("owner/name", subfolder="sub"), "config.json") == FILES["sub/config.json"]
        assert "/owner/name/resolve/main/config.json" not in hub.paths()

    def test_moved_repository_is_found_under_its_old_name(self, hub: FakeHub) -> None:
        hub.add("bert-base-cased", FILES)
        hub.move("bert-base-cased", "google-bert/bert-base-cased")
        checkpoint = locate("bert-base-cased")
        assert read(checkpoint, "vocab.txt") == FILES["vocab.txt"]

    def test_force_download_fetches_each_file_once_more(self, hub: FakeHub) -> None:
        hub.add("owner/name", FILES)
        locate("owner/name").file("vocab.txt")
        hub.requests.clear()
        checkpoint = locate("owner/name", force_download=True)
        for _ in range(2):
            checkpoint.file("config.json")
            checkpoint.file("vocab.txt")
        fetched = [path.rpartition("/")[2] for path in hub.paths("GET")]
        assert sorted(fetched) == ["config.json", "vocab.txt"]

    def test_cache_dir_argument(self, hub: FakeHub, tmp_path: Path, cache: Path) -> None:
        hub.add("owner/name", FILES)
        assert (tmp_path / "elsewhere") in locate("owner/name", cache_dir=tmp_path / "elsewhere").require(
            "config.json"
        ).parents
        assert not cache.exists()

    def test_checkpoint_does_not_show_the_token(self, hub: FakeHub) -> None:
        hub.add("owner/name", FILES, token="hf_secret")
        checkpoint = locate("owner/name", token="hf_secret")
        assert "hf_secret" not in repr(checkpoint) + repr(checkpoint.repository)

    def test_sharded_weights_are_read_through_the_links_of_the_cache(self, hub: FakeHub) -> None:
        shards = {f"model-0000{n}-of-00002.safetensors": save({f"t{n}": np.ones(n, np.float32)}) for n in (1, 2)}
        index = {"weight_map": {f"t{n}": f"model-0000{n}-of-00002.safetensors" for n in (1, 2)}}
        hub.large = 50
        files = {**FILES, **shards, "model.safetensors.index.json": json.dumps(index).encode()}
        hub.add("owner/name", files)
        assert {name: tensor.shape for name, tensor in read_tensors(locate("owner/name")).items()} == {
            "t1": (1,),
            "t2": (2,),
        }
        incomplete = {name: content for name, content in files.items() if not name.startswith("model-00002")}
        hub.add("owner/name", incomplete)
        with pytest.raises(CheckpointNotFoundError, match=r"model-00002-of-00002\.safetensors"):
            read_tensors(locate("owner/name"))

    def test_checkpoint_can_be_pickled(self, hub: FakeHub) -> None:
        hub.add("owner/name", FILES)
        copy = pickle.loads(pickle.dumps(locate("owner/name")))
        assert read(copy, "vocab.txt") == FILES["vocab.txt"]


class TestRefusals:
    def test_unknown_repository(self, hub: FakeHub) -> None:
        with pytest.raises(CheckpointNotFoundError, match="not an existing folder here, and the Hub has no") as caught:
            locate("owner/absent")
        assert caught.value.code == "checkpoint.repository"

    def test_private_repository_without_a_token(self, hub: FakeHub) -> None:
        hub.add("owner/name", FILES, token="hf_secret")
        with pytest.raises(CheckpointNotFoundError, match="hf auth login"):
            locate("owner/name", token=False)
        assert locate("owner/name", token="hf_secret").commit

    def test_wrong_token(self, hub: FakeHub) -> None:
        hub.add("owner/name", FILES)
        with pytest.raises(CheckpointNotFoundError, match="does not accept the token") as caught:
            locate("owner/name", token="hf_wrong")
        assert "hf_wrong" not in str(caught.value)

    @pytest.mark.parametrize("token", ["", "hf_se cret", "hf_secret\n", "hf_sécret"])
    def test_malformed_token_is_refused_without_being_shown(self, token: str, no_sockets: None) -> None:
        with pytest.raises(InputError) as caught:
            locate("owner/name", token=token)
        assert "cret" not in str(caught.value)

    def test_token_of_the_machine_that_is_not_there(self, hub: FakeHub) -> None:
        hub.add("owner/name", FILES)
        with pytest.raises(InputError, match="hf auth login"):
            locate("owner/name", token=True)

    def test_gated_repository(self, hub: FakeHub) -> None:
        hub.add("owner/name", FILES, gated=True, token="hf_secret")
        with pytest.raises(CheckpointNotFoundError, match="is gated") as caught:
            locate("owner/name")
        assert caught.value.code == "checkpoint.gated"
        assert locate("owner/name", token="hf_secret").commit

    def test_unknown_revision(self, hub: FakeHub) -> None:
        hub.add("owner/name", FILES)
        with pytest.raises(CheckpointNotFoundError, match="has no revision 'v9'") as caught:
            locate("owner/name", revision="v9")
        assert caught.value.code == "checkpoint.revision"

    def test_unknown_commit_is_an_error_when_a_file_is_asked_for(self, hub: FakeHub) -> None:
        hub.add("owner/name", FILES)
        with pytest.raises(CheckpointNotFoundError, match="has no revision"):
            locate("owner/name", revision="0" * 40).file("config.json")

    def test_required_file_that_the_repository_lacks(self, hub: FakeHub) -> None:
        hub.add("owner/name", FILES)
        with pytest.raises(CheckpointNotFoundError, match=r"does not have absent\.json"):
            locate("owner/name").require("absent.json")

    def test_weights_for_another_framework_are_named_but_not_fetched(self, hub: FakeHub) -> None:
        hub.add("owner/name", {**FILES, "flax_model.msgpack": b"x"})
        with pytest.raises(CheckpointNotFoundError, match=r"has only flax_model\.msgpack, weights for Flax"):
            read_tensors(locate("owner/name"))
        assert [path for path in hub.paths("GET") if path.endswith("flax_model.msgpack")] == []

    @pytest.mark.parametrize("status", [403, 429, 500, 503])
    def test_status_is_named_and_nothing_else_escapes(self, hub: FakeHub, status: int) -> None:
        hub.status = status
        with pytest.raises(PellucidError, match=str(status)):
            locate("owner/name")

    def test_sign_in_page_is_recognised(self, hub: FakeHub) -> None:
        hub.portal = True
        with pytest.raises(OfflineError, match="sign-in page"):
            locate("owner/name")

    def test_broken_download_leaves_no_file(self, hub: FakeHub, cache: Path) -> None:
        hub.add("owner/name", {**FILES, "vocab.txt": b"v" * 100_000})
        checkpoint = locate("owner/name")
        hub.cut_after = 1000
        with pytest.raises(OfflineError):
            checkpoint.file("vocab.txt")
        hub.cut_after = None
        assert read(checkpoint, "vocab.txt") == b"v" * 100_000

    def test_full_disk_is_told_from_a_missing_network(self, hub: FakeHub, cache: Path) -> None:
        hub.add("owner/name", FILES)
        cache.parent.mkdir(exist_ok=True)
        cache.write_bytes(b"a file where the cache should be")
        with pytest.raises(CheckpointError, match="could not be written into the cache") as caught:
            locate("owner/name")
        assert not isinstance(caught.value, OfflineError)


class TestOffline:
    @pytest.fixture
    def cached(self, hub: FakeHub) -> str:
        commit = hub.add("owner/name", FILES)
        checkpoint = locate("owner/name")
        checkpoint.file("vocab.txt")
        checkpoint.file("absent.json")
        hub.requests.clear()
        return commit

    @pytest.mark.parametrize("how", ["argument", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
    def test_opens_no_socket(self, cached: str, how: str, monkeypatch: pytest.MonkeyPatch, no_sockets: None) -> None:
        if how != "argument":
            monkeypatch.setenv(how, "1")
        checkpoint = locate("owner/name", local_files_only=how == "argument")
        assert checkpoint.commit == cached
        assert read(checkpoint, "vocab.txt") == FILES["vocab.txt"]
        assert checkpoint.file("absent.json") is None
        assert checkpoint.file("never-asked.json") is None

    def test_file_that_is_not_cached_is_told_from_one_that_does_not_exist(self, cached: str) -> None:
        checkpoint = locate("owner/name", local_files_only=True)
        error = checkpoint.missing("model.safetensors", "pytorch_model.bin")
        assert isinstance(error, OfflineError)
        assert "model.safetensors, pytorch_model.bin" in str(error)
        assert "model='builtin'" in str(error)

    def test_nothing_cached_says_how_to_go_on(self, hub: FakeHub, no_sockets: None) -> None:
        with pytest.raises(OfflineError, match="model='builtin'"):
            locate("owner/other", local_files_only=True)

    def test_moved_repository_is_found_under_either_name(self, hub: FakeHub, no_sockets: None, cache: Path) -> None:
        for cached_name, asked in (
            ("google-bert--bert-base-cased", "bert-base-cased"),
            ("gpt2", "openai-community/gpt2"),
        ):
            folder = cache / f"models--{cached_name}"
            (folder / "refs").mkdir(parents=True)
            (folder / "refs" / "main").write_text("a" * 40)
            (folder / "snapshots" / ("a" * 40)).mkdir(parents=True)
            (folder / "snapshots" / ("a" * 40) / "vocab.txt").write_bytes(b"cached")
            assert read(locate(asked, local_files_only=True), "vocab.txt") == b"cached"

    def test_force_download_contradicts_it(self, no_sockets: None) -> None:
        with pytest.raises(InputError, match="Drop one of the two"):
            locate("owner/name", local_files_only=True, force_download=True)

    @pytest.mark.parametrize("fault", ["closed", "slow", "status", "portal"])
    def test_unreachable_hub_falls_back_to_the_cache_and_says_so(
        self, hub: FakeHub, cached: str, fault: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if fault == "closed":
            with socket.socket() as unused:
                unused.bind(("127.0.0.1", 0))
                hub.point_to(monkeypatch, f"http://127.0.0.1:{unused.getsockname()[1]}")
        elif fault == "slow":
            from huggingface_hub import constants

            monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 0.2)
            hub.delay = 0.6
        elif fault == "status":
            hub.status = 503
        else:
            hub.portal = True
        with caplog.at_level(logging.WARNING):
            checkpoint = locate("owner/name")
        assert checkpoint.commit == cached
        assert "from the cache" in caplog.text
        hub.requests.clear()
        assert read(checkpoint, "vocab.txt") == FILES["vocab.txt"]
        assert checkpoint.file("never-asked.json") is None
        assert isinstance(checkpoint.missing("never-asked.json"), OfflineError)
        assert hub.requests == [], "a Hub that did not answer is not asked again"

    def test_commit_hash_falls_back_when_the_first_request_fails(self, hub: FakeHub, cached: str) -> None:
        hub.status = 500
        checkpoint = locate("owner/name", revision=cached)
        assert checkpoint.file("never-asked.json") is None
        assert isinstance(checkpoint.missing("never-asked.json"), OfflineError)

    def test_hub_that_stops_in_the_middle_of_a_load_is_an_error(self, hub: FakeHub) -> None:
        hub.add("owner/name", FILES)
        checkpoint = locate("owner/name")
        hub.status = 500
        with pytest.raises(OfflineError):
            checkpoint.file("special_tokens_map.json")

    def test_unreachable_hub_without_cache(self, hub: FakeHub) -> None:
        hub.status = 503
        with pytest.raises(OfflineError, match=r"config\.json of 'owner/name'.*model='builtin'"):
            locate("owner/name")


def test_huggingface_hub_is_not_imported_for_a_folder(tmp_path: Path) -> None:
    import subprocess

    code = (
        "import sys; from pellucid.checkpoints.hub import locate; "
        f"locate({str(tmp_path)!r}); print('huggingface_hub' in sys.modules)"
    )
    source = str(Path(hub_module.__file__).parents[2])
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": source}, check=True
    )
    assert run.stdout.strip() == "False"


def test_no_warning_is_raised_without_a_reason(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        locate(tmp_path)
