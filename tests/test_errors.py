import slug_lightning.errors as errors


def test_every_error_is_one_that_the_command_line_prints_as_a_sentence():
    kinds = [k for k in vars(errors).values() if isinstance(k, type) and k.__module__ == errors.__name__]
    assert len(kinds) > 5
    assert all(issubclass(kind, errors.SlugError) for kind in kinds)
    assert all(str(kind("One sentence.")) == "One sentence." for kind in kinds)
