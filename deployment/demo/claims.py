"""Writes the insurer's demo dataset to a path as CSV: invented claims of some people of the hospital, and of others.

Columns: `person_id` pseudonym, the same as the hospital's, `quarter` of the year, `care` kind of care, `billed` amount
of the bill, `paid` part of it that the insurer paid. Bills grow with the number of chronic diseases that the hospital
knows of, so that only the data of both together shows it. Equal versions of NumPy give equal files.
"""

import sys

import numpy as np
import pandas as pd
from people import pseudonym
from statsmodels.datasets import randhie

CARE = ["doctor", "medicine", "hospital"]
MEAN_BILL = np.array([90.0, 45.0, 2400.0])
INSURED_SHARE = 0.7
OTHER_PEOPLE = 2_000

random = np.random.default_rng(1974)
known = randhie.load_pandas().data
diseases = np.concatenate([known["disea"].to_numpy(), random.gamma(2.0, 5.5, OTHER_PEOPLE)])
visits = np.concatenate([known["mdvis"].to_numpy(), random.poisson(3.0, OTHER_PEOPLE)])
insured = np.flatnonzero(random.random(len(diseases)) < INSURED_SHARE)

counts = random.poisson(0.3 + 0.35 * visits[insured])
person = np.repeat(insured, counts)
care = random.choice(len(CARE), size=len(person), p=[0.6, 0.37, 0.03])
billed = MEAN_BILL[care] * random.gamma(4.0, 0.25, len(person)) * (1 + 0.03 * diseases[person])
share = random.choice([0.5, 0.75, 0.95, 1.0], size=len(diseases))

claims = pd.DataFrame(
    {
        "person_id": [pseudonym(number) for number in person],
        "quarter": random.integers(1, 5, len(person)),
        "care": [CARE[kind] for kind in care],
        "billed": billed.round(2),
        "paid": (billed * share[person]).round(2),
    }
)
claims.sort_values(["person_id", "quarter"], kind="stable").to_csv(sys.argv[1], index=False)
