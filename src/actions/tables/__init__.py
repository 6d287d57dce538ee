"""Tables: CSV, JSON, sheets and Parquet files, by SQL."""
