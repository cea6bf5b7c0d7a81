"""Assets: what has been built. Other DAGs may be scheduled by them."""

from airflow.sdk import Asset


def batch(source: str, every: str) -> Asset:
    """A batch of a source: all of its rollups, `daily` or `hourly`."""
    return Asset(
        name=f"{{ prefix }}/batch/{source}/{every}",
        uri=f"x-metricc://{{ prefix }}/batch/{source}/{every}",
        group="metricc",
    )


def metric(name: str, every: str) -> Asset:
    """A metric, by the id that the DAGs use: all that it is read from is built."""
    return Asset(
        name=f"{{ prefix }}/metric/{name}/{every}",
        uri=f"x-metricc://{{ prefix }}/metric/{name}/{every}",
        group="metricc",
    )
