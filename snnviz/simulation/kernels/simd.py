"""Bits of words: finding, counting, listing, transposing and packing them."""

# mypy: disable-error-code="no-untyped-def, call-arg, var-annotated, assignment"
from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from snnviz.simulation.kernels import llvm

COMPRESSES = all(map(llvm.FEATURES.get, ("avx512f", "avx512bw", "avx512vbmi2")))
"""Whether the processor moves chosen bytes of a register together."""


@intrinsic
def lowest_bit(typingctx, mask):
    """Index of the lowest bit set; 64 if there is none."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return llvm.lowest_bit(builder, args[0], defined_at_zero=True)

    return types.uintp(types.uint64), codegen


@intrinsic
def bit_count(typingctx, mask):
    """Number of bits set."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        ctpop = builder.module.declare_intrinsic("llvm.ctpop", [llvm.I64], ir.FunctionType(llvm.I64, [llvm.I64]))
        return builder.call(ctpop, [args[0]])

    return types.int64(types.uint64), codegen


@intrinsic
def list_bits(typingctx, mask, target, at, first, shift):
    """target[at :] = first + (b << shift) for each bit b of `mask`, in order; up to 16 values after them are overwritten too.

    Returns:
        the number of bits.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        mask, target, at, first, shift = args
        pointer = llvm.pointer(context, builder, signature.args[1], target, at)
        ctpop = builder.module.declare_intrinsic("llvm.ctpop", [llvm.I64], ir.FunctionType(llvm.I64, [llvm.I64]))
        count = builder.call(ctpop, [mask])
        (_list_by_compression if COMPRESSES else _list_one_by_one)(builder, mask, pointer, first, shift, count)
        return count

    return types.int64(types.uint64, target, types.uintp, types.uint32, types.uint32), codegen


def _list_by_compression(builder: Any, mask: Any, pointer: Any, first: Any, shift: Any, count: Any) -> None:
    """By the instruction that moves chosen bytes of a register together: without a branch for up to 16 bits."""
    bytes_ = ir.VectorType(ir.IntType(8), 64)
    chosen = ir.VectorType(llvm.I1, 64)
    name = "llvm.x86.avx512.mask.compress.v64i8"
    compress = builder.module.globals.get(name) or ir.Function(
        builder.module, ir.FunctionType(bytes_, [bytes_, bytes_, chosen]), name
    )
    every = ir.Constant(bytes_, list(range(64)))
    together = builder.call(compress, [every, ir.Constant(bytes_, [0] * 64), builder.bitcast(mask, chosen)])

    def part(start: int) -> None:
        few = ir.Constant(ir.VectorType(llvm.I32, 16), list(range(start, start + 16)))
        bits = builder.zext(builder.shuffle_vector(together, together, few), ir.VectorType(llvm.I32, 16))
        values = builder.add(builder.shl(bits, llvm.splat(builder, shift, 16)), llvm.splat(builder, first, 16))
        llvm.store(builder, values, builder.gep(pointer, [ir.Constant(llvm.I64, start)]))

    part(0)
    with builder.if_then(builder.icmp_unsigned(">", count, ir.Constant(llvm.I64, 16)), likely=False):
        part(16)
        with builder.if_then(builder.icmp_unsigned(">", count, ir.Constant(llvm.I64, 32)), likely=False):
            part(32)
            part(48)


def _list_one_by_one(builder: Any, mask: Any, pointer: Any, first: Any, shift: Any, count: Any) -> None:
    before = builder.block
    loop, done = builder.append_basic_block("bit"), builder.append_basic_block("bits_listed")
    none = ir.Constant(llvm.I64, 0)
    builder.cbranch(builder.icmp_unsigned("!=", mask, none), loop, done)
    builder.position_at_end(loop)
    left, place = builder.phi(llvm.I64), builder.phi(llvm.I64)
    bit = builder.trunc(llvm.lowest_bit(builder, left, defined_at_zero=False), llvm.I32)
    builder.store(builder.add(builder.shl(bit, shift), first), builder.gep(pointer, [place]))
    rest = llvm.without_lowest_bit(builder, left)
    for phi, begins, follows in ((left, mask, rest), (place, none, builder.add(place, ir.Constant(llvm.I64, 1)))):
        phi.add_incoming(begins, before)
        phi.add_incoming(follows, loop)
    builder.cbranch(builder.icmp_unsigned("!=", rest, none), loop, done)
    builder.position_at_end(done)


@intrinsic
def transpose(typingctx, source, source_at, target, target_at):
    """target[target_at + b] = the bits b of source[source_at : source_at + 64], the first word's lowest.

    Six rounds exchange halves of ever smaller squares (H. S. Warren, Hacker's Delight, 2nd edition, section 7-3).
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        source, source_at, target, target_at = args
        vector = ir.VectorType(llvm.I64, 64)

        def constant(values: list[int]) -> Any:
            return ir.Constant(vector, values)

        value = builder.load(
            builder.bitcast(llvm.pointer(context, builder, signature.args[0], source, source_at), vector.as_pointer()),
            align=8,
        )
        for size in (32, 16, 8, 4, 2, 1):
            low = sum(1 << bit for bit in range(64) if not bit & size)  # bits whose column is in a left half
            order = ir.Constant(ir.VectorType(llvm.I32, 64), [row ^ size for row in range(64)])
            other = builder.shuffle_vector(value, value, order)
            keeps = constant([low if not row & size else low << size for row in range(64)])
            kept = builder.and_(value, keeps)
            up = builder.shl(builder.and_(other, constant([low] * 64)), constant([size] * 64))
            down = builder.and_(builder.lshr(other, constant([size] * 64)), constant([low] * 64))
            first = ir.Constant(ir.VectorType(llvm.I1, 64), [not row & size for row in range(64)])
            value = builder.or_(kept, builder.select(first, up, down))
        place = llvm.pointer(context, builder, signature.args[2], target, target_at)
        builder.store(value, builder.bitcast(place, vector.as_pointer()), align=8)
        return context.get_dummy_value()

    return types.void(source, types.uintp, target, types.uintp), codegen


@intrinsic
def pack(typingctx, flags, at):
    """The 64 bytes flags[at :] as bits: 1 where a byte is not 0."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        byte = ir.VectorType(ir.IntType(8), 64)
        pointer = llvm.pointer(context, builder, signature.args[0], *args)
        values = builder.load(builder.bitcast(pointer, byte.as_pointer()), align=1)
        return builder.bitcast(builder.icmp_unsigned("!=", values, ir.Constant(byte, [0] * 64)), llvm.I64)

    return types.uint64(flags, types.uintp), codegen


@intrinsic
def nonzero(typingctx, values, at):
    """Which of the 64 float32 values[at :] are not 0, as bits."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        vector = ir.VectorType(llvm.F32, 64)
        numbers = llvm.load(builder, llvm.pointer(context, builder, signature.args[0], *args), vector)
        return builder.bitcast(builder.fcmp_unordered("!=", numbers, ir.Constant(vector, [0.0] * 64)), llvm.I64)

    return types.uint64(values, types.uintp), codegen
