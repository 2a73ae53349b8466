"""Sums of weight rows in vector registers.

Where an operation takes `lanes`, the width of a row, its rows are those of arrays of as many lanes, by number.
"""

# mypy: disable-error-code="no-untyped-def, call-arg, var-annotated, assignment"
from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from snnviz.simulation.kernels import llvm

INT, BITS = types.int64, types.uint64


@intrinsic
def add_masked_rows_64(typingctx, sums, step, weights, weights_at, mask):
    """sums[step] += the sum of the rows of weights[weights_at :] whose bit is set in `mask`, 64 lanes each.

    Eight AVX2 registers are enough independent sums to hide an add's latency.
    """
    vector = ir.VectorType(llvm.F32, 64)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sums, step, weights, weights_at, mask = args
        width = ir.Constant(llvm.I64, 64)
        target = llvm.pointer(context, builder, signature.args[0], sums, builder.mul(step, width))
        first = llvm.pointer(context, builder, signature.args[2], weights, weights_at)
        start = llvm.load(builder, target, vector)
        before = builder.block
        loop, done = builder.append_basic_block("row"), builder.append_basic_block("rows_added")
        none = ir.Constant(llvm.I64, 0)
        builder.cbranch(builder.icmp_unsigned("!=", mask, none), loop, done)

        builder.position_at_end(loop)
        left, total = builder.phi(llvm.I64), builder.phi(vector)
        at = builder.mul(llvm.lowest_bit(builder, left, defined_at_zero=False), width)
        added = builder.fadd(total, llvm.load(builder, builder.gep(first, [at]), vector))
        rest = llvm.without_lowest_bit(builder, left)
        left.add_incoming(mask, before)
        left.add_incoming(rest, loop)
        total.add_incoming(start, before)
        total.add_incoming(added, loop)
        builder.cbranch(builder.icmp_unsigned("!=", rest, none), loop, done)

        builder.position_at_end(done)
        result = builder.phi(vector)
        result.add_incoming(start, before)
        result.add_incoming(added, loop)
        llvm.store(builder, result, target)
        return context.get_dummy_value()

    return types.void(sums, INT, weights, INT, BITS), codegen


@intrinsic
def add_masked_rows_twice(
    typingctx, lanes, sums, first_step, second_step, weights, weights_at, zeros_at, first_mask, second_mask
):
    """sums[first_step] += the sum of the rows of weights[weights_at :] whose bit is set in `first_mask`, and so on.

    For fewer lanes, two steps at once: else an add would wait for the one before. `zeros_at` is where `weights` has a row of zeros,
    added where one mask has fewer bits than the other.
    """

    def emit(lanes: int, context: Any, builder: Any, arrays: Any, args: Any) -> None:
        sums, first_step, second_step, weights, weights_at, zeros_at, first_mask, second_mask = args
        none, width = ir.Constant(llvm.I64, 0), ir.Constant(llvm.I64, lanes)
        targets = [
            llvm.pointer(context, builder, arrays[0], sums, builder.mul(step, width))
            for step in (first_step, second_step)
        ]
        base = llvm.pointer(context, builder, arrays[3], weights, none)
        starts = [llvm.load_row(builder, target, lanes) for target in targets]
        before = builder.block
        loop, done = builder.append_basic_block("rows"), builder.append_basic_block("rows_added")
        some = builder.icmp_unsigned("!=", builder.or_(first_mask, second_mask), none)
        builder.cbranch(some, loop, done)

        builder.position_at_end(loop)
        masks = [builder.phi(llvm.I64), builder.phi(llvm.I64)]
        totals = [llvm.join(builder, (start, before)) for start in starts]
        rests, added = [], []
        for mask, total in zip(masks, totals, strict=True):
            at = builder.add(weights_at, builder.mul(llvm.lowest_bit(builder, mask, defined_at_zero=True), width))
            at = builder.select(builder.icmp_unsigned("==", mask, none), zeros_at, at)
            added.append(llvm.add_row(builder, total, builder.gep(base, [at])))
            rests.append(llvm.without_lowest_bit(builder, mask))
        for total, more in zip(totals, added, strict=True):
            llvm.come(total, more, loop)
        for mask, begins, follows in zip(masks, (first_mask, second_mask), rests, strict=True):
            mask.add_incoming(begins, before)
            mask.add_incoming(follows, loop)
        builder.cbranch(builder.icmp_unsigned("!=", builder.or_(*rests), none), loop, done)

        builder.position_at_end(done)
        ends = [llvm.join(builder, (start, before), (more, loop)) for start, more in zip(starts, added, strict=True)]
        for end, target in zip(ends, targets, strict=True):
            llvm.store_row(builder, end, target)

    return types.void(INT, sums, INT, INT, weights, INT, INT, BITS, BITS), llvm.by_width(emit)


