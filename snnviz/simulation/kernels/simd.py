"""Vector operations that Numba's language cannot express, as LLVM intermediate code.

A row of `lanes` float32 is one LLVM vector; LLVM splits it over the registers that the processor has (8 of AVX2's for
64 lanes, 4 of AVX-512's, 16 of NEON's), and keeps a running sum in them: an add then costs one load, where the same
loop over arrays costs three memory operations. No operation here checks bounds.
"""

# mypy: disable-error-code="no-untyped-def, call-arg, var-annotated, assignment"
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba import types
from numba.extending import intrinsic

LANES = (16, 32, 64)
"""Widths for which there are row operations: channels of a layer are padded to a multiple of one of them."""

UNROLLED = 4
"""Lists of rows are padded to a multiple of this."""

PART = 16 if get_host_cpu_features().get("avx512f") else 8
"""Neurons that take a step together: as many as fill a register whose comparisons the processor turns into bits at once."""

_F32, _I32, _I64, _I1 = ir.FloatType(), ir.IntType(32), ir.IntType(64), ir.IntType(1)
_Codegen = Callable[[Any, Any, Any, Any], Any]


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, at: Any) -> Any:
    """Pointer to element `at` of an array."""
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [at])


def _load(builder: Any, pointer: Any, vector: ir.VectorType) -> Any:
    return builder.load(builder.bitcast(pointer, vector.as_pointer()), align=4)


def _store(builder: Any, value: Any, pointer: Any) -> None:
    builder.store(value, builder.bitcast(pointer, value.type.as_pointer()), align=4)


def _splat(builder: Any, value: Any, lanes: int) -> Any:
    """A vector of int32 that are all `value`."""
    vector = ir.VectorType(_I32, lanes)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(_I32, 0))
    return builder.shuffle_vector(first, first, ir.Constant(vector, [0] * lanes))


def _lowest_bit(builder: Any, mask: Any, defined_at_zero: bool) -> Any:
    cttz = builder.module.declare_intrinsic("llvm.cttz", [_I64], ir.FunctionType(_I64, [_I64, _I1]))
    return builder.call(cttz, [mask, ir.Constant(_I1, 0 if defined_at_zero else 1)])


def _without_lowest_bit(builder: Any, mask: Any) -> Any:
    return builder.and_(mask, builder.sub(mask, ir.Constant(_I64, 1)))


@intrinsic
def lowest_bit(typingctx, mask):
    """Index of the lowest bit set; 64 if there is none."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _lowest_bit(builder, args[0], defined_at_zero=True)

    return types.uintp(types.uint64), codegen


@intrinsic
def bit_count(typingctx, mask):
    """Number of bits set."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        ctpop = builder.module.declare_intrinsic("llvm.ctpop", [_I64], ir.FunctionType(_I64, [_I64]))
        return builder.call(ctpop, [args[0]])

    return types.int64(types.uint64), codegen


def _add_masked_rows(lanes: int) -> Any:
    """The operation for 64 lanes: eight AVX2 registers are enough independent sums to hide an add's latency."""
    vector = ir.VectorType(_F32, lanes)

    @intrinsic
    def add_masked_rows(typingctx, sums, sums_at, weights, weights_at, mask):
        """sums[sums_at :] += the sum of the rows of weights[weights_at :] whose bit is set in `mask`."""

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            sums, sums_at, weights, weights_at, mask = args
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

        return types.void(sums, types.uintp, weights, types.uintp, types.uint64), codegen

    return add_masked_rows


def _add_masked_rows_of_two(lanes: int) -> Any:
    """The operation for fewer lanes, on two tiles at once: else an add would wait for the one before."""
    vector = ir.VectorType(_F32, lanes)

    @intrinsic
    def add_masked_rows(typingctx, sums, sums_at, weights, first_at, second_at, zeros_at, first_mask, second_mask):
        """sums[sums_at :] += the sum of the rows of weights[first_at :] whose bit is set in `first_mask`, and so on.

        `zeros_at` is where `weights` has a row of zeros, added where one mask has fewer bits than the other.
        """

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            sums, sums_at, weights, first_at, second_at, zeros_at, first_mask, second_mask = args
            target = _pointer(context, builder, signature.args[0], sums, sums_at)
            base = _pointer(context, builder, signature.args[2], weights, ir.Constant(_I64, 0))
            start, zero = _load(builder, target, vector), ir.Constant(vector, [0.0] * lanes)
            before = builder.block
            loop, done = builder.append_basic_block("rows"), builder.append_basic_block("rows_added")
            none, width = ir.Constant(_I64, 0), ir.Constant(_I64, lanes)
            some = builder.icmp_unsigned("!=", builder.or_(first_mask, second_mask), none)
            builder.cbranch(some, loop, done)

            builder.position_at_end(loop)
            masks = [builder.phi(_I64), builder.phi(_I64)]
            totals = [builder.phi(vector), builder.phi(vector)]
            rests, added = [], []
            for mask, total, tile_at in zip(masks, totals, (first_at, second_at), strict=True):
                at = builder.add(tile_at, builder.mul(_lowest_bit(builder, mask, defined_at_zero=True), width))
                at = builder.select(builder.icmp_unsigned("==", mask, none), zeros_at, at)
                added.append(builder.fadd(total, _load(builder, builder.gep(base, [at]), vector)))
                rests.append(_without_lowest_bit(builder, mask))
            beginnings = (first_mask, second_mask, start, zero)
            for phi, begin, following in zip((*masks, *totals), beginnings, (*rests, *added), strict=True):
                phi.add_incoming(begin, before)
                phi.add_incoming(following, loop)
            builder.cbranch(builder.icmp_unsigned("!=", builder.or_(*rests), none), loop, done)

            builder.position_at_end(done)
            ends = [builder.phi(vector), builder.phi(vector)]
            for phi, begin, following in zip(ends, (start, zero), added, strict=True):
                phi.add_incoming(begin, before)
                phi.add_incoming(following, loop)
            _store(builder, builder.fadd(*ends), target)
            return context.get_dummy_value()

        at, bits = types.uintp, types.uint64
        return types.void(sums, at, weights, at, at, at, bits, bits), codegen

    return add_masked_rows


