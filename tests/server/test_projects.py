"""The project of a folder: its library's name, its layers, and whether it is captured."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from mcp import Client
from results import lessons_of, retrieval_of, structured

from explib.models.libraries import LibrarySettings
from explib.models.revisions import Operation
from explib.settings.program import Settings
from explib.storage.revisions.proposal import Proposal
from explib.storage.store import open_store
from explib_server.cli import main
from explib_server.mcp.server import build_server
from explib_server.projects import Project, project_of
from explib_server.projects.folder import working_in
from explib_server.projects.state import allow, known_folders, remember_folder, switch


def repository(root: Path, url: str | None = None) -> Path:
    """A folder as `git init` leaves it, with the remote `origin` where there is a URL."""
    (root / ".git").mkdir(parents=True)
    remote = "" if url is None else f'[remote "origin"]\n\turl = {url}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n'
    (root / ".git" / "config").write_text(f"[core]\n\tbare = false\n{remote}[branch]\n\turl = not this one\n")
    return root


def of(folder: Path | None) -> Project:
    return project_of(folder, Settings())


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/Acme/Shop.git",
        "https://anna:s3cret@github.com/acme/shop",
        "https://ghp_0123456789@github.com:443/acme/shop.git?token=s3cret",
        "git@github.com:acme/shop.git",
        "ssh://git@github.com:22/acme/shop/",
        '"https://github.com/acme/shop"',
        "https://github.com/acme/shop # ours",
    ],
)
def test_every_clone_of_a_remote_has_one_library_and_no_credentials_are_in_its_name(tmp_path: Path, url: str) -> None:
    project = of(repository(tmp_path / "clone", url))
    assert project.library == of(repository(tmp_path / "other", "https://github.com/acme/shop")).library
    assert project.library.startswith("shop-")
    assert project.layers == (project.library, "default")
    assert project.root == tmp_path / "clone"
    assert project.captured


def test_repositories_of_one_name_have_different_libraries(tmp_path: Path) -> None:
    urls = ["https://github.com/acme/shop", "https://github.com/umbrella/shop", "../shop", None]
    names = {of(repository(tmp_path / f"{number}" / "shop", url)).library for number, url in enumerate(urls)}
    assert len(names) == len(urls)


def test_a_subfolder_a_worktree_and_a_submodule_find_their_repository(tmp_path: Path) -> None:
    root = repository(tmp_path / "Mein Laden")
    (root / "src" / "deep").mkdir(parents=True)
    assert of(root / "src" / "deep") == of(root)
    assert of(root).library.startswith("mein-laden-")
    (root / ".git" / "worktrees" / "fix").mkdir(parents=True)
    (root / ".git" / "worktrees" / "fix" / "commondir").write_text("../..\n")
    worktree = tmp_path / "fix"
    worktree.mkdir()
    (worktree / ".git").write_text(f"gitdir: {root / '.git' / 'worktrees' / 'fix'}\n")
    assert of(worktree).library == of(root).library
    assert of(worktree).root == worktree
    (root / ".git" / "modules" / "sub").mkdir(parents=True)
    (root / ".git" / "modules" / "sub" / "config").write_text('[remote "origin"]\n\turl = git@host:acme/sub.git\n')
    (root / "sub").mkdir()
    (root / "sub" / ".git").write_text("gitdir: ../.git/modules/sub\n")
    assert of(root / "sub").library.startswith("sub-")


def test_without_a_repository_the_library_is_the_persons(tmp_path: Path) -> None:
    repository(Path.home())
    nowhere = Project("default", ("default",), captured=True, root=None)
    for folder in (None, Path.home(), Path.home() / "notes", Path("/"), tmp_path / "gone"):
        assert of(folder) == nowhere


def test_a_named_library_wins_and_is_served_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPLIB_LIBRARY", "airline")
    project = of(repository(tmp_path))
    assert (project.library, project.layers) == ("airline", ("airline",))


def test_the_nearest_file_says_library_layers_and_capture(tmp_path: Path) -> None:
    root = repository(tmp_path / "shop")
    (tmp_path / ".explib.toml").write_text('library = "outside"\n')
    (root / ".explib.toml").write_text('library = "shop"\nlayers = ["team", "default"]\n')
    (root / "payments").mkdir()
    (root / "payments" / ".explib.toml").write_text("capture = false\n")
    assert of(root) == Project("shop", ("shop", "default", "team"), captured=True, root=root)
    payments = of(root / "payments")
    assert (payments.library.startswith("shop-"), payments.captured) == (True, False)
    assert of(tmp_path).library == "outside"
    assert of(tmp_path).root == tmp_path


def test_a_file_gets_libraries_of_another_project_or_the_persons_own_only_by_their_word(tmp_path: Path) -> None:
    shop = repository(tmp_path / "shop", "https://github.com/acme/shop")
    (shop / ".explib.toml").write_text('library = "shop"')
    remember_folder("shop", shop)
    hostile = repository(tmp_path / "hostile", "https://github.com/evil/hostile")
    other = of(repository(tmp_path / "desk", "https://github.com/acme/desk")).library
    for named in ("shop", "default", other):
        (hostile / ".explib.toml").write_text(f'library = "{named}"\nlayers = ["team", "{other}"]')
        project = of(hostile)
        assert project.library.startswith("hostile-")
        assert project.layers == (project.library, "default", "team")
        assert set(project.withheld) == {named, other}
        assert "before you say `explib on --libraries` in its folder" in project.problem
    allow(hostile, ["shop"])
    (hostile / ".explib.toml").write_text(f'library = "shop"\nlayers = ["{other}"]')
    assert of(hostile).layers == ("shop", "default")
    assert of(repository(tmp_path / "clone", "https://github.com/acme/shop")).withheld == ()
    (tmp_path / "clone" / ".explib.toml").write_text('library = "shop"')
    assert of(tmp_path / "clone").library == "shop"


@pytest.mark.parametrize(
    ("text", "says", "captured"),
    [
        ("capture = ", "cannot be read as TOML", False),
        ("\udcff", "cannot be read as TOML", False),
        ('capture = "no"', "capture must be true or false", False),
        ('library = "My Shop"', "cannot name a library", True),
        ('layers = "team"', "layers must be a list", True),
        ('libary = "shop"', "unknown key 'libary'", True),
    ],
)
def test_a_wrong_file_is_told_and_the_rest_holds(tmp_path: Path, text: str, says: str, *, captured: bool) -> None:
    root = repository(tmp_path, "https://github.com/acme/shop")
    (root / ".explib.toml").write_bytes(text.encode(errors="surrogateescape"))
    project = of(root)
    assert says in project.problem
    assert project.captured is captured
    assert project.library.startswith("shop-")


def test_a_folder_that_is_switched_off_is_not_captured_nor_are_those_in_it(tmp_path: Path) -> None:
    root = repository(tmp_path / "shop")
    assert switch(root, off=True)
    assert not switch(root, off=True)
    assert not of(root).captured
    assert not of(root / "src").captured
    assert of(repository(tmp_path / "other")).captured
    assert switch(root, off=False)
    assert of(root).captured


def test_nothing_is_captured_while_nobody_can_tell_what_is_switched_off(tmp_path: Path) -> None:
    root = repository(tmp_path / "shop")
    switch(root, off=True)
    [file] = Path.home().rglob("off.json")
    assert file.stat().st_mode & 0o077 == 0
    file.write_text('["/')
    assert not of(repository(tmp_path / "other")).captured


def test_a_library_knows_the_folder_it_was_last_used_from(tmp_path: Path) -> None:
    remember_folder("shop", tmp_path / "a")
    remember_folder("shop", tmp_path / "b")
    assert known_folders() == {"shop": str(tmp_path / "b")}


async def test_the_tools_work_in_the_project_of_the_folder_and_serve_its_layers(tmp_path: Path) -> None:
    root = repository(tmp_path / "shop", "https://github.com/acme/shop")
    (root / ".explib.toml").write_text('layers = ["team", "not-there"]\n')
    async with open_store(Settings().database_url) as store:
        for name in ("default", "team"):
            library = await store.libraries.ensure(name, LibrarySettings(exploration=False))
            lesson = Operation("ADD", "because", content=f"When shipping, think of {name}.", status="active")
            await store.revisions.commit(Proposal(library, "by hand", "test", "contrast", (lesson,)))
    with working_in(root):
        async with Client(build_server(Settings(), "off", "all")) as client:
            served = await client.call_tool("get_experiences", {"task": "shipping"})
            alone = await client.call_tool("get_experiences", {"task": "shipping", "library": "default"})
            stored = await client.call_tool("submit_trajectory", {"task": "shipping", "trajectory": "x", "reward": 1.0})
            voted = await client.call_tool("vote_experience", {"id": "team/e1", "vote": "up"})
    assert list(lessons_of(served)) == ["default/e1", "team/e1"]
    assert list(lessons_of(alone)) == ["e1"]
    assert structured(voted)["up"] == 1
    async with open_store(Settings().database_url) as store:
        own, default = await store.libraries.get(of(root).library), await store.libraries.get("default")
        attempt = await store.trajectories.get(own, str(structured(stored)["trajectory_id"]))
        assert attempt.trajectory.retrieval_id == retrieval_of(served)
        assert (await store.retrievals.get(default, retrieval_of(served))).reward == 1.0
    assert known_folders() == {own.name: str(root)}


def test_the_command_line_works_in_the_project_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = repository(tmp_path / "shop", "https://github.com/acme/shop")
    (root / "src").mkdir()
    monkeypatch.chdir(root / "src")

    def said(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["explib", *arguments])
        with pytest.raises(SystemExit):
            main()
        return capsys.readouterr().out

    name = of(root).library
    said("experiences", "add", "When shipping, weigh the parcel.")
    assert f"of the project {root}" in said("libraries", "show", name)
    assert f"layers: {name}, default (nearest first; learning goes to {name})\ncaptured: yes" in said("status")
    assert f"{root}\ncaptured: no" in said("off")
    assert json.loads(said("status", "--json"))["captured"] is False
    assert "captured: yes" in said("on", str(root))
    (root / ".explib.toml").write_text('library = "default"')
    assert "note: " in said("status")
    assert "note: " not in said("on", "--libraries")
    assert "learning goes to default)" in said("status")
