import base64
import csv
import hashlib
import json
import re

from slug_lightning.reports.sweep import SweepRow
from slug_lightning.reports.sweep_page import render_sweep, write_sweep
from tests.reports.test_sweep import FAILED, NOTHING, done


def test_three_files_have_every_request(tmp_path):
    rows = [*(done(number) for number in range(3)), NOTHING, FAILED]
    write_sweep(tmp_path, rows, 5, 60.0)
    document = json.loads((tmp_path / "sweep.json").read_text())
    assert document["counts"] == {"done": 3, "infeasible": 1, "failed": 1}
    assert [SweepRow(**row) for row in document["requests"]] == rows
    with (tmp_path / "sweep.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [row["id"] for row in table] == [row.id for row in rows]
    assert table[4]["sentence"] == FAILED.sentence


def test_the_page_leads_to_every_report_and_escapes_names():
    page = render_sweep([done(1), NOTHING, FAILED], 3, 12.0)
    assert 'href="runs/Person_1/1/report.html"' in page
    assert 'href="requests/x.log"' in page
    assert "<b>Eve" not in page
    assert "&lt;b&gt;Eve&lt;/b&gt; &amp; Example" in page
    assert "Expected &lt;shards&gt; but got none." in page
    assert "largest drops" not in page


def test_of_a_thousand_requests_the_failed_and_the_worst_stand_first():
    rows = [done(number, drop=number / 1e5) for number in range(1000)]
    page = render_sweep([*rows, FAILED], 1001, 12.0)
    assert page.index("Failed (1)") < page.index("The 10 largest drops") < page.index("All requests")
    assert page.count("<tr data-status=") == 1011  # the largest drops come twice
    worst = page[page.index("The 10 largest drops") : page.index("All requests")]
    assert "person-999" in worst
    assert "person-989" not in worst
    assert page == render_sweep([*rows, FAILED], 1001, 12.0)


def test_the_only_script_is_the_one_that_the_policy_names():
    rows = [done(1), SweepRow("z", "<script>alert(1)</script>", "failed", sentence="</script><script>")]
    page = render_sweep(rows, 2, 12.0)
    (script,) = re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert (
        f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in page
    )
    for name in re.findall(r'querySelector\("#([a-z]+)', script):
        assert f'id="{name}"' in page


def test_columns_that_are_sorted_by_number_have_it():
    row = render_sweep([done(1, drop=0.1234567)], 1, 12.0).partition("<tbody>")[2]
    assert 'data-value="0.123457">12.3' in row
    assert [float(value) for value in re.findall('data-value="(.+?)"', row)] == [1.0, 0.0, 0.123457, 4.0]
    assert render_sweep([FAILED], 1, 1.0).count('data-value=""') == 4


def test_a_choice_is_offered_for_each_outcome_that_there_is():
    page = render_sweep([done(1), done(2), FAILED], 3, 12.0)
    assert re.findall('<option value="(.*?)">(.*?)</option>', page) == [
        ("", "all (3)"), ("done", "patch (2)"), ("failed", "failed (1)"),
    ]  # fmt: skip


def test_of_many_failures_twenty_are_shown_at_once():
    rows = [SweepRow(f"x{k}", f"Nobody {k}", "failed", sentence="No shard.") for k in range(1000)]
    page = render_sweep(rows, 1000, 1.0)
    failed = page[page.index("Failed (1000)") : page.index("All requests")]
    assert "<summary>980 more</summary>" in failed
    assert failed.index("Nobody 19<") < failed.index("<details>") < failed.index("Nobody 20<")


def test_a_page_of_a_thousand_rows_stays_small():
    rows = [done(number, drop=number / 1e5) for number in range(1000)]
    assert len(render_sweep(rows, 1000, 12.0)) < 1_000_000  # 0.6 MB; rows link to reports, none is inside
