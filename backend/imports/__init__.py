"""The season's CSV files: read, judge every row, write all or nothing."""
