"""Vector operations that Numba's language cannot express, as LLVM intermediate code.

A row of `lanes` float32 is one LLVM vector; LLVM splits it over the registers that the processor has (8 of AVX2's for 64
lanes, 4 of AVX-512's, 16 of NEON's), and keeps a running sum in them: an add then costs one load, where the same loop
over arrays costs three memory operations. No operation here checks bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

LANES = (16, 32, 64)
"""Widths for which there are row operations: channels of a layer are padded to a multiple of one of them."""

_F32, _I32, _I64, _I1 = ir.FloatType(), ir.IntType(32), ir.IntType(64), ir.IntType(1)
_Codegen = Callable[[Any, Any, Any, Any], Any]


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, at: Any) -> Any:
    """Pointer to element `at` of an array."""
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [at])


def _load(builder: Any, pointer: Any, vector: ir.VectorType) -> Any:
    return builder.load(builder.bitcast(pointer, vector.as_pointer()), align=4)


def _store(builder: Any, value: Any, pointer: Any) -> None:
    builder.store(value, builder.bitcast(pointer, value.type.as_pointer()), align=4)


def _lowest_bit(builder: Any, mask: Any, defined_at_zero: bool) -> Any:
    cttz = builder.module.declare_intrinsic("llvm.cttz", [_I64], ir.FunctionType(_I64, [_I64, _I1]))
    return builder.call(cttz, [mask, ir.Constant(_I1, 0 if defined_at_zero else 1)])


def _without_lowest_bit(builder: Any, mask: Any) -> Any:
    return builder.and_(mask, builder.sub(mask, ir.Constant(_I64, 1)))


@intrinsic
def lowest_bit(typingctx, mask):  # type: ignore[no-untyped-def]
    """Index of the lowest bit set; 64 if there is none."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _lowest_bit(builder, args[0], defined_at_zero=True)

    return types.uintp(types.uint64), codegen


@intrinsic
def bit_count(typingctx, mask):  # type: ignore[no-untyped-def]
    """Number of bits set."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        ctpop = builder.module.declare_intrinsic("llvm.ctpop", [_I64], ir.FunctionType(_I64, [_I64]))
        return builder.call(ctpop, [args[0]])

    return types.int64(types.uint64), codegen


def _add_masked_rows(lanes: int) -> Any:
    """The operation for 64 lanes: eight AVX2 registers are enough independent sums to hide an add's latency."""
    vector = ir.VectorType(_F32, lanes)

    @intrinsic
    def add_masked_rows(typingctx, sums, sums_at, weights, weights_at, zeros_at, mask):  # type: ignore[no-untyped-def]
        """sums[sums_at :] += the sum of the rows of weights[weights_at :] whose bit is set in `mask`."""

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            sums, sums_at, weights, weights_at, _, mask = args
            target = _pointer(context, builder, signature.args[0], sums, sums_at)
            first = _pointer(context, builder, signature.args[2], weights, weights_at)
            start = _load(builder, target, vector)
            before = builder.block
            loop, done = builder.append_basic_block("row"), builder.append_basic_block("rows_added")
            none = ir.Constant(_I64, 0)
            builder.cbranch(builder.icmp_unsigned("!=", mask, none), loop, done)

            builder.position_at_end(loop)
            left, total = builder.phi(_I64), builder.phi(vector)
            at = builder.mul(_lowest_bit(builder, left, defined_at_zero=False), ir.Constant(_I64, lanes))
            added = builder.fadd(total, _load(builder, builder.gep(first, [at]), vector))
            rest = _without_lowest_bit(builder, left)
            left.add_incoming(mask, before)
            left.add_incoming(rest, loop)
            total.add_incoming(start, before)
            total.add_incoming(added, loop)
            builder.cbranch(builder.icmp_unsigned("!=", rest, none), loop, done)

            builder.position_at_end(done)
            result = builder.phi(vector)
            result.add_incoming(start, before)
            result.add_incoming(added, loop)
            _store(builder, result, target)
            return context.get_dummy_value()

        return types.void(sums, types.uintp, weights, types.uintp, types.uintp, types.uint64), codegen

    return add_masked_rows


