"""Chooses the rows of each person, if one person may have more rows than the unit of privacy covers."""

import hmac
import secrets

import numpy as np
import pyarrow as pa


def select(ids: pa.DictionaryArray, rows_per_person: int) -> np.ndarray:
    """Returns the numbers of the rows that are used. Rows without an identifier are left out.

    The rows of a person are chosen by HMAC with a fresh key. They do not depend on other persons: with one random
    stream for all of them, the removal of a person would change the rows of others, and the guarantee would not hold.
    """
    key = secrets.token_bytes(32)
    missing = ids.is_null().to_numpy(zero_copy_only=False)
    rows = np.flatnonzero(~missing)
    persons = ids.indices.fill_null(0).to_numpy(zero_copy_only=False)[rows]
    order = np.argsort(persons, kind="stable")
    rows, persons = rows[order], persons[order]
    starts = np.flatnonzero(np.diff(persons, prepend=-1))
    ends = np.append(starts[1:], len(persons))
    kept = np.ones(len(rows), bool)
    for start, end in zip(starts, ends, strict=True):
        if end - start > rows_per_person:
            person = ids.dictionary[int(persons[start])].as_py().encode()
            ranks = [_rank(key, person, number) for number in range(end - start)]
            ranked = sorted(range(end - start), key=ranks.__getitem__)
            kept[start + np.array(ranked[rows_per_person:])] = False
    return np.sort(rows[kept])


def _rank(key: bytes, person: bytes, number: int) -> bytes:
    return hmac.digest(key, number.to_bytes(8, "big") + person, "sha256")
