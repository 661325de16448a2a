from app.scans.versions import newest_versions, version_key


def test_versions_are_ordered_by_number_and_pre_releases_come_before_their_release():
    ordered = ["", "nightly", "0.9", "1.0.0-alpha", "1.0.0-alpha.2", "1.0.0-beta", "1.0.0-rc.1", "v1.0.0", "1.2", "1.10.0", "2.0 "]
    assert sorted(ordered, key=version_key) == ordered


def test_the_newest_are_kept():
    assert newest_versions(["1.9", "1.10", "1.2", "", "1.10"], 2) == ["1.10", "1.9"]
