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

LANES = (16, 32, 48, 64)
"""Widths for which there are row operations: channels of a layer are padded to a multiple of one of them."""

_features = get_host_cpu_features()
PART = 16 if _features.get("avx512f") else 8
"""Neurons that take a step together: as many as fill a register whose comparisons the processor turns into bits at once."""

COMPRESSES = all(map(_features.get, ("avx512f", "avx512bw", "avx512vbmi2")))
"""Whether the processor moves chosen bytes of a register together."""

_F32, _I32, _I64, _I1 = ir.FloatType(), ir.IntType(32), ir.IntType(64), ir.IntType(1)
_Codegen = Callable[[Any, Any, Any, Any], Any]


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, at: Any) -> Any:
    """Pointer to element `at` of an array."""
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [at])


def _load(builder: Any, pointer: Any, vector: ir.VectorType) -> Any:
    return builder.load(builder.bitcast(pointer, vector.as_pointer()), align=4)


def _store(builder: Any, value: Any, pointer: Any) -> None:
    builder.store(value, builder.bitcast(pointer, value.type.as_pointer()), align=4)


def _load_row(builder: Any, pointer: Any, lanes: int) -> list[Any]:
    """A row in parts, since 48 lanes as one vector would be widened to 64."""
    part = ir.VectorType(_F32, 16)
    return [_load(builder, builder.gep(pointer, [ir.Constant(_I64, at)]), part) for at in range(0, lanes, 16)]


def _store_row(builder: Any, parts: list[Any], pointer: Any) -> None:
    for index, part in enumerate(parts):
        _store(builder, part, builder.gep(pointer, [ir.Constant(_I64, 16 * index)]))


def _add_row(builder: Any, parts: list[Any], pointer: Any) -> list[Any]:
    row = _load_row(builder, pointer, 16 * len(parts))
    return [builder.fadd(part, more) for part, more in zip(parts, row, strict=True)]


def _join(builder: Any, *sources: tuple[list[Any], Any]) -> list[Any]:
    """Phis of lists of values, each with the block that they come from."""
    joined = [builder.phi(value.type) for value in sources[0][0]]
    for values, block in sources:
        _come(joined, values, block)
    return joined


def _come(phis: list[Any], values: list[Any], block: Any) -> None:
    for phi, value in zip(phis, values, strict=True):
        phi.add_incoming(value, block)


def _splat(builder: Any, value: Any, lanes: int) -> Any:
    """A vector of lanes that are all `value`."""
    vector = ir.VectorType(value.type, lanes)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(_I32, 0))
    return builder.shuffle_vector(first, first, ir.Constant(ir.VectorType(_I32, lanes), [0] * lanes))


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


def _add_masked_rows_twice(lanes: int) -> Any:
    """The operation for fewer lanes, for two steps at once: else an add would wait for the one before."""

    @intrinsic
    def add_masked_rows(typingctx, sums, first_at, second_at, weights, weights_at, zeros_at, first_mask, second_mask):
        """sums[first_at :] += the sum of the rows of weights[weights_at :] whose bit is set in `first_mask`, and so on.

        `zeros_at` is where `weights` has a row of zeros, added where one mask has fewer bits than the other.
        """

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            sums, first_at, second_at, weights, weights_at, zeros_at, first_mask, second_mask = args
            targets = [_pointer(context, builder, signature.args[0], sums, at) for at in (first_at, second_at)]
            base = _pointer(context, builder, signature.args[3], weights, ir.Constant(_I64, 0))
            starts = [_load_row(builder, target, lanes) for target in targets]
            before = builder.block
            loop, done = builder.append_basic_block("rows"), builder.append_basic_block("rows_added")
            none, width = ir.Constant(_I64, 0), ir.Constant(_I64, lanes)
            some = builder.icmp_unsigned("!=", builder.or_(first_mask, second_mask), none)
            builder.cbranch(some, loop, done)

            builder.position_at_end(loop)
            masks = [builder.phi(_I64), builder.phi(_I64)]
            totals = [_join(builder, (start, before)) for start in starts]
            rests, added = [], []
            for mask, total in zip(masks, totals, strict=True):
                at = builder.add(weights_at, builder.mul(_lowest_bit(builder, mask, defined_at_zero=True), width))
                at = builder.select(builder.icmp_unsigned("==", mask, none), zeros_at, at)
                added.append(_add_row(builder, total, builder.gep(base, [at])))
                rests.append(_without_lowest_bit(builder, mask))
            for total, more in zip(totals, added, strict=True):
                _come(total, more, loop)
            for mask, begins, follows in zip(masks, (first_mask, second_mask), rests, strict=True):
                mask.add_incoming(begins, before)
                mask.add_incoming(follows, loop)
            builder.cbranch(builder.icmp_unsigned("!=", builder.or_(*rests), none), loop, done)

            builder.position_at_end(done)
            ends = [_join(builder, (start, before), (more, loop)) for start, more in zip(starts, added, strict=True)]
            for end, target in zip(ends, targets, strict=True):
                _store_row(builder, end, target)
            return context.get_dummy_value()

        at, bits = types.uintp, types.uint64
        return types.void(sums, at, at, weights, at, at, bits, bits), codegen

    return add_masked_rows


