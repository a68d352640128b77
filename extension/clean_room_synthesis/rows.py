"""Reads and writes CSV (RFC 4180): a header line, missing values as empty fields without quotes, text in quotes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv

from .persons import select
from .schema import Codec, Discovered
from .table import CodeTable, smallest

_BLOCK = 16 * 2**20
#: Rows that are written at once.
CHUNK = 65_536


@dataclass
class _Collected:
    codes: list[list[np.ndarray]]
    texts: dict[int, list[pa.Array]]
    persons: list[pa.Array]


def read_table(source: BinaryIO, codecs: Sequence[Codec], person: int | None, rows_per_person: int) -> CodeTable:
    """Reads a table as a stream and returns its codes. At most `rows_per_person` rows of each person are kept."""
    names = [codec.column["name"] for codec in codecs]
    types = {name: codec.arrow for name, codec in zip(names, codecs, strict=True)}
    if person is not None:
        types[names[person]] = pa.dictionary(pa.int32(), pa.string())
    reader = csv.open_csv(
        source,
        read_options=csv.ReadOptions(block_size=_BLOCK),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=types,
            include_columns=names,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    texts = [number for number, codec in enumerate(codecs) if isinstance(codec, Discovered)]
    collected = _Collected([[] for _ in codecs], {number: [] for number in texts}, [])
    for batch in reader:
        for number, codec in enumerate(codecs):
            values = batch.column(number)
            collected.codes[number].append(codec.encode(values).astype(smallest(codec.size)))
            if number in collected.texts:
                collected.texts[number].append(values)
            if number == person:
                collected.persons.append(values)
    return _table(collected, codecs, person, rows_per_person)


def _table(collected: _Collected, codecs: Sequence[Codec], person: int | None, rows_per_person: int) -> CodeTable:
    columns = [np.concatenate([np.zeros(0, np.uint8), *parts]) for parts in collected.codes]
    collected.codes.clear()
    texts = {number: _joined(parts) for number, parts in collected.texts.items()}
    persons = None
    if person is not None:
        ids = _joined(collected.persons)
        rows = select(ids, rows_per_person)
        columns = [codes[rows] for codes in columns]
        texts = {number: values.take(pa.array(rows)) for number, values in texts.items()}
        persons = ids.indices.to_numpy(zero_copy_only=False)[rows]
    return CodeTable(columns, [codec.size for codec in codecs], texts, persons)


def _joined(parts: list[pa.Array]) -> pa.DictionaryArray:
    return pa.chunked_array(parts, pa.dictionary(pa.int32(), pa.string())).unify_dictionaries().combine_chunks()


def write_table(path: str, names: Sequence[str], rows: int, chunk: Callable[[int, int], list[Any]]) -> None:
    """Writes a table in chunks, with an empty field at the end of each record: no record is then an empty line.

    Args:
        chunk: Returns the columns of the rows from its first to before its second argument.
    """

    def part(start: int) -> pa.Table:
        end = min(start + CHUNK, rows)
        return pa.table([*chunk(start, end), pa.nulls(end - start)], names=[*names, ""])

    with open(path, "wb") as sink:
        first = part(0)
        with csv.CSVWriter(sink, first.schema) as writer:
            writer.write_table(first)
            for start in range(CHUNK, rows, CHUNK):
                writer.write_table(part(start))
