"""Reads files of an archive with pyarrow and with DuckDB, and prints what each has found, as JSON.

Arguments: a folder of the archive. Both must agree on the rows, the types and the bytes.
"""
import hashlib
import json
import sys

import duckdb
import pyarrow.dataset
import pyarrow.parquet

folder = sys.argv[1]


def digest(rows):
    """SHA-256 of ids and payloads in the order of ids."""
    h = hashlib.sha256()
    for row in sorted(rows):
        for text in row:
            h.update(text.encode() + b"\0")
    return h.hexdigest()


data = pyarrow.dataset.dataset(folder, format="parquet", exclude_invalid_files=False).to_table()
columns = {f.name: str(f.type) for f in data.schema}
arrow = digest(zip(data["event_id"].to_pylist(), data["severity"].to_pylist(), data["payload"].to_pylist()))
one = next(f for f in pyarrow.dataset.dataset(folder, format="parquet").files)
codec = pyarrow.parquet.ParquetFile(one).metadata.row_group(0).column(0).compression

rows = duckdb.sql(f"SELECT event_id, severity, payload FROM read_parquet('{folder}/**/*.parquet')").fetchall()
days = duckdb.sql(
    f"SELECT tenant, count(DISTINCT date), min(created_at)::VARCHAR FROM read_parquet('{folder}/**/*.parquet', hive_partitioning = true) GROUP BY ALL ORDER BY ALL"
).fetchall()
print(json.dumps({"rows": len(rows), "arrow": arrow, "duckdb": digest(rows), "columns": columns, "codec": codec, "days": days}))
