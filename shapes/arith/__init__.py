"""Linear integer arithmetic with certificates.

Difference logic (negative cycles), Fourier–Motzkin elimination with integer cuts (after the
Omega test), simplex with branch and bound, and the lemma schemas by which non-linear atoms
take part. A refutation carries a Farkas certificate that `checker` checks without sharing
code with the procedures that found it. Imports `witness` and folders before it.
"""