def _add_events(lanes: int, together: int) -> Any:
    @intrinsic
    def add_events(typingctx, sums, weights, weights_at, events, begin, end):
        """sums[step * lanes :] += weights[weights_at + row * lanes :] for events[begin : end], each 64 * row + step.

        Those that are taken together are of one step, whose sums are read and written once. One loop without a branch that
        depends on the data, as to foresee one wrongly costs as much as several rows.
        """

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            sums, weights, weights_at, events, begin, end = args
            base = _pointer(context, builder, signature.args[0], sums, ir.Constant(_I64, 0))
            rows = _pointer(context, builder, signature.args[1], weights, weights_at)
            listed = _pointer(context, builder, signature.args[3], events, ir.Constant(_I64, 0))
            before = builder.block
            loop, done = builder.append_basic_block("event"), builder.append_basic_block("events_added")
            builder.cbranch(builder.icmp_unsigned("<", begin, end), loop, done)
            builder.position_at_end(loop)
            index = builder.phi(_I64)
            target, total = None, list[Any]()
            for one in range(together):
                event = builder.zext(
                    builder.load(builder.gep(listed, [builder.add(index, ir.Constant(_I64, one))])), _I64
                )
                if target is None:
                    step = builder.and_(event, ir.Constant(_I64, 63))
                    target = builder.gep(base, [builder.mul(step, ir.Constant(_I64, lanes))])
                    total = _load_row(builder, target, lanes)
                row = builder.mul(builder.lshr(event, ir.Constant(_I64, 6)), ir.Constant(_I64, lanes))
                total = _add_row(builder, total, builder.gep(rows, [row]))
            _store_row(builder, total, target)
            following = builder.add(index, ir.Constant(_I64, together))
            index.add_incoming(begin, before)
            index.add_incoming(following, loop)
            builder.cbranch(builder.icmp_unsigned("<", following, end), loop, done)
            builder.position_at_end(done)
            return context.get_dummy_value()

        at = types.uintp
        return types.void(sums, weights, at, events, at, at), codegen

    return add_events


