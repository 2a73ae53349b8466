"""LLVM intermediate code that the vector operations have in common: places in arrays, and rows of float32.

A row of `lanes` float32 is one LLVM vector; LLVM splits it over the registers that the processor has (8 of AVX2's for
64 lanes, 4 of AVX-512's, 16 of NEON's), and keeps a running sum in them: an add then costs one load, where the same
loop over arrays costs three memory operations. No operation checks bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from llvmlite.binding import get_host_cpu_features

FEATURES = get_host_cpu_features()
"""What the processor can do, by LLVM's names."""
F32, I32, I64, I1 = ir.FloatType(), ir.IntType(32), ir.IntType(64), ir.IntType(1)
WIDTHS = (64, 48, 32, 16)
"""Lanes that a row may have."""


def by_width(emit: Callable[..., Any]) -> Callable[..., Any]:
    """Code of an operation whose first argument is the width of a row, one of `WIDTHS`: that of `emit` for each.

    Args:
        emit: writes the code, from (lanes, context, builder, types of the other arguments, the other arguments); returns a value or
            None, for each width alike.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        lanes, *others = args
        done, results = builder.append_basic_block("every_width"), []
        for width in WIDTHS:
            if width != WIDTHS[-1]:
                chosen, rest = builder.append_basic_block(f"lanes_{width}"), builder.append_basic_block("narrower")
                builder.cbranch(builder.icmp_unsigned("==", lanes, ir.Constant(I64, width)), chosen, rest)
                builder.position_at_end(chosen)
            results.append((emit(width, context, builder, signature.args[1:], others), builder.block))
            builder.branch(done)
            if width != WIDTHS[-1]:
                builder.position_at_end(rest)
        builder.position_at_end(done)
        if results[0][0] is None:
            return context.get_dummy_value()
        return join(builder, *(([value], block) for value, block in results))[0]

    return codegen


def pointer(context: Any, builder: Any, array_type: Any, array: Any, at: Any) -> Any:
    """Pointer to element `at` of an array."""
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [at])


def load(builder: Any, pointer: Any, vector: ir.VectorType) -> Any:
    return builder.load(builder.bitcast(pointer, vector.as_pointer()), align=4)


def store(builder: Any, value: Any, pointer: Any) -> None:
    builder.store(value, builder.bitcast(pointer, value.type.as_pointer()), align=4)


def load_row(builder: Any, pointer: Any, lanes: int) -> list[Any]:
    """A row in parts, since 48 lanes as one vector would be widened to 64."""
    part = ir.VectorType(F32, 16)
    return [load(builder, builder.gep(pointer, [ir.Constant(I64, at)]), part) for at in range(0, lanes, 16)]


def store_row(builder: Any, parts: list[Any], pointer: Any) -> None:
    for index, part in enumerate(parts):
        store(builder, part, builder.gep(pointer, [ir.Constant(I64, 16 * index)]))


def add_row(builder: Any, parts: list[Any], pointer: Any) -> list[Any]:
    row = load_row(builder, pointer, 16 * len(parts))
    return [builder.fadd(part, more) for part, more in zip(parts, row, strict=True)]


def join(builder: Any, *sources: tuple[list[Any], Any]) -> list[Any]:
    """Phis of lists of values, each with the block that they come from."""
    joined = [builder.phi(value.type) for value in sources[0][0]]
    for values, block in sources:
        come(joined, values, block)
    return joined


def come(phis: list[Any], values: list[Any], block: Any) -> None:
    for phi, value in zip(phis, values, strict=True):
        phi.add_incoming(value, block)


def splat(builder: Any, value: Any, lanes: int) -> Any:
    """A vector of lanes that are all `value`."""
    vector = ir.VectorType(value.type, lanes)
    first = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.Constant(I32, 0))
    return builder.shuffle_vector(first, first, ir.Constant(ir.VectorType(I32, lanes), [0] * lanes))


def lowest_bit(builder: Any, mask: Any, defined_at_zero: bool) -> Any:
    cttz = builder.module.declare_intrinsic("llvm.cttz", [I64], ir.FunctionType(I64, [I64, I1]))
    return builder.call(cttz, [mask, ir.Constant(I1, 0 if defined_at_zero else 1)])


def without_lowest_bit(builder: Any, mask: Any) -> Any:
    return builder.and_(mask, builder.sub(mask, ir.Constant(I64, 1)))
