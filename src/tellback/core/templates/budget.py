"""What a template will cost: every block counts, before it runs, against the budget of its rendering."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from liquid import ast, context, exceptions, expression, token
from liquid.builtin.expressions import filtered, primitive

from tellback.core.templates.rendering import Run

_RANGE: Final = 5_000


class _Counter(ast.Node):
    """Stands first in every block and takes from the budget what the block holds."""

    __slots__ = ("cost",)

    def __init__(self, cost: int) -> None:
        super().__init__(token.Token(token.TOKEN_CONTENT, "", 0, ""))
        self.cost = cost

    def render_to_output(self, context: context.RenderContext, buffer: Any) -> int:
        assert isinstance(context, Run)
        context.spend(self.cost)
        return 0


class _Bounded(expression.Expression):
    """An end of a range, which may not be far away."""

    __slots__ = ("end",)

    def __init__(self, end: expression.Expression) -> None:
        super().__init__(end.token)
        self.end = end

    def evaluate(self, context: context.RenderContext) -> object:
        value = self.end.evaluate(context)
        try:
            number = int(value) if isinstance(value, str | int | float) else 0  # as the engine does
        except (ValueError, OverflowError):
            number = 0
        if not -_RANGE <= number <= _RANGE:
            raise exceptions.ResourceLimitError(f"a range may reach to {_RANGE:,}", token=self.token)
        return number

    def children(self) -> Sequence[expression.Expression]:
        return [self.end]


class Reading:
    """A pass over what was parsed: counts what it costs, bounds its ranges, and refuses unknown filters."""

    def __init__(self, scope: context.RenderContext) -> None:
        self._scope = scope

    def count(self, nodes: list[ast.Node]) -> None:
        """Put counters before `nodes` and before those of every block in them."""
        nodes.insert(0, _Counter(1 + sum(self._node(node) for node in nodes)))

    def _node(self, node: ast.Node) -> int:
        cost = 1 + sum(self._expression(one) for one in node.expressions())
        for child in node.children(self._scope):
            if isinstance(child, ast.BlockNode):
                self.count(child.nodes)
            else:
                cost += self._node(child)
        return cost

    def _expression(self, one: expression.Expression) -> int:
        cost = 1
        if isinstance(one, primitive.RangeLiteral):
            one.start, one.stop = _Bounded(one.start), _Bounded(one.stop)
        if isinstance(one, filtered.FilteredExpression):
            for used in one.filters or ():
                used.validate_filter_arguments(self._scope.env)
                cost += 3  # with its measuring, about what three other steps take
        return cost + sum(self._expression(child) for child in one.children())