def _sum_listed_rows(lanes: int, accumulators: int) -> Any:
    """Sums from lists, UNROLLED rows at a time into `accumulators` sums, as many as hide the latency of an add."""
    vector = ir.VectorType(_F32, lanes)

    @intrinsic
    def sum_listed_rows(typingctx, sums, sums_at, weights, weights_at, rows, rows_at, count):
        """sums[sums_at :] = the sum of rows[rows_at : rows_at + count] of weights[weights_at :].

        `count` must be a multiple of UNROLLED; lists are padded with the index of a row of zeros.
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
            totals = [builder.phi(vector) for _ in range(accumulators)]
            following: list[Any] = list(totals)
            for offset in range(UNROLLED):
                place = builder.gep(listed, [builder.add(position, ir.Constant(_I64, offset))])
                at = builder.mul(builder.zext(builder.load(place), _I64), width)
                row = _load(builder, builder.gep(base, [at]), vector)
                following[offset % accumulators] = builder.fadd(following[offset % accumulators], row)
            next_position = builder.add(position, ir.Constant(_I64, UNROLLED))
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


@intrinsic
def copy_shifted(typingctx, source, source_at, target, target_at, count, shift):
    """target[target_at : target_at + count] = source[source_at : ...] + shift (uint32), in steps of 16.

    Reads and writes up to 16 elements too many, at least 16 in all.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, source_at, target, target_at, count, shift = args
        vector = ir.VectorType(_I32, 16)
        read = _pointer(context, builder, signature.args[0], source, source_at)
        write = _pointer(context, builder, signature.args[2], target, target_at)
        shifts = _splat(builder, shift, 16)
        before = builder.block
        loop, done = builder.append_basic_block("copy"), builder.append_basic_block("copied")
        builder.branch(loop)
        builder.position_at_end(loop)
        position = builder.phi(_I64)
        values = builder.add(_load(builder, builder.gep(read, [position]), vector), shifts)
        _store(builder, values, builder.gep(write, [position]))
        following = builder.add(position, ir.Constant(_I64, 16))
        position.add_incoming(ir.Constant(_I64, 0), before)
        position.add_incoming(following, loop)
        builder.cbranch(builder.icmp_unsigned("<", following, count), loop, done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    return types.void(source, types.uintp, target, types.uintp, types.uintp, types.uint32), codegen


@intrinsic
def pad(typingctx, target, at, value):
    """target[at : at + UNROLLED] = value (uint32)."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        target, at, value = args
        _store(builder, _splat(builder, value, UNROLLED), _pointer(context, builder, signature.args[0], target, at))
        return context.get_dummy_value()

    return types.void(target, types.uintp, types.uint32), codegen


@intrinsic
def sum_chosen_lanes_64(typingctx, sums, sums_at, weights, weights_at, stride, masks, masks_at, masks_stride, count):
    """sums[sums_at + c] = the sum, over k < `count` with bit c of mask k set, of weights[weights_at + k * stride + c].

    Mask k is masks[masks_at + k * masks_stride]; `count` is at least 1.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sums, sums_at, weights, weights_at, stride, masks, masks_at, masks_stride, count = args
        vector = ir.VectorType(_F32, 64)
        zero = ir.Constant(vector, [0.0] * 64)
        target = _pointer(context, builder, signature.args[0], sums, sums_at)
        rows = _pointer(context, builder, signature.args[2], weights, weights_at)
        bits = _pointer(context, builder, signature.args[5], masks, masks_at)
        before = builder.block
        loop, done = builder.append_basic_block("lanes"), builder.append_basic_block("lanes_summed")
        builder.branch(loop)
        builder.position_at_end(loop)
        position, total = builder.phi(_I64), builder.phi(vector)
        mask = builder.load(builder.gep(bits, [builder.mul(position, masks_stride)]))
        row = _load(builder, builder.gep(rows, [builder.mul(position, stride)]), vector)
        chosen = builder.select(builder.bitcast(mask, ir.VectorType(_I1, 64)), row, zero)
        added = builder.fadd(total, chosen)
        following = builder.add(position, ir.Constant(_I64, 1))
        position.add_incoming(ir.Constant(_I64, 0), before)
        position.add_incoming(following, loop)
        total.add_incoming(zero, before)
        total.add_incoming(added, loop)
        builder.cbranch(builder.icmp_unsigned("<", following, count), loop, done)
        builder.position_at_end(done)
        _store(builder, added, target)
        return context.get_dummy_value()

    arguments = [sums, weights, types.uintp, masks, types.uintp]
    at = types.uintp
    return types.void(arguments[0], at, arguments[1], at, at, arguments[3], at, at, at), codegen


def _take_steps(lanes: int) -> Any:
    part = ir.VectorType(_F32, PART)

    @intrinsic
    def take_steps(
        typingctx,
        potentials,
        potentials_at,
        drive,
        drive_at,
        drive_stride,
        bias,
        bias_at,
        to_zero,
        fired,
        fired_at,
        steps,
    ):
        """`steps` steps of `lanes` neurons: v + drive + bias, threshold 1, reset. fired[fired_at + step] = who fired.

        The drive of a step is drive[drive_at + step * drive_stride :]; potentials stay in registers meanwhile.
        `steps` is at least 1.
        """

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            (
                potentials, potentials_at, drive, drive_at, drive_stride, bias, bias_at, to_zero, fired, fired_at, steps
            ) = args  # fmt: skip
            target = _pointer(context, builder, signature.args[0], potentials, potentials_at)
            driven = _pointer(context, builder, signature.args[2], drive, drive_at)
            constant = _pointer(context, builder, signature.args[5], bias, bias_at)
            bits = _pointer(context, builder, signature.args[8], fired, fired_at)
            one = ir.Constant(part, [1.0] * PART)
            words = ir.VectorType(_I32, PART)
            # what remains of v - 1 after a spike: all of its bits, or none
            whole, nothing = ir.Constant(words, [-1] * PART), ir.Constant(words, [0] * PART)
            remains = builder.select(to_zero, nothing, whole)

            def at(pointer: Any, index: int) -> Any:
                return builder.gep(pointer, [ir.Constant(_I64, PART * index)])

            count = lanes // PART
            starts = [_load(builder, at(target, index), part) for index in range(count)]
            before = builder.block
            loop, done = builder.append_basic_block("step"), builder.append_basic_block("stepped")
            builder.branch(loop)
            builder.position_at_end(loop)
            step = builder.phi(_I64)
            held = [builder.phi(part) for _ in range(count)]
            now = builder.gep(driven, [builder.mul(step, drive_stride)])
            word, results = ir.Constant(_I64, 0), []
            for index, value in enumerate(held):
                raised = builder.fadd(value, _load(builder, at(now, index), part))
                raised = builder.fadd(raised, _load(builder, at(constant, index), part))
                spikes = builder.fcmp_ordered(">=", raised, one)
                lowered = builder.and_(builder.bitcast(builder.fsub(raised, one), words), remains)
                results.append(builder.select(spikes, builder.bitcast(lowered, part), raised))
                who = builder.zext(builder.bitcast(spikes, ir.IntType(PART)), _I64)
                word = builder.or_(word, builder.shl(who, ir.Constant(_I64, PART * index)))
            builder.store(word, builder.gep(bits, [step]))
            following = builder.add(step, ir.Constant(_I64, 1))
            step.add_incoming(ir.Constant(_I64, 0), before)
            step.add_incoming(following, loop)
            for phi, start, result in zip(held, starts, results, strict=True):
                phi.add_incoming(start, before)
                phi.add_incoming(result, loop)
            builder.cbranch(builder.icmp_unsigned("<", following, steps), loop, done)
            builder.position_at_end(done)
            for index, result in enumerate(results):
                _store(builder, result, at(target, index))
            return context.get_dummy_value()

        index = types.uintp
        signature = types.void(potentials, index, drive, index, index, bias, index, types.boolean, fired, index, index)
        return signature, codegen

    return take_steps


@intrinsic
def pack(typingctx, flags, at):
    """The 64 bytes flags[at :] as bits: 1 where a byte is not 0."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        byte = ir.VectorType(ir.IntType(8), 64)
        pointer = _pointer(context, builder, signature.args[0], *args)
        values = builder.load(builder.bitcast(pointer, byte.as_pointer()), align=1)
        return builder.bitcast(builder.icmp_unsigned("!=", values, ir.Constant(byte, [0] * 64)), _I64)

    return types.uint64(flags, types.uintp), codegen


add_masked_rows_64 = _add_masked_rows(64)
add_masked_rows_32 = _add_masked_rows_of_two(32)
add_masked_rows_16 = _add_masked_rows_of_two(16)
sum_listed_rows_64 = _sum_listed_rows(64, 1)
sum_listed_rows_32 = _sum_listed_rows(32, 2)
sum_listed_rows_16 = _sum_listed_rows(16, 4)
take_steps_64, take_steps_32, take_steps_16 = _take_steps(64), _take_steps(32), _take_steps(16)
