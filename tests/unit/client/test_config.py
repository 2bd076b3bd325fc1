"""Which mesh the command talks to, and as whom."""

from pathlib import Path

import pytest
from reelmesh_client.config import Target, target
from reelmesh_client.errors import ConfigError


def dev_env(folder: Path, url: str = "http://127.0.0.1:1", key: str = "rmk_dev") -> None:
    (folder / ".reelmesh").mkdir(parents=True)
    (folder / ".reelmesh" / "dev.env").write_text(f"# the local mesh\nREELMESH_URL={url}\nREELMESH_API_KEY='{key}'\n")


def test_options_come_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    dev_env(tmp_path)
    env = {"REELMESH_URL": "http://env", "REELMESH_API_KEY": "rmk_env"}

    assert target("http://option", "rmk_option", env, tmp_path) == Target(url="http://option", api_key="rmk_option")
    assert target("", "", env, tmp_path) == Target(url="http://env", api_key="rmk_env")
    assert target("", "", {}, tmp_path) == Target(url="http://127.0.0.1:1", api_key="rmk_dev")


def test_the_nearest_file_upward_counts(tmp_path: Path) -> None:
    dev_env(tmp_path, key="rmk_far")
    dev_env(tmp_path / "project", key="rmk_near")
    below = tmp_path / "project" / "a" / "b"
    below.mkdir(parents=True)

    assert target("", "", {}, below).api_key == "rmk_near"


def test_a_home_that_was_named_counts_before_any_folder(tmp_path: Path) -> None:
    dev_env(tmp_path, key="rmk_here")
    dev_env(tmp_path / "other", key="rmk_named")

    assert target("", "", {"REELMESH_HOME": str(tmp_path / "other" / ".reelmesh")}, tmp_path).api_key == "rmk_named"


def test_the_local_key_goes_to_no_other_mesh(tmp_path: Path) -> None:
    dev_env(tmp_path)

    with pytest.raises(ConfigError, match="no key for https://elsewhere"):
        target("https://elsewhere", "", {}, tmp_path)
    assert target("http://127.0.0.1:1/", "", {}, tmp_path).api_key == "rmk_dev"


def test_without_any_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="reelmesh up"):
        target("", "", {}, tmp_path)