def _add_masked_rows_in_pairs(lanes: int) -> Any:
    """The operation for fewer lanes: two rows at a time into two sums, else an add would wait for the one before."""
    vector = ir.VectorType(_F32, lanes)

    @intrinsic
    def add_masked_rows(typingctx, sums, sums_at, weights, weights_at, zeros_at, mask):  # type: ignore[no-untyped-def]
        """As above; `zeros_at` is where `weights` has a row of zeros, added where the last row has no partner."""

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            sums, sums_at, weights, weights_at, zeros_at, mask = args
            target = _pointer(context, builder, signature.args[0], sums, sums_at)
            base = _pointer(context, builder, signature.args[2], weights, ir.Constant(_I64, 0))
            start, zero = _load(builder, target, vector), ir.Constant(vector, [0.0] * lanes)
            before = builder.block
            loop, done = builder.append_basic_block("pair"), builder.append_basic_block("pairs_added")
            none, width = ir.Constant(_I64, 0), ir.Constant(_I64, lanes)
            builder.cbranch(builder.icmp_unsigned("!=", mask, none), loop, done)

            builder.position_at_end(loop)
            left, even, odd = builder.phi(_I64), builder.phi(vector), builder.phi(vector)
            one = builder.mul(_lowest_bit(builder, left, defined_at_zero=False), width)
            partner = _without_lowest_bit(builder, left)
            other = builder.mul(_lowest_bit(builder, partner, defined_at_zero=True), width)
            alone = builder.icmp_unsigned("==", partner, none)
            other_at = builder.select(alone, zeros_at, builder.add(weights_at, other))
            even_next = builder.fadd(
                even, _load(builder, builder.gep(base, [builder.add(weights_at, one)]), vector)
            )
            odd_next = builder.fadd(odd, _load(builder, builder.gep(base, [other_at]), vector))
            rest = _without_lowest_bit(builder, partner)
            for phi, first, following in ((left, mask, rest), (even, start, even_next), (odd, zero, odd_next)):
                phi.add_incoming(first, before)
                phi.add_incoming(following, loop)
            builder.cbranch(builder.icmp_unsigned("!=", rest, none), loop, done)

            builder.position_at_end(done)
            evens, odds = builder.phi(vector), builder.phi(vector)
            for phi, first, following in ((evens, start, even_next), (odds, zero, odd_next)):
                phi.add_incoming(first, before)
                phi.add_incoming(following, loop)
            _store(builder, builder.fadd(evens, odds), target)
            return context.get_dummy_value()

        return types.void(sums, types.uintp, weights, types.uintp, types.uintp, types.uint64), codegen

    return add_masked_rows


def _sum_listed_rows(lanes: int, together: int) -> Any:
    """Sums from lists, `together` rows at a time into as many sums."""
    vector = ir.VectorType(_F32, lanes)

    @intrinsic
    def sum_listed_rows(typingctx, sums, sums_at, weights, weights_at, rows, rows_at, count):  # type: ignore[no-untyped-def]
        """sums[sums_at :] = the sum of rows[rows_at : rows_at + count] of weights[weights_at :].

        `count` must be a multiple of `together`; lists are padded with the index of a row of zeros.
        """

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            sums, sums_at, weights, weights_at, rows, rows_at, count = args
            target = _pointer(context, builder, signature.args[0], sums, sums_at)
            base = _pointer(context, builder, signature.args[2], weights, weights_at)
            listed = _pointer(context, builder, signature.args[4], rows, rows_at)
            zero = ir.Constant(vector, [0.0] * lanes)
            before = builder.block
            loop, done = builder.append_basic_block("rows"), builder.append_basic_block("rows_summed")
            none, width = ir.Constant(_I64, 0), ir.Constant(_I64, lanes)
            builder.cbranch(builder.icmp_unsigned("!=", count, none), loop, done)

            builder.position_at_end(loop)
            position = builder.phi(_I64)
            totals = [builder.phi(vector) for _ in range(together)]
            following = []
            for offset, total in enumerate(totals):
                place = builder.gep(listed, [builder.add(position, ir.Constant(_I64, offset))])
                at = builder.mul(builder.zext(builder.load(place), _I64), width)
                following.append(builder.fadd(total, _load(builder, builder.gep(base, [at]), vector)))
            next_position = builder.add(position, ir.Constant(_I64, together))
            position.add_incoming(none, before)
            position.add_incoming(next_position, loop)
            for total, value in zip(totals, following, strict=True):
                total.add_incoming(zero, before)
                total.add_incoming(value, loop)
            builder.cbranch(builder.icmp_unsigned("<", next_position, count), loop, done)

            builder.position_at_end(done)
            finals = [builder.phi(vector) for _ in following]
            for final, value in zip(finals, following, strict=True):
                final.add_incoming(zero, before)
                final.add_incoming(value, loop)
            result = finals[0]
            for final in finals[1:]:
                result = builder.fadd(result, final)
            _store(builder, result, target)
            return context.get_dummy_value()

        return types.void(sums, types.uintp, weights, types.uintp, rows, types.uintp, types.uintp), codegen

    return sum_listed_rows


