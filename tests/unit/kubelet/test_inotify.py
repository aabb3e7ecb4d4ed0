import asyncio
from pathlib import Path

from kubelet.logs.inotify import FolderWatches


async def test_who_watches_a_folder_hears_of_its_files_and_of_no_others(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    watches = FolderWatches()
    with watches.watch(one) as first, watches.watch(one) as second, watches.watch(other) as third:
        for change in (
            lambda: (one / "log").write_text("a"),
            lambda: (one / "log").rename(one / "log.1"),
            (one / "log").touch,
        ):
            first.clear()
            second.clear()
            change()
            async with asyncio.timeout(60):
                await first.wait()
                await second.wait()
        assert not third.is_set()


async def test_one_who_stops_watching_takes_nothing_from_the_other(tmp_path: Path) -> None:
    watches = FolderWatches()
    with watches.watch(tmp_path) as stays:
        with watches.watch(tmp_path):
            pass
        (tmp_path / "log").touch()
        async with asyncio.timeout(60):
            await stays.wait()
    with watches.watch(tmp_path) as again:
        (tmp_path / "log").write_text("a")
        async with asyncio.timeout(60):
            await again.wait()


async def test_a_folder_that_is_not_there_has_no_news(tmp_path: Path) -> None:
    watches = FolderWatches()
    with watches.watch(tmp_path / "gone") as news:
        assert not news.is_set()
    watches.close()
