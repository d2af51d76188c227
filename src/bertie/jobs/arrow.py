"""PyArrow, or who isn't installed."""

from bertie.errors import ExtraMissing

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError as error:
    raise ExtraMissing("jobs need pyarrow: pip install 'bertie[jobs]'") from error

__all__ = ["pa", "pq"]
