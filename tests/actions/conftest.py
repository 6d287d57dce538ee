from pathlib import Path

import pytest
from concertino.actions import beneath
from concertino.actions.spec import ActionContext
from concertino.actions.workspace import Workspace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the workspace; beside it is `outside`, with a `secret`."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


@pytest.fixture
def workspace(folder: Path) -> Workspace:
    return Workspace(folder)


@pytest.fixture(params=["kernel", "steps"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How paths are resolved: by openat2, or component by component on a system without it."""
    if request.param == "steps":
        monkeypatch.setattr(beneath, "has_openat2", lambda: False)
        monkeypatch.setattr(beneath, "find_renameat2", lambda: None)
    elif not beneath.has_openat2():
        pytest.skip("this kernel has no openat2")
    return str(request.param)


@pytest.fixture
def context(workspace: Workspace) -> ActionContext:
    return ActionContext(workspace, "en")
