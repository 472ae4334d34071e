"""Questions that ask the prover many times: `simplify` under facts (with the rules in
`rules/`), `suggest` checks that would make a claim hold, `exact_bounds`, `overflow`.

Imports `prove` and folders before it.
"""