def _add_events(together: int) -> Any:
    @intrinsic
    def add_events(typingctx, lanes, sums, weights, weights_at, events, begin, end):
        """sums[step] += row of weights[weights_at :] for events[begin : end], each 64 * row + step.

        Those that are taken together are of one step, whose sums are read and written once. One loop without a branch that
        depends on the data, as to foresee one wrongly costs as much as several rows.
        """

        def emit(lanes: int, context: Any, builder: Any, arrays: Any, args: Any) -> None:
            sums, weights, weights_at, events, begin, end = args
            base = llvm.pointer(context, builder, arrays[0], sums, ir.Constant(llvm.I64, 0))
            rows = llvm.pointer(context, builder, arrays[1], weights, weights_at)
            listed = llvm.pointer(context, builder, arrays[3], events, ir.Constant(llvm.I64, 0))
            before = builder.block
            loop, done = builder.append_basic_block("event"), builder.append_basic_block("events_added")
            builder.cbranch(builder.icmp_unsigned("<", begin, end), loop, done)
            builder.position_at_end(loop)
            index = builder.phi(llvm.I64)
            target, total = None, list[Any]()
            for one in range(together):
                event = builder.zext(
                    builder.load(builder.gep(listed, [builder.add(index, ir.Constant(llvm.I64, one))])), llvm.I64
                )
                if target is None:
                    step = builder.and_(event, ir.Constant(llvm.I64, 63))
                    target = builder.gep(base, [builder.mul(step, ir.Constant(llvm.I64, lanes))])
                    total = llvm.load_row(builder, target, lanes)
                row = builder.mul(builder.lshr(event, ir.Constant(llvm.I64, 6)), ir.Constant(llvm.I64, lanes))
                total = llvm.add_row(builder, total, builder.gep(rows, [row]))
            llvm.store_row(builder, total, target)
            following = builder.add(index, ir.Constant(llvm.I64, together))
            index.add_incoming(begin, before)
            index.add_incoming(following, loop)
            builder.cbranch(builder.icmp_unsigned("<", following, end), loop, done)
            builder.position_at_end(done)

        return types.void(INT, sums, weights, INT, events, INT, INT), llvm.by_width(emit)

    return add_events


add_events, add_pairs, add_fours = map(_add_events, (1, 2, 4))


@intrinsic
def add_scaled(typingctx, lanes, sums, weights, weights_at, values, values_at, listed, begin, end):
    """sums += values[values_at + n] * row n of weights[weights_at :] for the n in listed[begin : end], in their order.

    Product and sum are one operation where the processor has it.
    """

    def emit(lanes: int, context: Any, builder: Any, arrays: Any, args: Any) -> None:
        sums, weights, weights_at, values, values_at, listed, begin, end = args
        fused = ("contract",)
        target = llvm.pointer(context, builder, arrays[0], sums, ir.Constant(llvm.I64, 0))
        rows = llvm.pointer(context, builder, arrays[1], weights, weights_at)
        numbers = llvm.pointer(context, builder, arrays[3], values, values_at)
        names = llvm.pointer(context, builder, arrays[5], listed, ir.Constant(llvm.I64, 0))
        start = llvm.load_row(builder, target, lanes)
        before = builder.block
        loop, done = builder.append_basic_block("number"), builder.append_basic_block("numbers_added")
        builder.cbranch(builder.icmp_unsigned("<", begin, end), loop, done)
        builder.position_at_end(loop)
        index, total = builder.phi(llvm.I64), llvm.join(builder, (start, before))
        name = builder.zext(builder.load(builder.gep(names, [index])), llvm.I64)
        value = llvm.splat(builder, builder.load(builder.gep(numbers, [name])), 16)
        row = llvm.load_row(builder, builder.gep(rows, [builder.mul(name, ir.Constant(llvm.I64, lanes))]), lanes)
        added = [
            builder.fadd(part, builder.fmul(value, more, flags=fused), flags=fused)
            for part, more in zip(total, row, strict=True)
        ]
        following = builder.add(index, ir.Constant(llvm.I64, 1))
        index.add_incoming(begin, before)
        index.add_incoming(following, loop)
        llvm.come(total, added, loop)
        builder.cbranch(builder.icmp_unsigned("<", following, end), loop, done)
        builder.position_at_end(done)
        llvm.store_row(builder, llvm.join(builder, (start, before), (added, loop)), target)

    return types.void(INT, sums, weights, INT, values, INT, listed, INT, INT), llvm.by_width(emit)


