from slug_lightning.audit.findings import Figure, Findings, largest


def test_findings_read_what_they_wrote():
    figures = (Figure.share("forget/top1", "after", "int8", 3, 10, x=2), Figure("a", "gold", "-", 0.5, 4))
    findings = Findings(figures, {"m": {"names": ["a"]}}, {"h": {"edges": [0, 1]}}, ("a note",))
    assert Findings.read(findings.entry()) == findings


def test_a_share_of_nothing_has_the_widest_interval():
    figure = Figure.share("forget/top1", "after", "-", 0, 0)
    assert (figure.value, figure.ci95) == (0.0, (0.0, 1.0))


def test_pick_and_largest():
    low, high = (Figure.share("forget/top1", "after", str(hits), hits, 10) for hits in (1, 4))
    other = Figure.share("forget/top1", "before", "-", 9, 10)
    findings = Findings([low, high, other])
    assert findings.pick("forget/top1", "after") == [low, high]
    assert largest(findings.pick("forget/top1", "after")) == high
    assert largest([]) is None