@intrinsic
def list_bits(typingctx, mask, target, at, first, shift):
    """target[at :] = first + (b << shift) for each bit b of `mask`, in order; up to 16 values after them are overwritten too.

    Returns:
        the number of bits.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        mask, target, at, first, shift = args
        pointer = _pointer(context, builder, signature.args[1], target, at)
        ctpop = builder.module.declare_intrinsic("llvm.ctpop", [_I64], ir.FunctionType(_I64, [_I64]))
        count = builder.call(ctpop, [mask])
        (_list_by_compression if COMPRESSES else _list_one_by_one)(builder, mask, pointer, first, shift, count)
        return count

    return types.int64(types.uint64, target, types.uintp, types.uint32, types.uint32), codegen


def _list_by_compression(builder: Any, mask: Any, pointer: Any, first: Any, shift: Any, count: Any) -> None:
    """By the instruction that moves chosen bytes of a register together: without a branch for up to 16 bits."""
    bytes_ = ir.VectorType(ir.IntType(8), 64)
    chosen = ir.VectorType(_I1, 64)
    name = "llvm.x86.avx512.mask.compress.v64i8"
    compress = builder.module.globals.get(name) or ir.Function(
        builder.module, ir.FunctionType(bytes_, [bytes_, bytes_, chosen]), name
    )
    every = ir.Constant(bytes_, list(range(64)))
    together = builder.call(compress, [every, ir.Constant(bytes_, [0] * 64), builder.bitcast(mask, chosen)])

    def part(start: int) -> None:
        few = ir.Constant(ir.VectorType(_I32, 16), list(range(start, start + 16)))
        bits = builder.zext(builder.shuffle_vector(together, together, few), ir.VectorType(_I32, 16))
        values = builder.add(builder.shl(bits, _splat(builder, shift, 16)), _splat(builder, first, 16))
        _store(builder, values, builder.gep(pointer, [ir.Constant(_I64, start)]))

    part(0)
    with builder.if_then(builder.icmp_unsigned(">", count, ir.Constant(_I64, 16)), likely=False):
        part(16)
        with builder.if_then(builder.icmp_unsigned(">", count, ir.Constant(_I64, 32)), likely=False):
            part(32)
            part(48)


def _list_one_by_one(builder: Any, mask: Any, pointer: Any, first: Any, shift: Any, count: Any) -> None:
    before = builder.block
    loop, done = builder.append_basic_block("bit"), builder.append_basic_block("bits_listed")
    none = ir.Constant(_I64, 0)
    builder.cbranch(builder.icmp_unsigned("!=", mask, none), loop, done)
    builder.position_at_end(loop)
    left, place = builder.phi(_I64), builder.phi(_I64)
    bit = builder.trunc(_lowest_bit(builder, left, defined_at_zero=False), _I32)
    builder.store(builder.add(builder.shl(bit, shift), first), builder.gep(pointer, [place]))
    rest = _without_lowest_bit(builder, left)
    for phi, begins, follows in ((left, mask, rest), (place, none, builder.add(place, ir.Constant(_I64, 1)))):
        phi.add_incoming(begins, before)
        phi.add_incoming(follows, loop)
    builder.cbranch(builder.icmp_unsigned("!=", rest, none), loop, done)
    builder.position_at_end(done)


def _sum_table(lanes: int) -> Any:
    @intrinsic
    def sum_table(typingctx, sums, sums_at, bias, bias_at, tables, tables_at, groups, bits):
        """sums[sums_at :] = bias[bias_at :] + for each four of the `bits` the row of a table that they number.

        Group g has its 16 rows from tables[tables_at + 16 * g * lanes] on; `groups` is at least 1.
        """

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            sums, sums_at, bias, bias_at, tables, tables_at, groups, bits = args
            target = _pointer(context, builder, signature.args[0], sums, sums_at)
            start = _load_row(builder, _pointer(context, builder, signature.args[2], bias, bias_at), lanes)
            rows = _pointer(context, builder, signature.args[4], tables, tables_at)
            before = builder.block
            loop, done = builder.append_basic_block("four"), builder.append_basic_block("table_summed")
            builder.branch(loop)
            builder.position_at_end(loop)
            group, left, total = builder.phi(_I64), builder.phi(_I64), _join(builder, (start, before))
            row = builder.add(
                builder.mul(group, ir.Constant(_I64, 16 * lanes)),
                builder.mul(builder.and_(left, ir.Constant(_I64, 15)), ir.Constant(_I64, lanes)),
            )
            added = _add_row(builder, total, builder.gep(rows, [row]))
            following = builder.add(group, ir.Constant(_I64, 1))
            _come(total, added, loop)
            rest = builder.lshr(left, ir.Constant(_I64, 4))
            for phi, begins, follows in ((group, ir.Constant(_I64, 0), following), (left, bits, rest)):
                phi.add_incoming(begins, before)
                phi.add_incoming(follows, loop)
            builder.cbranch(builder.icmp_unsigned("<", following, groups), loop, done)
            builder.position_at_end(done)
            _store_row(builder, added, target)
            return context.get_dummy_value()

        at = types.uintp
        return types.void(sums, at, bias, at, tables, at, at, types.uint64), codegen

    return sum_table


@intrinsic
def transpose(typingctx, source, source_at, target, target_at):
    """target[target_at + b] = the bits b of source[source_at : source_at + 64], the first word's lowest.

    Six rounds exchange halves of ever smaller squares (H. S. Warren, Hacker's Delight, 2nd edition, section 7-3).
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, source_at, target, target_at = args
        vector = ir.VectorType(_I64, 64)

        def constant(values: list[int]) -> Any:
            return ir.Constant(vector, values)

        value = builder.load(
            builder.bitcast(_pointer(context, builder, signature.args[0], source, source_at), vector.as_pointer()),
            align=8,
        )
        for size in (32, 16, 8, 4, 2, 1):
            low = sum(1 << bit for bit in range(64) if not bit & size)  # bits whose column is in a left half
            order = ir.Constant(ir.VectorType(_I32, 64), [row ^ size for row in range(64)])
            other = builder.shuffle_vector(value, value, order)
            keeps = constant([low if not row & size else low << size for row in range(64)])
            kept = builder.and_(value, keeps)
            up = builder.shl(builder.and_(other, constant([low] * 64)), constant([size] * 64))
            down = builder.and_(builder.lshr(other, constant([size] * 64)), constant([low] * 64))
            first = ir.Constant(ir.VectorType(_I1, 64), [not row & size for row in range(64)])
            value = builder.or_(kept, builder.select(first, up, down))
        place = _pointer(context, builder, signature.args[2], target, target_at)
        builder.store(value, builder.bitcast(place, vector.as_pointer()), align=8)
        return context.get_dummy_value()

    return types.void(source, types.uintp, target, types.uintp), codegen


@intrinsic
def sum_chosen_lanes_64(
    typingctx, sums, sums_at, bias, bias_at, weights, weights_at, stride, masks, masks_at, masks_stride, count
):
    """sums[sums_at + c] = bias[bias_at + c] + the sum of weights[weights_at + k * stride + c] over the k < `count` whose mask
    has bit c.

    Mask k is masks[masks_at + k * masks_stride]; `count` is at least 1.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sums, sums_at, bias, bias_at, weights, weights_at, stride, masks, masks_at, masks_stride, count = args
        vector = ir.VectorType(_F32, 64)
        zero = ir.Constant(vector, [0.0] * 64)
        target = _pointer(context, builder, signature.args[0], sums, sums_at)
        start = _load(builder, _pointer(context, builder, signature.args[2], bias, bias_at), vector)
        rows = _pointer(context, builder, signature.args[4], weights, weights_at)
        bits = _pointer(context, builder, signature.args[7], masks, masks_at)
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
        total.add_incoming(start, before)
        total.add_incoming(added, loop)
        builder.cbranch(builder.icmp_unsigned("<", following, count), loop, done)
        builder.position_at_end(done)
        _store(builder, added, target)
        return context.get_dummy_value()

    at = types.uintp
    return types.void(sums, at, bias, at, weights, at, at, masks, at, at, at), codegen


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
        to_zero,
        fired,
        fired_at,
        steps,
    ):
        """`steps` steps of `lanes` neurons: v + drive, threshold 1, reset. fired[fired_at + step] = who fired.

        The drive of a step is drive[drive_at + step * drive_stride :]; potentials stay in registers meanwhile.
        `steps` is at least 1.
        """

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            potentials, potentials_at, drive, drive_at, drive_stride, to_zero, fired, fired_at, steps = args
            target = _pointer(context, builder, signature.args[0], potentials, potentials_at)
            driven = _pointer(context, builder, signature.args[2], drive, drive_at)
            bits = _pointer(context, builder, signature.args[6], fired, fired_at)
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
        signature = types.void(potentials, index, drive, index, index, types.boolean, fired, index, index)
        return signature, codegen

    return take_steps


def _copy_row(lanes: int) -> Any:
    @intrinsic
    def copy_row(typingctx, source, source_at, target, target_at):
        """target[target_at :] = source[source_at :], a row.

        For zeros as well: LLVM writes those it knows in narrower parts, and to load a row that has just been written in parts
        takes until they have all arrived in the cache.
        """

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            source, source_at, target, target_at = args
            row = _load_row(builder, _pointer(context, builder, signature.args[0], source, source_at), lanes)
            _store_row(builder, row, _pointer(context, builder, signature.args[2], target, target_at))
            return context.get_dummy_value()

        return types.void(source, types.uintp, target, types.uintp), codegen

    return copy_row


def _take_arrivals(lanes: int) -> Any:
    part = ir.VectorType(_F32, PART)

    @intrinsic
    def take_arrivals(typingctx, potentials, at, drive, bias, bias_at, to_zero, fired, begin, steps, active, ends):
        """The steps from `begin` to `steps` <= 64 of `lanes` neurons that nothing reaches but at the steps in `active` (bits).

        The drive of an active step, bias included, is drive[step * lanes :]. Steps at which no neuron can
        come near the threshold are one addition of the bias each; the others are taken as `take_steps` takes them.
        fired[step] = who fired, at the steps returned. With `ends`, potentials after the last active step are not needed.

        Returns:
            the steps at which any neuron fired, as bits.
        """

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            potentials, at, drive, bias, bias_at, to_zero, fired, begin, steps, active, ends = args
            target = _pointer(context, builder, signature.args[0], potentials, at)
            driven = _pointer(context, builder, signature.args[2], drive, ir.Constant(_I64, 0))
            constant = _pointer(context, builder, signature.args[3], bias, bias_at)
            bits = _pointer(context, builder, signature.args[6], fired, ir.Constant(_I64, 0))
            words = ir.VectorType(_I32, PART)
            none, single = ir.Constant(_I64, 0), ir.Constant(_I64, 1)
            remains = builder.select(to_zero, ir.Constant(words, [0] * PART), ir.Constant(words, [-1] * PART))
            count = lanes // PART

            def each(value: float) -> Any:
                return ir.Constant(part, [value] * PART)

            def place(pointer: Any, index: int) -> Any:
                return builder.gep(pointer, [ir.Constant(_I64, PART * index)])

            def phis(*sources: tuple[list[Any], Any]) -> list[Any]:
                joined = [builder.phi(part) for _ in range(count)]
                for values, block in sources:
                    for phi, value in zip(joined, values, strict=True):
                        phi.add_incoming(value, block)
                return joined

            starts = [_load(builder, place(target, index), part) for index in range(count)]
            moves = [_load(builder, place(constant, index), part) for index in range(count)]
            before = builder.block
            names = ("arrival", "check", "careful", "quiet", "between", "moved", "arrived", "step", "taken")
            arrival, check, careful, quiet, between, through, arrived, stepping, taken = map(
                builder.append_basic_block, names
            )
            builder.branch(arrival)

            builder.position_at_end(arrival)
            left, clock, who = builder.phi(_I64), builder.phi(_I64), builder.phi(_I64)
            held = phis((starts, before))
            comes = builder.icmp_unsigned("!=", left, none)
            step = builder.select(comes, _lowest_bit(builder, left, defined_at_zero=True), steps)
            gap = builder.sub(step, clock)
            with builder.if_then(builder.icmp_unsigned("==", gap, none), likely=False):
                at_once = builder.block
                builder.cbranch(comes, arrived, taken)
            builder.branch(check)

            builder.position_at_end(check)
            times = _splat(builder, builder.uitofp(gap, _F32), PART)
            near = None
            for value, move in zip(held, moves, strict=True):
                # a membrane is highest after the first step or the last; what is lacking to the threshold is more than the
                # rounding of 64 additions, which is relative to how far away the membrane is
                value = builder.fmul(value, each(1 - 2**-17))
                for highest in (builder.fadd(value, move), builder.fadd(value, builder.fmul(move, times))):
                    above = builder.fcmp_ordered(">=", highest, each(0.99))
                    near = above if near is None else builder.or_(near, above)
            risky = builder.icmp_unsigned(
                "!=", builder.bitcast(near, ir.IntType(PART)), ir.Constant(ir.IntType(PART), 0)
            )
            builder.cbranch(risky, careful, quiet)

            builder.position_at_end(careful)
            with_clock = builder.or_(left, builder.shl(single, clock))
            builder.branch(stepping)

            builder.position_at_end(quiet)
            builder.cbranch(builder.and_(ends, builder.not_(comes)), taken, between)

            builder.position_at_end(between)
            rest_of_gap = builder.phi(_I64)
            moving = phis((held, quiet))
            moved = [builder.fadd(value, move) for value, move in zip(moving, moves, strict=True)]
            less = builder.sub(rest_of_gap, single)
            rest_of_gap.add_incoming(gap, quiet)
            rest_of_gap.add_incoming(less, between)
            for phi, value in zip(moving, moved, strict=True):
                phi.add_incoming(value, between)
            builder.cbranch(builder.icmp_unsigned("!=", less, none), between, through)
            builder.position_at_end(through)
            builder.cbranch(comes, arrived, taken)

            builder.position_at_end(arrived)
            reached = phis((held, at_once), (moved, through))
            arriving = builder.gep(driven, [builder.mul(step, ir.Constant(_I64, lanes))])
            drives = [_load(builder, place(arriving, index), part) for index in range(count)]
            builder.branch(stepping)

            builder.position_at_end(stepping)
            now, todo = builder.phi(_I64), builder.phi(_I64)
            for at_step, steps_left, block in ((step, left, arrived), (clock, with_clock, careful)):
                now.add_incoming(at_step, block)
                todo.add_incoming(steps_left, block)
            values = phis((reached, arrived), (held, careful))
            given = phis((drives, arrived), (moves, careful))
            word, results = none, []
            for index, (value, new) in enumerate(zip(values, given, strict=True)):
                raised = builder.fadd(value, new)
                spikes = builder.fcmp_ordered(">=", raised, each(1.0))
                lowered = builder.and_(builder.bitcast(builder.fsub(raised, each(1.0)), words), remains)
                results.append(builder.select(spikes, builder.bitcast(lowered, part), raised))
                sent = builder.zext(builder.bitcast(spikes, ir.IntType(PART)), _I64)
                word = builder.or_(word, builder.shl(sent, ir.Constant(_I64, PART * index)))
            builder.store(word, builder.gep(bits, [now]))
            some = builder.zext(builder.icmp_unsigned("!=", word, none), _I64)
            known = builder.or_(who, builder.shl(some, now))
            for phi, begins, follows in (
                (left, active, _without_lowest_bit(builder, todo)), (clock, begin, builder.add(now, single)), (who, none, known)
            ):  # fmt: skip
                phi.add_incoming(begins, before)
                phi.add_incoming(follows, stepping)
            for phi, result in zip(held, results, strict=True):
                phi.add_incoming(result, stepping)
            builder.branch(arrival)

            builder.position_at_end(taken)
            for index, value in enumerate(phis((held, at_once), (held, quiet), (moved, through))):
                _store(builder, value, place(target, index))
            return who

        index = types.uintp
        return types.uint64(
            potentials, index, drive, bias, index, types.boolean, fired, index, index, types.uint64, types.boolean
        ), codegen

    return take_arrivals


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
add_masked_rows_48, add_masked_rows_32, add_masked_rows_16 = (_add_masked_rows_twice(lanes) for lanes in (48, 32, 16))
add_events_64, add_pairs_64, add_fours_64 = (_add_events(64, together) for together in (1, 2, 4))
add_events_48, add_pairs_48, add_fours_48 = (_add_events(48, together) for together in (1, 2, 4))
add_events_32, add_pairs_32, add_fours_32 = (_add_events(32, together) for together in (1, 2, 4))
add_events_16, add_pairs_16, add_fours_16 = (_add_events(16, together) for together in (1, 2, 4))
sum_table_64, sum_table_48, sum_table_32, sum_table_16 = (_sum_table(lanes) for lanes in (64, 48, 32, 16))
copy_row_64, copy_row_48, copy_row_32, copy_row_16 = (_copy_row(lanes) for lanes in (64, 48, 32, 16))
take_arrivals_64, take_arrivals_48, take_arrivals_32, take_arrivals_16 = map(_take_arrivals, (64, 48, 32, 16))
take_steps_64 = _take_steps(64)