@intrinsic
def sum_table(typingctx, lanes, sums, step, bias, bias_at, tables, tables_at, groups, bits):
    """sums[step] = bias[bias_at :] + for each four of the `bits` the row of a table that they number.

    Group g has the rows 16 * g to 16 * g + 15 of tables[tables_at :]; `groups` is at least 1.
    """

    def emit(lanes: int, context: Any, builder: Any, arrays: Any, args: Any) -> None:
        sums, step, bias, bias_at, tables, tables_at, groups, bits = args
        target = llvm.pointer(context, builder, arrays[0], sums, builder.mul(step, ir.Constant(llvm.I64, lanes)))
        start = llvm.load_row(builder, llvm.pointer(context, builder, arrays[2], bias, bias_at), lanes)
        rows = llvm.pointer(context, builder, arrays[4], tables, tables_at)
        before = builder.block
        loop, done = builder.append_basic_block("four"), builder.append_basic_block("table_summed")
        builder.branch(loop)
        builder.position_at_end(loop)
        group, left, total = builder.phi(llvm.I64), builder.phi(llvm.I64), llvm.join(builder, (start, before))
        row = builder.add(
            builder.mul(group, ir.Constant(llvm.I64, 16 * lanes)),
            builder.mul(builder.and_(left, ir.Constant(llvm.I64, 15)), ir.Constant(llvm.I64, lanes)),
        )
        added = llvm.add_row(builder, total, builder.gep(rows, [row]))
        following = builder.add(group, ir.Constant(llvm.I64, 1))
        llvm.come(total, added, loop)
        rest = builder.lshr(left, ir.Constant(llvm.I64, 4))
        for phi, begins, follows in ((group, ir.Constant(llvm.I64, 0), following), (left, bits, rest)):
            phi.add_incoming(begins, before)
            phi.add_incoming(follows, loop)
        builder.cbranch(builder.icmp_unsigned("<", following, groups), loop, done)
        builder.position_at_end(done)
        llvm.store_row(builder, added, target)

    return types.void(INT, sums, INT, bias, INT, tables, INT, INT, BITS), llvm.by_width(emit)


@intrinsic
def sum_chosen_lanes_64(
    typingctx, sums, step, bias, bias_at, weights, weights_at, stride, masks, masks_at, masks_stride, count
):
    """sums[step] = bias[bias_at :] + the sum of weights[weights_at + k * stride :] over the k < `count`, of each those of 64 lanes
    whose bit is set in mask k.

    Mask k is masks[masks_at + k * masks_stride]; `count` is at least 1.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        sums, step, bias, bias_at, weights, weights_at, stride, masks, masks_at, masks_stride, count = args
        vector = ir.VectorType(llvm.F32, 64)
        zero = ir.Constant(vector, [0.0] * 64)
        target = llvm.pointer(context, builder, signature.args[0], sums, builder.mul(step, ir.Constant(llvm.I64, 64)))
        start = llvm.load(builder, llvm.pointer(context, builder, signature.args[2], bias, bias_at), vector)
        rows = llvm.pointer(context, builder, signature.args[4], weights, weights_at)
        bits = llvm.pointer(context, builder, signature.args[7], masks, masks_at)
        before = builder.block
        loop, done = builder.append_basic_block("lanes"), builder.append_basic_block("lanes_summed")
        builder.branch(loop)
        builder.position_at_end(loop)
        position, total = builder.phi(llvm.I64), builder.phi(vector)
        mask = builder.load(builder.gep(bits, [builder.mul(position, masks_stride)]))
        row = llvm.load(builder, builder.gep(rows, [builder.mul(position, stride)]), vector)
        chosen = builder.select(builder.bitcast(mask, ir.VectorType(llvm.I1, 64)), row, zero)
        added = builder.fadd(total, chosen)
        following = builder.add(position, ir.Constant(llvm.I64, 1))
        position.add_incoming(ir.Constant(llvm.I64, 0), before)
        position.add_incoming(following, loop)
        total.add_incoming(start, before)
        total.add_incoming(added, loop)
        builder.cbranch(builder.icmp_unsigned("<", following, count), loop, done)
        builder.position_at_end(done)
        llvm.store(builder, added, target)
        return context.get_dummy_value()

    return types.void(sums, INT, bias, INT, weights, INT, INT, masks, INT, INT, INT), codegen


@intrinsic
def copy_row(typingctx, lanes, source, source_at, target, target_at):
    """target[target_at :] = source[source_at :], a row.

    For zeros as well: LLVM writes those it knows in narrower parts, and to load a row that has just been written in parts
    takes until they have all arrived in the cache.
    """

    def emit(lanes: int, context: Any, builder: Any, arrays: Any, args: Any) -> None:
        source, source_at, target, target_at = args
        row = llvm.load_row(builder, llvm.pointer(context, builder, arrays[0], source, source_at), lanes)
        llvm.store_row(builder, row, llvm.pointer(context, builder, arrays[2], target, target_at))

    return types.void(INT, source, INT, target, INT), llvm.by_width(emit)
