"""Tables that people bring and take away: recordings in, strides out, as CSV or Parquet."""
