"""What all pages are made with: templates of this package, in which everything is escaped."""

from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined

from slug_lightning.reports import wording


def page_environment(filters: Sequence[str]) -> Environment:
    """Templates of this package; an unknown name in one is an error.

    Args:
        filters: Functions of ``wording`` that the template uses.
    """
    environment = Environment(
        loader=PackageLoader("slug_lightning.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {name: getattr(wording, name) for name in filters}
    return environment
