"""The templates that `generate` draws from: each a true claim with its nearest neighbours.

A template states its mathematics; whether a draw is tight (one less is false) is found out by
enumeration, and a draw that is not is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.corpus.templates import arithmetic, operators, programs
from tests.corpus.templates.draw import Draw

__all__ = ["TEMPLATES", "Draw", "Template"]

Template = Callable[[Random], Draw]

TEMPLATES: dict[str, tuple[tuple[Template, int], ...]] = {
    "linear": (
        (arithmetic.sum_of_two_facts, 12),
        (arithmetic.sum_of_three_facts, 8),
        (arithmetic.corner_of_a_box, 6),
        (arithmetic.rounded_by_the_content, 6),
        (arithmetic.parts_of_a_whole, 6),
    ),
    "differences": (
        (arithmetic.path, 12),
        (arithmetic.tight_cycle, 6),
        (arithmetic.bound_through_a_difference, 6),
        (arithmetic.path_back_is_closed, 5),
    ),
    "equalities": (
        (arithmetic.remainder_of_a_solution, 9),
        (arithmetic.two_by_two, 7),
        (arithmetic.chain_of_definitions, 5),
        (arithmetic.bound_of_a_defined_symbol, 5),
    ),
    "floor_division": (
        (arithmetic.multiple_leaves_the_division, 5),
        (arithmetic.quotient_of_a_range, 5),
        (arithmetic.dividend_of_a_quotient, 5),
        (arithmetic.nested_quotients, 5),
        (arithmetic.quotients_of_ordered_values, 6),
        (arithmetic.symbolic_divisor_bound, 4),
        (arithmetic.sum_of_quotients, 5),
    ),
    "modulo": (
        (arithmetic.coarser_modulus, 5),
        (arithmetic.chinese_remainders, 6),
        (arithmetic.next_with_that_remainder, 5),
        (arithmetic.period, 5),
        (arithmetic.common_factor, 5),
        (arithmetic.symbolic_modulus, 5),
    ),
    "ceil_trunc_clean": (
        (arithmetic.ceiling_of_a_range, 5),
        (arithmetic.rounded_up, 5),
        (arithmetic.ceiling_as_floor, 5),
        (arithmetic.truncation_by_sign, 6),
        (arithmetic.clean_quotient, 5),
    ),
    "minmax_abs": (
        (operators.shifted_maximum, 5),
        (operators.clamp, 5),
        (operators.known_order, 5),
        (operators.distance, 5),
        (operators.scaled_maximum, 5),
    ),
    "where": (
        (operators.where_as_maximum, 6),
        (operators.both_arms, 6),
        (operators.arm_under_its_condition, 5),
        (operators.flag, 6),
    ),
    "products": (
        (operators.product_of_lower_bounds, 5),
        (operators.product_of_ranges, 6),
        (operators.expanded, 5),
        (operators.index_into_rows, 4),
        (operators.common_positive_factor, 5),
        (operators.exact_cancelling, 6),
    ),
    "powers_shifts": (
        (operators.shift_by_constant, 6),
        (operators.power_of_a_range, 6),
        (operators.shift_of_a_range, 5),
        (operators.power_of_two_range, 4),
        (operators.divided_by_a_power, 4),
    ),
    "bits": (
        (operators.mask, 5),
        (operators.and_with_a_constant, 6),
        (operators.or_of_ranges, 6),
        (operators.disjoint_bits, 4),
        (operators.cleared_bits, 5),
    ),
    "boolean": (
        (operators.implied_bound, 5),
        (operators.one_of_two, 5),
        (operators.chosen_case, 5),
        (operators.implications_with_bounds, 5),
        (operators.named_condition, 4),
        (operators.negated_connective, 4),
    ),
    "congruences": (
        (operators.combination_of_remainders, 8),
        (operators.product_of_remainders, 6),
        (operators.only_one_left, 6),
        (operators.remainder_of_a_quotient, 5),
    ),
    "torch_shapes": (
        (programs.convolution, 10),
        (programs.two_layers, 5),
        (programs.padded_to_a_multiple, 4),
        (programs.slice_of_a_slice, 5),
        (programs.crop_then_pool, 5),
        (programs.page_of_a_position, 5),
        (programs.capacity, 6),
        (programs.elements_of_a_batch, 5),
        (programs.split_heads, 5),
    ),
    "jagged": ((programs.offsets, 9), (programs.lengths, 6), (programs.within_a_segment, 4)),
    "definedness": ((programs.divisor_known_positive, 5),),
    "big_numbers": (
        (programs.large_rounding, 6),
        (programs.large_remainder, 6),
        (programs.large_sum, 6),
    ),
}
"""For each family, its templates with how many draws of each are kept."""
