"""The map step over tables that lie on many machines: Ray Data's, and Spark's."""

from typing import Any

from bertie.jobs.mapping import Mapper


def ray_map(dataset: Any, mapper: Mapper, *, workers: int | None = None) -> Any:
    """Add a task's columns to a Ray dataset, by a pool of actors.

    Args:
        dataset: a ray.data.Dataset.
        workers: how many actors; None: one a machine. They share the machines' cores out.
    Returns: a ray.data.Dataset, not computed yet.
    Raises: ExtraMissing: Ray isn't installed.
    Raises: as Mapper.settled.
    """
    from bertie.jobs import on_ray

    return on_ray.map_dataset(dataset, mapper.settled(), workers)


def spark_map(frame: Any, mapper: Mapper) -> Any:
    """Add a task's columns to a Spark data frame, by mapInArrow.

    Vectors are arrays, for Spark has no lists of fixed size; of float16 they become float32, of
    uint8 int16. Each task uses spark.task.cpus cores.

    Args:
        frame: a pyspark.sql.DataFrame.
    Returns: a pyspark.sql.DataFrame, not computed yet.
    Raises: ExtraMissing: Spark isn't installed.
    Raises: as Mapper.settled.
    """
    from bertie.jobs import on_spark

    return on_spark.map_frame(frame, mapper.settled())
