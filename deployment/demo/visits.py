"""Writes the hospital's demo dataset, the RAND Health Insurance Experiment (public domain, 20,190 rows), as CSV.

The dataset is part of statsmodels, so nothing is downloaded. Columns: `person_id` pseudonym, `mdvis` visits in a year,
`lncoins` share of the bill to pay (log), `idp` individual deductible, `lpi` log of annual incentive payment, `fmde` log
of the deductible's ceiling, `physlm` physical limitation, `disea` number of chronic diseases, `hlthg` / `hlthf` /
`hlthp` good, fair, poor health.
"""

import sys

from people import pseudonym
from statsmodels.datasets import randhie

WHOLE = ["mdvis", "idp", "hlthg", "hlthf", "hlthp"]

visits = randhie.load_pandas().data
visits = visits.astype({name: "int64" for name in WHOLE})
visits.insert(0, "person_id", [pseudonym(person) for person in range(len(visits))])
visits.to_csv(sys.argv[1], index=False)