def _add_chosen_lanes(lanes: int) -> Any:
    vector = ir.VectorType(_F32, lanes)

    @intrinsic
    def add_chosen_lanes(typingctx, sums, sums_at, weights, weights_at, mask):  # type: ignore[no-untyped-def]
        """sums[sums_at + c] += weights[weights_at + c] for each lane c whose bit is set in `mask`."""

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            sums, sums_at, weights, weights_at, mask = args
            target = _pointer(context, builder, signature.args[0], sums, sums_at)
            row = _load(builder, _pointer(context, builder, signature.args[2], weights, weights_at), vector)
            bits = builder.bitcast(builder.trunc(mask, ir.IntType(lanes)), ir.VectorType(_I1, lanes))
            chosen = builder.select(bits, row, ir.Constant(vector, [0.0] * lanes))
            _store(builder, builder.fadd(_load(builder, target, vector), chosen), target)
            return context.get_dummy_value()

        return types.void(sums, types.uintp, weights, types.uintp, types.uint64), codegen

    return add_chosen_lanes


def _fire(lanes: int) -> Any:
    vector = ir.VectorType(_F32, lanes)

    @intrinsic
    def fire(typingctx, potentials, potentials_at, drive, drive_at, bias, bias_at, to_zero):  # type: ignore[no-untyped-def]
        """One step of `lanes` neurons: v + drive + bias, threshold 1, reset; returns who fired as bits."""

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            potentials, potentials_at, drive, drive_at, bias, bias_at, to_zero = args
            target = _pointer(context, builder, signature.args[0], potentials, potentials_at)
            driven = _load(builder, _pointer(context, builder, signature.args[2], drive, drive_at), vector)
            constant = _load(builder, _pointer(context, builder, signature.args[4], bias, bias_at), vector)
            zero, one = ir.Constant(vector, [0.0] * lanes), ir.Constant(vector, [1.0] * lanes)
            raised = builder.fadd(builder.fadd(_load(builder, target, vector), driven), constant)
            fired = builder.fcmp_ordered(">=", raised, one)
            after = builder.select(to_zero, zero, builder.fsub(raised, one))
            _store(builder, builder.select(fired, after, raised), target)
            bits = builder.bitcast(fired, ir.IntType(lanes))
            return bits if lanes == 64 else builder.zext(bits, _I64)

        signature = types.uint64(potentials, types.uintp, drive, types.uintp, bias, types.uintp, types.boolean)
        return signature, codegen

    return fire


@intrinsic
def pack(typingctx, flags, at):  # type: ignore[no-untyped-def]
    """The 64 bytes flags[at :] as bits: 1 where a byte is not 0."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        byte = ir.VectorType(ir.IntType(8), 64)
        pointer = _pointer(context, builder, signature.args[0], *args)
        values = builder.load(builder.bitcast(pointer, byte.as_pointer()), align=1)
        return builder.bitcast(builder.icmp_unsigned("!=", values, ir.Constant(byte, [0] * 64)), _I64)

    return types.uint64(flags, types.uintp), codegen


add_masked_rows_64 = _add_masked_rows(64)
add_masked_rows_32 = _add_masked_rows_in_pairs(32)
add_masked_rows_16 = _add_masked_rows_in_pairs(16)
TOGETHER = 4
"""Lists of rows are padded to a multiple of this."""
sum_listed_rows_64 = _sum_listed_rows(64, 1)
sum_listed_rows_32 = _sum_listed_rows(32, 2)
sum_listed_rows_16 = _sum_listed_rows(16, 4)
add_chosen_lanes_64 = _add_chosen_lanes(64)
fire_64, fire_32, fire_16 = _fire(64), _fire(32), _fire(16)
