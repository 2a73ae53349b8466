"""Steps of integrate-and-fire neurons in vector registers, with thresholds that give bits."""

# mypy: disable-error-code="no-untyped-def, call-arg, var-annotated, assignment"
from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from snnviz.simulation.kernels import llvm

PART = 16 if llvm.FEATURES.get("avx512f") else 8
"""Neurons that take a step together: as many as fill a register whose comparisons the processor turns into bits at once."""


@intrinsic
def take_steps_64(typingctx, potentials, drive, drive_at, to_zero, fired, fired_at, steps):
    """`steps` >= 1 steps of 64 neurons under a constant drive: v + drive[drive_at :], threshold 1, reset.

    fired[fired_at + step] = who fired. Potentials stay in registers meanwhile.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        potentials, drive, drive_at, to_zero, fired, fired_at, steps = args
        part, words = ir.VectorType(llvm.F32, PART), ir.VectorType(llvm.I32, PART)
        target = llvm.pointer(context, builder, signature.args[0], potentials, ir.Constant(llvm.I64, 0))
        driven = llvm.pointer(context, builder, signature.args[1], drive, drive_at)
        bits = llvm.pointer(context, builder, signature.args[4], fired, fired_at)
        one = ir.Constant(part, [1.0] * PART)
        # what remains of v - 1 after a spike: all of its bits, or none
        whole, nothing = ir.Constant(words, [-1] * PART), ir.Constant(words, [0] * PART)
        remains = builder.select(to_zero, nothing, whole)

        def row(pointer: Any) -> list[Any]:
            places = [builder.gep(pointer, [ir.Constant(llvm.I64, at)]) for at in range(0, 64, PART)]
            return [llvm.load(builder, place, part) for place in places]

        starts, drives = row(target), row(driven)
        before = builder.block
        loop, done = builder.append_basic_block("step"), builder.append_basic_block("stepped")
        builder.branch(loop)
        builder.position_at_end(loop)
        step, held = builder.phi(llvm.I64), llvm.join(builder, (starts, before))
        word, results = ir.Constant(llvm.I64, 0), []
        for index, (value, more) in enumerate(zip(held, drives, strict=True)):
            raised = builder.fadd(value, more)
            spikes = builder.fcmp_ordered(">=", raised, one)
            lowered = builder.and_(builder.bitcast(builder.fsub(raised, one), words), remains)
            results.append(builder.select(spikes, builder.bitcast(lowered, part), raised))
            who = builder.zext(builder.bitcast(spikes, ir.IntType(PART)), llvm.I64)
            word = builder.or_(word, builder.shl(who, ir.Constant(llvm.I64, PART * index)))
        builder.store(word, builder.gep(bits, [step]))
        following = builder.add(step, ir.Constant(llvm.I64, 1))
        step.add_incoming(ir.Constant(llvm.I64, 0), before)
        step.add_incoming(following, loop)
        llvm.come(held, results, loop)
        builder.cbranch(builder.icmp_unsigned("<", following, steps), loop, done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    index = types.int64
    return types.void(potentials, drive, index, types.boolean, fired, index, index), codegen


@intrinsic
def take_arrivals(typingctx, lanes, potentials, at, drive, bias, bias_at, to_zero, fired, begin, steps, active, ends):
    """The steps from `begin` to `steps` <= 64 of `lanes` neurons that nothing reaches but at the steps in `active` (bits).

    The drive of an active step, bias included, is drive[step * lanes :], that of the others bias[bias_at :]. Steps at which no
    neuron can come near the threshold are one addition each, so that no number depends on which steps are active.
    fired[step] = who fired, at the steps returned. With `ends`, potentials after the last active step are not needed.

    Returns:
        the steps at which any neuron fired, as bits.
    """
    part = ir.VectorType(llvm.F32, PART)

    def emit(lanes: int, context: Any, builder: Any, arrays: Any, args: Any) -> Any:
        potentials, at, drive, bias, bias_at, to_zero, fired, begin, steps, active, ends = args
        target = llvm.pointer(context, builder, arrays[0], potentials, at)
        driven = llvm.pointer(context, builder, arrays[2], drive, ir.Constant(llvm.I64, 0))
        constant = llvm.pointer(context, builder, arrays[3], bias, bias_at)
        bits = llvm.pointer(context, builder, arrays[6], fired, ir.Constant(llvm.I64, 0))
        words = ir.VectorType(llvm.I32, PART)
        none, single = ir.Constant(llvm.I64, 0), ir.Constant(llvm.I64, 1)
        remains = builder.select(to_zero, ir.Constant(words, [0] * PART), ir.Constant(words, [-1] * PART))
        count = lanes // PART

        def each(value: float) -> Any:
            return ir.Constant(part, [value] * PART)

        def place(pointer: Any, index: int) -> Any:
            return builder.gep(pointer, [ir.Constant(llvm.I64, PART * index)])

        def phis(*sources: tuple[list[Any], Any]) -> list[Any]:
            joined = [builder.phi(part) for _ in range(count)]
            for values, block in sources:
                for phi, value in zip(joined, values, strict=True):
                    phi.add_incoming(value, block)
            return joined

        starts = [llvm.load(builder, place(target, index), part) for index in range(count)]
        moves = [llvm.load(builder, place(constant, index), part) for index in range(count)]
        before = builder.block
        names = ("arrival", "check", "careful", "quiet", "between", "moved", "arrived", "step", "taken")
        arrival, check, careful, quiet, between, through, arrived, stepping, taken = map(
            builder.append_basic_block, names
        )
        builder.branch(arrival)

        builder.position_at_end(arrival)
        left, clock, who = builder.phi(llvm.I64), builder.phi(llvm.I64), builder.phi(llvm.I64)
        held = phis((starts, before))
        comes = builder.icmp_unsigned("!=", left, none)
        step = builder.select(comes, llvm.lowest_bit(builder, left, defined_at_zero=True), steps)
        gap = builder.sub(step, clock)
        with builder.if_then(builder.icmp_unsigned("==", gap, none), likely=False):
            at_once = builder.block
            builder.cbranch(comes, arrived, taken)
        builder.branch(check)

        builder.position_at_end(check)
        times = llvm.splat(builder, builder.uitofp(gap, llvm.F32), PART)
        near = None
        for value, move in zip(held, moves, strict=True):
            # a membrane is highest after the first step or the last; what is lacking to the threshold is more than the
            # rounding of 64 additions, which is relative to how far away the membrane is
            value = builder.fmul(value, each(1 - 2**-17))
            for highest in (builder.fadd(value, move), builder.fadd(value, builder.fmul(move, times))):
                above = builder.fcmp_ordered(">=", highest, each(0.99))
                near = above if near is None else builder.or_(near, above)
        risky = builder.icmp_unsigned("!=", builder.bitcast(near, ir.IntType(PART)), ir.Constant(ir.IntType(PART), 0))
        builder.cbranch(risky, careful, quiet)

        builder.position_at_end(careful)
        with_clock = builder.or_(left, builder.shl(single, clock))
        builder.branch(stepping)

        builder.position_at_end(quiet)
        builder.cbranch(builder.and_(ends, builder.not_(comes)), taken, between)

        builder.position_at_end(between)
        rest_of_gap = builder.phi(llvm.I64)
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
        arriving = builder.gep(driven, [builder.mul(step, ir.Constant(llvm.I64, lanes))])
        drives = [llvm.load(builder, place(arriving, index), part) for index in range(count)]
        builder.branch(stepping)

        builder.position_at_end(stepping)
        now, todo = builder.phi(llvm.I64), builder.phi(llvm.I64)
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
            sent = builder.zext(builder.bitcast(spikes, ir.IntType(PART)), llvm.I64)
            word = builder.or_(word, builder.shl(sent, ir.Constant(llvm.I64, PART * index)))
        builder.store(word, builder.gep(bits, [now]))
        some = builder.zext(builder.icmp_unsigned("!=", word, none), llvm.I64)
        known = builder.or_(who, builder.shl(some, now))
        for phi, begins, follows in (
            (left, active, llvm.without_lowest_bit(builder, todo)), (clock, begin, builder.add(now, single)), (who, none, known)
        ):  # fmt: skip
            phi.add_incoming(begins, before)
            phi.add_incoming(follows, stepping)
        for phi, result in zip(held, results, strict=True):
            phi.add_incoming(result, stepping)
        builder.branch(arrival)

        builder.position_at_end(taken)
        for index, value in enumerate(phis((held, at_once), (held, quiet), (moved, through))):
            llvm.store(builder, value, place(target, index))
        return who

    return types.uint64(
        types.int64, potentials, types.int64, drive, bias, types.int64, types.boolean, fired, types.int64, types.int64,
        types.uint64, types.boolean,
    ), llvm.by_width(emit)  # fmt: skip
