"""Bulk jobs: any number of rows through a model, exactly once, on one machine or many.

    from bertie.jobs import Job, How, run
    run(Job("embed", ("data/*.csv.gz",), Path("vectors.parquet"), "minilm"), How(on="ray"))

For pipelines of one's own, the map step alone:

    from bertie.jobs import Mapper, ray_map, spark_map
    ray_map(dataset, Mapper("embed", "minilm"))
    spark_map(frame, Mapper("embed", "minilm"))
"""

from bertie.jobs.distributed import ray_map, spark_map
from bertie.jobs.job import Job
from bertie.jobs.mapping import Mapper
from bertie.jobs.report import Summary
from bertie.jobs.run import How, run

__all__ = ["How", "Job", "Mapper", "Summary", "ray_map", "run", "spark_map"]
